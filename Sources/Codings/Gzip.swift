import CCompression
import Primitives

/// Compresses what goes to another machine.
public enum Gzip {
    /// The bytes in gzip's format, RFC 1952, or in zlib's; nil where memory is short, or for
    /// gigabytes.
    public static func compress(_ bytes: [UInt8], isWrapped: Bool = true) -> [UInt8]? {
        // zlib counts in 32 bits; no caller here compresses gigabytes.
        guard bytes.count < UInt32.max / 2 else { return nil }
        var stream = unsafe z_stream()
        guard unsafe ccompression_begin_deflate(&stream, isWrapped ? 15 + 16 : 15) == Z_OK else {
            return nil
        }
        defer { unsafe deflateEnd(&stream) }
        let bound = unsafe deflateBound(&stream, UInt(bytes.count))
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: Int(bound)) { space, count in
            unsafe bytes.withUnsafeBufferPointer { input in
                unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.avail_in = UInt32(input.count)
                unsafe stream.next_out = space.baseAddress
                unsafe stream.avail_out = UInt32(space.count)
                // With room for the worst case it ends in one go.
                guard unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END else { return }
                count = unsafe space.count - Int(stream.avail_out)
            }
        }
        return compressed.isEmpty ? nil : compressed
    }

    /// The bytes of a text in gzip's format; nil where it is none.
    package static func decompress(_ bytes: [UInt8]) -> [UInt8]? {
        guard let decoder = ContentDecoder("gzip".utf8.span) else { return nil }
        var result: [UInt8] = []
        let isWhole = decoder.decode(bytes.span) { piece in
            result.append(piece)
        }
        return isWhole ? result : nil
    }
}
