import Primitives

/// The checksum of keys: CRC-32 as zlib and PNG have it, so that scanners can compute it, too.
enum Checksum {
    // By half a byte at a time: a table of sixteen.
    private static let table: [UInt32] = (0..<16).map { index in
        (0..<4).reduce(UInt32(index)) { value, _ in
            value & 1 == 0 ? value >> 1 : 0xEDB8_8320 ^ (value >> 1)
        }
    }

    static func crc32(_ bytes: Span<UInt8>) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for index in bytes.indices {
            value ^= UInt32(bytes[index])
            value = table[Int(value & 15)] ^ (value >> 4)
            value = table[Int(value & 15)] ^ (value >> 4)
        }
        return ~value
    }
}
