/// The bytes of a document, which are known to be text that TOML allows, and where lines begin.
///
/// TOML allows malformed UTF-8 and control characters nowhere. They are refused once, before the
/// document is read, so that no part of the reader looks for them again.
struct TOMLSource {
    /// How large a document may be: what is kept of it takes many times its size.
    static let maximumBytes = 4 << 20

    let bytes: [UInt8]
    /// Where the text begins: behind a byte order mark, if there is one.
    let start: Int
    /// The offsets of the first byte of each line.
    private let lineStarts: [Int]

    init(_ bytes: [UInt8]) throws(TOMLFault) {
        guard bytes.count <= Self.maximumBytes else {
            throw TOMLFault(
                location: .start,
                message: "\(bytes.count) bytes; allowed: \(Self.maximumBytes) and less")
        }
        start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var lineStarts = [start]
        var offset = start
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte < 0x80 {
                if let reason = Self.fault(of: byte, at: offset, in: bytes) {
                    throw TOMLFault(
                        location: Self.location(of: offset, lineStarts), message: reason)
                }
                offset += 1
                if byte == 0x0A { lineStarts.append(offset) }
            } else if let length = Self.length(at: offset, in: bytes) {
                offset += length
            } else {
                throw TOMLFault(
                    location: Self.location(of: offset, lineStarts),
                    message: "bytes that are no UTF-8: the file is damaged, or no text")
            }
        }
        self.bytes = bytes
        self.lineStarts = lineStarts
    }

    func location(of offset: Int) -> SourceLocation {
        Self.location(of: offset, lineStarts)
    }

    private static func location(of offset: Int, _ lineStarts: [Int]) -> SourceLocation {
        // The last line that begins no later.
        var (low, high) = (0, lineStarts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return SourceLocation(line: low + 1, column: offset - lineStarts[low] + 1)
    }

    /// What is wrong with a byte of ASCII, wherever it stands.
    private static func fault(of byte: UInt8, at offset: Int, in bytes: [UInt8]) -> String? {
        switch byte {
        case 0x09, 0x0A: return nil
        case 0x0D:
            let isLineEnd = offset + 1 < bytes.count && bytes[offset + 1] == 0x0A
            return isLineEnd
                ? nil : "a carriage return without a line feed; in double quotes it is written \\r"
        case 0x00: return "a NUL byte: the file is damaged, or no text"
        case 0x00..<0x20, 0x7F:
            let digits = String(byte, radix: 16, uppercase: true)
            let code = "00" + (digits.count == 1 ? "0" : "") + digits
            return "the control character U+\(code); in double quotes it is written \\u\(code)"
        default: return nil
        }
    }

    /// The length of the UTF-8 sequence that begins here with a byte beyond ASCII; nil where none
    /// does: overlong ones, surrogates, and what lies beyond U+10FFFF are none.
    private static func length(at offset: Int, in bytes: [UInt8]) -> Int? {
        let (length, second): (Int, ClosedRange<UInt8>)
        switch bytes[offset] {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard offset + length <= bytes.count, second.contains(bytes[offset + 1]) else { return nil }
        for index in offset + 2..<offset + max(2, length) where bytes[index] & 0xC0 != 0x80 {
            return nil
        }
        return length
    }
}
