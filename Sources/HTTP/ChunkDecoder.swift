import Primitives

/// Takes the chunked transfer coding of a response's body apart, from bytes cut anywhere.
///
/// libcurl can do it, too, but drops what follows the last chunk without a word: half of a response
/// without a request, whose other half would be read as the next request's answer. So the bytes
/// come here as the vendor sent them, and ``surplusBytes`` counts the rest.
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

    /// The range of the next piece of a chunk's data at or after `offset`, which is moved behind
    /// it; nil when the bytes hold no more data.
    public mutating func next(in bytes: Span<UInt8>, from offset: inout Int) -> Range<Int>? {
        if state == .dataEnd, let piece = nextWhole(in: bytes, from: &offset) { return piece }
        hasBegun = true
        while offset < bytes.count {
            switch state {
            case .data:
                let count = min(left, bytes.count - offset)
                left -= count
                if left == 0 { state = .dataEnd }
                offset += count
                return offset - count..<offset
            case .size: takeSize(bytes, &offset)
            case .sizeEnd: takeSizeEnd(bytes, &offset)
            case .dataEnd: takeDataEnd(bytes, &offset)
            case .trailer:
                takeTrailer(bytes[offset])
                offset += 1
            case .complete:
                surplusBytes += bytes.count - offset
                offset = bytes.count
            case .malformed:
                offset = bytes.count
            }
        }
        return nil
    }

    /// The data of a chunk that stands there from the end of the one before it to its own, framed
    /// as nearly all are; nil where it does not, and nothing has changed then.
    private mutating func nextWhole(
        in bytes: Span<UInt8>, from offset: inout Int
    ) -> Range<Int>? {
        let start = offset
        // Two line ends and a digit at least, and seven digits at most.
        guard bytes.count - start >= 12, bytes[start] == 0x0D, bytes[start + 1] == 0x0A else {
            return nil
        }
        var index = start + 2
        var size = 0
        while true {
            let byte = bytes[index]
            let digit = byte &- 0x30
            let letter = (byte | 0x20) &- 0x61
            guard digit < 10 || letter < 6 else { break }
            size = size << 4 | Int(digit < 10 ? digit : letter &+ 10)
            index += 1
            guard index < start + 9 else { return nil }
        }
        guard size > 0, bytes[index] == 0x0D, bytes[index + 1] == 0x0A,
            bytes.count - index - 2 >= size
        else { return nil }
        offset = index + 2 + size
        return index + 2..<offset
    }

    private mutating func takeSize(_ bytes: Span<UInt8>, _ offset: inout Int) {
        var index = offset
        var size = left
        while index < bytes.count {
            let byte = bytes[index]
            let digit = byte &- 0x30
            let letter = (byte | 0x20) &- 0x61
            guard digit < 10 || letter < 6 else { break }
            size = size << 4 | Int(digit < 10 ? digit : letter + 10)
            index += 1
            digits += 1
            // Sixteen digits would not fit, and no vendor needs them.
            guard digits < 16 else {
                offset = index
                return state = .malformed
            }
        }
        left = size
        offset = index
        guard index < bytes.count else { return }
        state = digits == 0 ? .malformed : .sizeEnd
    }

    private mutating func takeSizeEnd(_ bytes: Span<UInt8>, _ offset: inout Int) {
        if bytes[offset] == 0x0D, offset + 1 < bytes.count, bytes[offset + 1] == 0x0A {
            // Nearly all chunks are framed like this.
            offset += 2
            digits = 0
            return state = left == 0 ? .trailer : .data
        }
        // Extensions have no meaning here, and are passed over as libcurl does.
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            guard byte == 0x0A else { continue }
            digits = 0
            state = left == 0 ? .trailer : .data
            return
        }
    }

    private mutating func takeDataEnd(_ bytes: Span<UInt8>, _ offset: inout Int) {
        if bytes[offset] == 0x0D, offset + 1 < bytes.count, bytes[offset + 1] == 0x0A {
            offset += 2
            return state = .size
        }
        while offset < bytes.count {
            let byte = bytes[offset]
            offset += 1
            if byte == 0x0A { return state = .size }
            guard byte == 0x0D else { return state = .malformed }
        }
    }

    private mutating func takeTrailer(_ byte: UInt8) {
        if byte == 0x0A {
            if trailerBytes == 0 { state = .complete }
            trailerBytes = 0
        } else if byte != 0x0D {
            trailerBytes += 1
        }
    }
}
