extension Span where Element == UInt8 {
    /// The bytes with their percent escapes undone once; what is no escape stays.
    public func percentDecoded() -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(count)
        var index = 0
        while index < count {
            if self[index] == UInt8(ascii: "%"), index + 2 < count,
                let high = self[index + 1].hexadecimalDigit,
                let low = self[index + 2].hexadecimalDigit
            {
                plain.append(high << 4 | low)
                index += 3
            } else {
                plain.append(self[index])
                index += 1
            }
        }
        return plain
    }
}

extension ByteBuffer {
    /// Appends a text as a part of a URL's query: what has a meaning there is escaped.
    public mutating func append(percentEncoding text: String) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            let isPlain =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte.lowercased
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "-._~:/".utf8.contains(byte)
            if isPlain {
                append(byte: byte)
            } else {
                append(byte: UInt8(ascii: "%"))
                append(byte: digits[Int(byte >> 4)])
                append(byte: digits[Int(byte & 15)])
            }
        }
    }
}
