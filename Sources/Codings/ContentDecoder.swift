import Primitives

/// Undoes the content codings of a body on the side, so that it can be read; the body itself stays
/// as it came.
///
/// The input may be anything. The decoder stops at the first fault, and at a bound of its output.
public final class ContentDecoder {
    /// Bytes of output at most, by default: a few kilobytes can be made to expand to
    /// gigabytes.
    public static let outputBytesMax = 64 << 20
    /// The highest ratio: ordinary texts stay below it; zeros in gzip have 1,000.
    public static let ratioMax = 256
    /// Output from which on the ratio counts: short texts of one word repeated are well above it.
    private static let ratioFromBytes = 1 << 20

    /// In the order in which they are undone.
    private let stages: [CodingStage]
    private let bytesMax: Int
    private var consumed = 0
    private var produced = 0
    /// Whether more came out than is allowed.
    public private(set) var isBeyondBound = false

    /// The codings that can be undone, as `Accept-Encoding` lists them.
    public static let accepted = Coding.allCases.map(\.rawValue).joined(separator: ", ")

    /// Whether a `Content-Encoding` lists nothing that has to be undone.
    public static func isIdentity(_ encoding: Span<UInt8>) -> Bool {
        Coding.list(encoding)?.isEmpty ?? false
    }

    /// A decoder for a `Content-Encoding`; nil where it lists none, or one that cannot be undone.
    public init?(_ encoding: Span<UInt8>, bytesMax: Int = outputBytesMax) {
        guard let codings = Coding.list(encoding), !codings.isEmpty else { return nil }
        var stages: [CodingStage] = []
        for coding in codings.reversed() {
            guard let stage = CodingStage(coding) else { return nil }
            stages.append(stage)
        }
        self.stages = stages
        self.bytesMax = bytesMax
    }

    /// Whether something came that cannot be undone, or more came out than is allowed.
    public var isBroken: Bool { isBeyondBound || stages.contains { $0.isBroken } }

    /// Whether what came so far is a whole body.
    public var isAtEnd: Bool { !isBroken && stages.allSatisfy { $0.isAtEnd } }

    /// Takes a piece; what comes out is lent to the closure.
    ///
    /// Returns whether everything so far could be undone.
    public func decode(_ bytes: Span<UInt8>, _ take: (Span<UInt8>) -> Void) -> Bool {
        guard !isBroken else { return false }
        consumed += bytes.count
        pass(bytes, to: 0, take)
        return !isBroken
    }

    private func pass(_ bytes: Span<UInt8>, to index: Int, _ take: (Span<UInt8>) -> Void) {
        stages[index].take(bytes) { output in
            produced += output.count
            let isTooMuch =
                produced > bytesMax
                || produced > Self.ratioFromBytes && produced / Self.ratioMax > consumed
            guard !isTooMuch else {
                isBeyondBound = true
                return false
            }
            if index + 1 < stages.count {
                pass(output, to: index + 1, take)
            } else {
                take(output)
            }
            return true
        }
    }
}

@available(*, unavailable)
extension ContentDecoder: Sendable {}
