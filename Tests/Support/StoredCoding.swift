/// Content codings in which the bytes stand as they are, made without a library.
package enum StoredCoding {
    /// A frame of zstd (RFC 8878) of raw blocks.
    package static func zstd(_ bytes: [UInt8]) -> [UInt8] {
        // The magic number, no size of the content, and a window of 128 KiB.
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38]
        var start = 0
        repeat {
            let end = min(start + 100_000, bytes.count)
            let header = (end == bytes.count ? 1 : 0) | (end - start) << 3
            for shift in [0, 8, 16] { frame.append(UInt8(truncatingIfNeeded: header >> shift)) }
            frame += bytes[start..<end]
            start = end
        } while start < bytes.count
        return frame
    }

    /// A stream of brotli (RFC 7932) of uncompressed meta-blocks.
    package static func brotli(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + 65_536, bytes.count)
            // Not the last block, a length of four nibbles, and no compression.
            var header = (end - start - 1) << 3 | 1 << 19
            // Before the first stands a window of 4 MiB, in four bits.
            if start == 0 { header = 0x0B | header << 4 }
            for shift in [0, 8, 16] { stream.append(UInt8(truncatingIfNeeded: header >> shift)) }
            stream += bytes[start..<end]
            start = end
        }
        return stream + [bytes.isEmpty ? 0x3B : 0x03]
    }
}
