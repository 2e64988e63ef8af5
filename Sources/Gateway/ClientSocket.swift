import Primitives
import Reactor

/// A client's socket: reads and writes the bytes of a client's connection, and nothing else does.
///
/// Its connection owns it, and closes it once: the number may be another connection's afterwards.
struct ClientSocket: ~Copyable {
    let descriptor: Int32
    /// Whether it came to an address that this machine alone can reach.
    let isOnLoopback: Bool
    /// Whether the descriptor is still ours.
    private(set) var isOpen = true

    init(_ descriptor: Int32, onLoopback isOnLoopback: Bool) {
        self.descriptor = descriptor
        self.isOnLoopback = isOnLoopback
    }

    /// Reads what has come, as much as one turn takes.
    func receive(into buffer: inout ByteBuffer) -> Socket.Outcome {
        Socket.receive(descriptor, into: &buffer, room: Limits.receiveBytesPerTurn)
    }

    /// Gives the kernel what it takes, and drops that from the buffer.
    func send(from buffer: inout ByteBuffer) -> Socket.Outcome {
        Socket.send(descriptor, from: &buffer)
    }

    /// Ends our side, in order.
    func finishSending() {
        Socket.shutDownWriting(descriptor)
    }

    /// Makes the close a reset: what was sent must not look whole.
    func breakOff() {
        Socket.resetOnClose(descriptor)
    }

    /// Closes it, once.
    mutating func close(on loop: EventLoop) {
        guard isOpen else { return }
        isOpen = false
        loop.forget(descriptor)
        Socket.close(descriptor)
    }
}
