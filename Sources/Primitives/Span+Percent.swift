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
