import CCompression
import Primitives

/// One coding that is being undone, piece by piece.
@safe
final class CodingStage {
    @unsafe private enum State {
        case zlib(UnsafeMutablePointer<z_stream>)
        case brotli(OpaquePointer)
        case zstd(OpaquePointer)
    }

    private static let pieceBytes = 32 << 10
    /// RFC 9659: a window of 8 MiB is all that a decoder for HTTP must have.
    private static let windowBits: Int32 = 23

    private let coding: Coding
    private let state: State
    private let piece: UnsafeMutablePointer<UInt8>
    /// Whether the first bytes have shown which of deflate's two formats it is.
    private var isFormatKnown = true
    private(set) var isBroken = false
    /// Whether the input so far could end here.
    private(set) var isAtEnd = false

    /// Nil when memory is short.
    init?(_ coding: Coding) {
        switch coding {
        case .gzip, .deflate:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            guard unsafe ccompression_begin(stream, coding == .gzip ? 31 : 15) == Z_OK else {
                unsafe stream.deallocate()
                return nil
            }
            unsafe state = .zlib(stream)
        case .br:
            guard let decoder = unsafe ccompression_begin_brotli() else { return nil }
            unsafe state = .brotli(decoder)
        case .zstd:
            guard let decoder = unsafe ZSTD_createDStream() else { return nil }
            _ = unsafe ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, Self.windowBits)
            unsafe state = .zstd(decoder)
        }
        isFormatKnown = coding != .deflate
        self.coding = coding
        unsafe piece = .allocate(capacity: Self.pieceBytes)
    }

    deinit {
        switch unsafe state {
        case .zlib(let stream):
            unsafe inflateEnd(stream)
            unsafe stream.deallocate()
        case .brotli(let decoder): unsafe BrotliDecoderDestroyInstance(decoder)
        case .zstd(let decoder): unsafe ZSTD_freeDStream(decoder)
        }
        unsafe piece.deallocate()
    }

    /// Takes bytes, and lends what comes out to the closure, which returns whether to go on.
    func take(_ bytes: Span<UInt8>, _ lend: (Span<UInt8>) -> Bool) {
        guard !isBroken, bytes.count > 0 else { return }
        unsafe bytes.withUnsafeBufferPointer { input in
            guard let start = input.baseAddress else { return }
            switch unsafe state {
            case .zlib(let stream): unsafe inflate(stream, start, input.count, lend)
            case .brotli(let decoder): unsafe decompress(decoder, start, input.count, lend)
            case .zstd(let decoder): unsafe expand(decoder, start, input.count, lend)
            }
        }
    }

    private func hand(_ count: Int, _ lend: (Span<UInt8>) -> Bool) {
        guard count > 0 else { return }
        let output = unsafe UnsafeBufferPointer(start: piece, count: count)
        if unsafe !lend(Span(_unsafeElements: output)) { isBroken = true }
    }

    private func inflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ input: UnsafePointer<UInt8>, _ count: Int,
        _ lend: (Span<UInt8>) -> Bool
    ) {
        if !isFormatKnown {
            isFormatKnown = true
            // RFC 9110 asks for zlib's wrapper around deflate, and some senders leave it out. The
            // wrapper's first byte names its method, and no block of plain deflate that zlib
            // writes begins like that.
            if unsafe input[0] & 0x0F != 8 { unsafe inflateReset2(stream, -15) }
        }
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input)
        unsafe stream.pointee.avail_in = UInt32(count)
        while !isBroken {
            unsafe stream.pointee.next_out = piece
            unsafe stream.pointee.avail_out = UInt32(Self.pieceBytes)
            let code = unsafe CCompression.inflate(stream, Z_SYNC_FLUSH)
            // To have no more output from the input that is here is no fault.
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                return isBroken = true
            }
            unsafe hand(Self.pieceBytes - Int(stream.pointee.avail_out), lend)
            isAtEnd = code == Z_STREAM_END
            if code == Z_STREAM_END {
                // gzip may go on with another member; what follows is one, or a fault.
                guard unsafe stream.pointee.avail_in > 0 else { return }
                guard coding == .gzip, unsafe inflateReset(stream) == Z_OK else {
                    return isBroken = true
                }
            } else if unsafe code == Z_BUF_ERROR || stream.pointee.avail_out > 0 {
                return
            }
        }
    }

    private func decompress(
        _ decoder: OpaquePointer, _ input: UnsafePointer<UInt8>, _ count: Int,
        _ lend: (Span<UInt8>) -> Bool
    ) {
        var rest = count
        var next: UnsafePointer<UInt8>? = unsafe input
        while !isBroken {
            var room = Self.pieceBytes
            var output: UnsafeMutablePointer<UInt8>? = unsafe piece
            let result = unsafe BrotliDecoderDecompressStream(
                decoder, &rest, &next, &room, &output, nil)
            if result == BROTLI_DECODER_RESULT_ERROR { return isBroken = true }
            hand(Self.pieceBytes - room, lend)
            isAtEnd = result == BROTLI_DECODER_RESULT_SUCCESS
            // Nothing can follow a brotli stream.
            if isAtEnd, rest > 0 { isBroken = true }
            if result != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT { return }
        }
    }

    private func expand(
        _ decoder: OpaquePointer, _ input: UnsafePointer<UInt8>, _ count: Int,
        _ lend: (Span<UInt8>) -> Bool
    ) {
        var source = unsafe ZSTD_inBuffer(src: input, size: count, pos: 0)
        while !isBroken {
            var target = unsafe ZSTD_outBuffer(dst: piece, size: Self.pieceBytes, pos: 0)
            // One frame after the other, those that are to be skipped included.
            let result = unsafe ZSTD_decompressStream(decoder, &target, &source)
            if ZSTD_isError(result) != 0 { return isBroken = true }
            unsafe hand(target.pos, lend)
            isAtEnd = result == 0
            // Unused room in the output says that the decoder holds no more.
            if unsafe source.pos == source.size && (target.pos < target.size || result == 0) {
                return
            }
        }
    }
}

@available(*, unavailable)
extension CodingStage: Sendable {}
