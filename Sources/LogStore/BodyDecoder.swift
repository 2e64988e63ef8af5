import CCompression
import Primitives

/// Undoes the encoding of a body on the side, so that its answer can be read; the body itself stays
/// as it came.
///
/// What it is given may be anything: it stops at the first fault, and at a bound of what comes out.
@safe
final class BodyDecoder {
    /// Bytes that come out at most: a few kilobytes can be made to stand for gigabytes.
    private static let outputBytesMax = 64 << 20
    private static let pieceBytes = 32 << 10

    /// Brotli's state; without one zlib's is used.
    private let brotli: OpaquePointer?
    private let stream: UnsafeMutablePointer<z_stream>
    private let piece: UnsafeMutablePointer<UInt8>
    private var produced = 0
    private var isBroken = false

    /// A decoder for a `content-encoding`; nil for none, and for one that nobody here undoes.
    init?(_ encoding: String) {
        let name = encoding.lowercased()
        switch name {
        case "gzip", "x-gzip", "deflate":
            unsafe brotli = nil
        case "br":
            guard let state = unsafe ccompression_begin_brotli() else { return nil }
            unsafe brotli = state
        default:
            return nil
        }
        unsafe stream = .allocate(capacity: 1)
        unsafe piece = .allocate(capacity: Self.pieceBytes)
        // With or without the wrapper that RFC 9110 asks of "deflate", and senders disagree on.
        isBroken = unsafe ccompression_begin(stream, 15 + 32) != Z_OK
    }

    deinit {
        unsafe inflateEnd(stream)
        if let brotli = unsafe brotli { unsafe BrotliDecoderDestroyInstance(brotli) }
        unsafe stream.deallocate()
        unsafe piece.deallocate()
    }

    /// Decodes a piece; what comes out is lent to the closure.
    ///
    /// Returns whether everything so far could be decoded.
    func decode(_ bytes: Span<UInt8>, _ take: (Span<UInt8>) -> Void) -> Bool {
        guard !isBroken else { return false }
        unsafe bytes.withUnsafeBufferPointer { input in
            guard let start = input.baseAddress else { return }
            if let brotli = unsafe brotli {
                unsafe decompress(brotli, start, input.count, take)
            } else {
                unsafe inflate(start, input.count, take)
            }
        }
        return !isBroken
    }

    private func hand(_ count: Int, _ take: (Span<UInt8>) -> Void) {
        produced += count
        if produced > Self.outputBytesMax { isBroken = true }
        guard count > 0, !isBroken else { return }
        unsafe take(Span(_unsafeElements: UnsafeBufferPointer(start: piece, count: count)))
    }

    private func inflate(
        _ input: UnsafePointer<UInt8>, _ count: Int, _ take: (Span<UInt8>) -> Void
    ) {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input)
        unsafe stream.pointee.avail_in = UInt32(count)
        repeat {
            unsafe stream.pointee.next_out = piece
            unsafe stream.pointee.avail_out = UInt32(Self.pieceBytes)
            let code = unsafe CCompression.inflate(stream, Z_SYNC_FLUSH)
            // Nothing more to be had from what is there is no fault.
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                return isBroken = true
            }
            unsafe hand(Self.pieceBytes - Int(stream.pointee.avail_out), take)
            if code != Z_OK { return }
        } while unsafe stream.pointee.avail_out == 0 && !isBroken
    }

    private func decompress(
        _ state: OpaquePointer, _ input: UnsafePointer<UInt8>, _ count: Int,
        _ take: (Span<UInt8>) -> Void
    ) {
        var rest = count
        var next: UnsafePointer<UInt8>? = unsafe input
        var result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT
        while result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT, !isBroken {
            var room = Self.pieceBytes
            var output: UnsafeMutablePointer<UInt8>? = unsafe piece
            result = unsafe BrotliDecoderDecompressStream(
                state, &rest, &next, &room, &output, nil)
            if result == BROTLI_DECODER_RESULT_ERROR { return isBroken = true }
            hand(Self.pieceBytes - room, take)
        }
    }
}
