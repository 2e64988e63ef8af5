import CCompression
import Primitives

/// Undoes the compression of one direction's messages in a WebSocket: permessage-deflate, RFC 7692.
///
/// The input may be anything. After the first fault, and after more output than a message may have,
/// nothing more is undone: what follows may refer to what is missing.
@safe
public final class MessageInflater {
    private static let pieceBytes = 16 << 10

    private let stream: UnsafeMutablePointer<z_stream>
    private let piece: UnsafeMutablePointer<UInt8>
    private let keepsContext: Bool
    private let bytesMax: Int
    private var produced = 0

    /// Whether something came that cannot be undone, or too much came out.
    public private(set) var isBroken = false

    /// An inflater; nil where memory is short.
    ///
    /// `keepsContext`: whether a message may refer to earlier ones. `bytesMax`: output of one
    /// message at most.
    public init?(keepsContext: Bool, bytesMax: Int = 64 << 20) {
        self.keepsContext = keepsContext
        self.bytesMax = bytesMax
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        // The largest window reads what any smaller one has written.
        guard unsafe ccompression_begin(stream, -15) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = stream
        unsafe piece = .allocate(capacity: Self.pieceBytes)
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe piece.deallocate()
    }

    /// Takes a piece of a message, and lends what comes out of it.
    public func take(_ bytes: Span<UInt8>, _ lend: (Span<UInt8>) -> Void) {
        guard !isBroken, bytes.count > 0 else { return }
        unsafe bytes.withUnsafeBufferPointer { input in
            guard let start = input.baseAddress else { return }
            unsafe inflate(start, input.count, lend)
        }
    }

    /// Takes the end of a message, which its sender leaves out.
    public func endMessage(_ lend: (Span<UInt8>) -> Void) {
        let mark: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
        take(mark.span, lend)
        produced = 0
        guard !keepsContext, !isBroken else { return }
        isBroken = unsafe inflateReset(stream) != Z_OK
    }

    private func inflate(
        _ input: UnsafePointer<UInt8>, _ count: Int, _ lend: (Span<UInt8>) -> Void
    ) {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: input)
        unsafe stream.pointee.avail_in = UInt32(count)
        while !isBroken {
            unsafe stream.pointee.next_out = piece
            unsafe stream.pointee.avail_out = UInt32(Self.pieceBytes)
            let code = unsafe CCompression.inflate(stream, Z_SYNC_FLUSH)
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                return isBroken = true
            }
            let length = unsafe Self.pieceBytes - Int(stream.pointee.avail_out)
            produced += length
            guard produced <= bytesMax else { return isBroken = true }
            if length > 0 {
                unsafe lend(
                    Span(_unsafeElements: UnsafeBufferPointer(start: piece, count: length)))
            }
            if code == Z_STREAM_END {
                // A last block is allowed, and the next begins anew.
                isBroken = unsafe inflateReset(stream) != Z_OK
                if unsafe stream.pointee.avail_in == 0 { return }
            } else if unsafe code == Z_BUF_ERROR || stream.pointee.avail_out > 0 {
                return
            }
        }
    }
}

@available(*, unavailable)
extension MessageInflater: Sendable {}
