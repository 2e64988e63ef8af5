import Primitives

/// Takes the chunked transfer coding of a response's body apart, from bytes cut anywhere.
///
/// libcurl can do it, too, but drops what follows the last chunk without a word: half of a response
/// that nobody asked for, whose other half would be read as the next request's answer. So the bytes
/// come here as the vendor sent them, and ``surplusBytes`` tells.
public struct ChunkDecoder {
    private enum State {
        /// In the digits of a chunk's size.
        case size
        /// Behind them, up to the line's end.
        case sizeEnd
        case data
        /// Behind a chunk's data, up to the line's end.
        case dataEnd
        /// In a line behind the last chunk.
        case trailer
        case complete
        case malformed
    }

    private var state = State.size
    /// The chunk's size so far, then what of it is still to come.
    private var left = 0
    private var digits = 0
    private var trailerBytes = 0
    /// Whether anything of the body was seen.
    public private(set) var hasBegun = false
    /// Bytes that came after the body's end.
    public private(set) var surplusBytes = 0

    /// A decoder at the beginning of a body.
    public init() {}

    /// Whether the last chunk and its trailer were seen.
    public var isComplete: Bool { state == .complete }

    /// Whether a byte was seen that cannot stand there.
    public var isMalformed: Bool { state == .malformed }

    /// Where the next piece of a chunk's data stands at or after `offset`, which is moved behind
    /// it; nil when the bytes hold no more data.
    public mutating func next(in bytes: Span<UInt8>, from offset: inout Int) -> Range<Int>? {
        hasBegun = true
        while offset < bytes.count {
            switch state {
            case .data:
                let count = min(left, bytes.count - offset)
                left -= count
                if left == 0 { state = .dataEnd }
                offset += count
                return offset - count..<offset
            case .complete:
                surplusBytes += bytes.count - offset
                offset = bytes.count
            case .malformed:
                offset = bytes.count
            default:
                take(bytes[offset])
                offset += 1
            }
        }
        return nil
    }

    private mutating func take(_ byte: UInt8) {
        switch state {
        case .size: takeSize(byte)
        case .sizeEnd:
            // Extensions mean nothing to anybody, and are passed over as libcurl does.
            guard byte == 0x0A else { return }
            digits = 0
            state = left == 0 ? .trailer : .data
        case .dataEnd:
            if byte == 0x0A {
                state = .size
            } else if byte != 0x0D {
                state = .malformed
            }
        case .trailer:
            if byte == 0x0A {
                if trailerBytes == 0 { state = .complete }
                trailerBytes = 0
            } else if byte != 0x0D {
                trailerBytes += 1
            }
        case .data, .complete, .malformed: break
        }
    }

    private mutating func takeSize(_ byte: UInt8) {
        if let digit = byte.hexadecimalDigit {
            digits += 1
            // Sixteen digits would not fit, and no vendor needs them.
            guard digits < 16 else { return state = .malformed }
            left = left << 4 | Int(digit)
        } else if digits == 0 {
            state = .malformed
        } else {
            state = .sizeEnd
            take(byte)
        }
    }
}
