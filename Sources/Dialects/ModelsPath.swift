import Primitives

/// A path that asks which models there are, or what one of them is, read as the vendors read it:
/// escapes undone, slashes joined, in any version of an API.
public struct ModelsPath: Equatable, Sendable {
    /// The model; nil where all are asked for.
    public let name: String?
    /// Whether the answer is read in Google's shape.
    public let isGoogles: Bool

    /// Reads a path without a chain's prefix; nil where it asks for something else.
    public init?(_ path: Span<UInt8>) {
        let plain = path.percentDecoded()
        var segments = Self.segments(plain)[...]
        var isOfTrial = false
        var isCompatible = false
        while let first = segments.first?.lowercased() {
            let isVersion = Self.isVersion(first)
            guard isVersion || first == "openai" else { break }
            isOfTrial = isOfTrial || first.contains("beta") || first.contains("alpha")
            isCompatible = isCompatible || !isVersion
            segments.removeFirst()
        }
        guard let word = segments.first, segments.startIndex > 0,
            word.prefix(while: { $0 != ";" }).lowercased() == "models"
        else { return nil }
        let rest = segments.dropFirst()
        name = rest.isEmpty ? nil : rest.joined(separator: "/")
        isGoogles = isOfTrial && !isCompatible
    }

    /// Whether some server may take a request's path for a question for its models.
    ///
    /// `isReading`: whether its method asks for what is there; another one may be said to be such
    /// in a field.
    public static func mayList(_ path: Span<UInt8>, isReading: Bool) -> Bool {
        var plain = path.indices.map { path[$0] }
        for _ in 0..<3 {
            let next = plain.span.percentDecoded()
            guard next.count < plain.count else { break }
            plain = next
        }
        let segments = segments(plain).map { $0.lowercased() }
        guard let last = segments.last?.prefix(while: { $0 != ";" }) else { return false }
        if isReading, segments.contains(where: { $0.contains("models") }) { return true }
        return ["models", "tunedmodels", "deployments"].contains(last)
    }

    /// The segments of a path, those resolved that lead up.
    private static func segments(_ path: [UInt8]) -> [String] {
        var segments: [String] = []
        for part in path.split(whereSeparator: { $0 == UInt8(ascii: "/") || $0 == 0x5C }) {
            let segment = String(decoding: part, as: UTF8.self)
            if segment == ".." {
                _ = segments.popLast()
            } else if segment != "." {
                segments.append(segment)
            }
        }
        return segments
    }

    private static func isVersion(_ segment: String) -> Bool {
        guard segment.first == "v", let digit = segment.dropFirst().first else { return false }
        return "0"..."9" ~= digit
    }
}
