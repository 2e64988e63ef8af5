import Glibc

/// Storage of one size for output buffers, lent while there is something to send.
///
/// A stream at rest holds none, and a relayed chunk takes none from the allocator: the same few
/// pieces go round within a loop turn. One pool belongs to one worker's thread.
@safe
public final class BufferPool {
    /// Bytes of each piece: one read of libcurl's (16 KiB) with its framing and a response head.
    public static let pieceBytes = 32 << 10

    /// Unused pieces kept at most.
    private static let keptMax = 256

    private var pieces: ContiguousArray<UnsafeMutableRawPointer> = unsafe []

    /// An empty pool.
    public init() {
        unsafe pieces.reserveCapacity(Self.keptMax)
    }

    deinit {
        while let piece = unsafe pieces.popLast() { unsafe free(piece) }
    }

    /// Gives an empty buffer its storage.
    public func lend(to buffer: inout ByteBuffer) {
        guard buffer.capacity == 0 else { return }
        if let piece = unsafe pieces.popLast() {
            unsafe buffer.adoptStorage(piece, capacity: Self.pieceBytes)
        } else {
            buffer.reserve(Self.pieceBytes)
        }
    }

    /// Takes the storage of a buffer whose bytes have all been sent.
    public func reclaim(_ buffer: inout ByteBuffer) {
        precondition(buffer.isEmpty)
        if buffer.capacity == Self.pieceBytes, unsafe pieces.count < Self.keptMax {
            if let piece = unsafe buffer.surrenderStorage() { unsafe pieces.append(piece) }
        } else {
            buffer.release()
        }
    }
}

@available(*, unavailable)
extension BufferPool: Sendable {}
