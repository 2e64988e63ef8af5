import CCompression

/// A frame of Zstandard, RFC 8878, that holds one run of bytes and says how many.
@safe
public enum ZstdFrame {
    /// Bytes of one frame's content at most: what a reader unpacks for a single text.
    public static let contentBytesMax = 16 << 20

    /// What repeats within a whole frame is found: its window is as long as its content.
    ///
    /// The usual search finds it: that for matches over long distances took two thirds of the
    /// instructions and made frames of calls 2 to 8 % smaller.
    private static let windowBits: Int32 = 24
    private static let level: Int32 = 3
    /// A decoder that is given all at once yields nothing of a frame that is damaged.
    private static let pieceBytes = 64 << 10

    /// Room that the frame of so many bytes needs at most.
    public static func bound(_ contentBytes: Int) -> Int {
        Int(clamping: ZSTD_compressBound(contentBytes))
    }

    /// Packs bytes into a frame; its length, or nil where memory or room is short.
    @unsafe
    public static func pack(
        _ content: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard let context = unsafe ZSTD_createCCtx() else { return nil }
        defer { unsafe ZSTD_freeCCtx(context) }
        let parameters: [(ZSTD_cParameter, Int32)] = [
            (ZSTD_c_compressionLevel, level), (ZSTD_c_windowLog, windowBits),
            (ZSTD_c_contentSizeFlag, 1),
        ]
        for (parameter, value) in parameters {
            let result = unsafe ZSTD_CCtx_setParameter(context, parameter, value)
            guard ZSTD_isError(result) == 0 else { return nil }
        }
        let count = unsafe ZSTD_compress2(
            context, room.baseAddress, room.count, content.baseAddress, content.count)
        return ZSTD_isError(count) == 0 ? count : nil
    }

    /// The first bytes of a frame's content: all that were asked for, or those before the first
    /// that cannot be unpacked.
    ///
    /// No more than `count` bytes are made, whatever the frame says of itself.
    public static func unpack(_ frame: Span<UInt8>, count: Int) -> [UInt8] {
        precondition(count <= contentBytesMax)
        guard let decoder = unsafe ZSTD_createDStream() else { return [] }
        defer { unsafe ZSTD_freeDStream(decoder) }
        _ = unsafe ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, windowBits)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            unsafe frame.withUnsafeBytes { packed in
                var target = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: count, pos: 0)
                var taken = 0
                while taken < packed.count, unsafe target.pos < count {
                    let piece = min(pieceBytes, packed.count - taken)
                    var source = unsafe ZSTD_inBuffer(
                        src: packed.baseAddress.map { unsafe $0 + taken }, size: piece, pos: 0)
                    let before = unsafe target.pos
                    let result = unsafe ZSTD_decompressStream(decoder, &target, &source)
                    taken += unsafe source.pos
                    let isStuck = unsafe source.pos == 0 && target.pos == before
                    // Behind its end another frame would begin, of which nothing is wanted.
                    if ZSTD_isError(result) != 0 || result == 0 || isStuck { break }
                }
                unsafe filled = target.pos
            }
        }
    }

    /// How long the frame at the beginning of some bytes is, and its content; nil where there is
    /// none that is whole.
    public static func measure(_ bytes: Span<UInt8>) -> (packed: Int, content: Int)? {
        unsafe bytes.withUnsafeBytes { space in
            let packed = unsafe ZSTD_findFrameCompressedSize(space.baseAddress, space.count)
            guard ZSTD_isError(packed) == 0, packed > 0, packed <= space.count else { return nil }
            let content = unsafe ZSTD_getFrameContentSize(space.baseAddress, space.count)
            guard content > 0, content <= UInt64(contentBytesMax) else { return nil }
            return (packed, Int(content))
        }
    }
}
