/// CRC-32 as zlib and PNG have it.
public enum CRC32 {
    // By half a byte at a time: a table of sixteen.
    private static let table: [UInt32] = (0..<16).map { index in
        (0..<4).reduce(UInt32(index)) { value, _ in
            value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ (value >> 1)
        }
    }

    /// The checksum of some bytes.
    public static func of(_ bytes: Span<UInt8>) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for index in bytes.indices {
            value ^= UInt32(bytes[index])
            value = table[Int(value & 15)] ^ (value >> 4)
            value = table[Int(value & 15)] ^ (value >> 4)
        }
        return ~value
    }
}
