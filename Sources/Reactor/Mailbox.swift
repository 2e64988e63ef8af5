import CLinux
import Synchronization

/// Messages from other threads to the owner of a loop.
///
/// Nothing on the data path uses it: it carries orders such as "drain" and "stop".
public final class Mailbox<Message: Sendable>: DescriptorHandler, Sendable {
    private let descriptor: Int32
    private let messages = Mutex<[Message]>([])
    private let capacity: Int
    private let receive: @Sendable (Message) -> Void

    /// A mailbox whose messages are given to `receive` on the loop's thread; it holds at most
    /// `capacity` that were not yet taken.
    public init(
        capacity: Int = .max, receive: @escaping @Sendable (Message) -> Void
    ) throws(SystemError) {
        self.capacity = capacity
        descriptor = clinux_eventfd()
        self.receive = receive
        guard descriptor >= 0 else { throw SystemError(call: "eventfd") }
    }

    deinit {
        close(descriptor)
    }

    /// Starts to deliver on a loop.
    ///
    /// Called on that loop's thread.
    public func open(on loop: EventLoop) {
        loop.watch(descriptor, for: .read, self)
    }

    /// Leaves a message and wakes the loop; false, and nothing left, when the mailbox is full.
    ///
    /// From any thread.
    @discardableResult
    public func post(_ message: Message) -> Bool {
        let isLeft = messages.withLock { waiting in
            guard waiting.count < capacity else { return false }
            waiting.append(message)
            return true
        }
        // EAGAIN means that the counter is full, so the loop is being woken already.
        if isLeft { eventfd_write(descriptor, 1) }
        return isLeft
    }

    /// Empties the mailbox; called by the loop.
    public func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        var count: eventfd_t = 0
        unsafe eventfd_read(descriptor, &count)
        // The counter is read first: a message left after this reading wakes the loop once more.
        let taken = messages.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
        for message in taken { receive(message) }
    }
}

/// Where a mailbox finds whom its messages are for: written once and read on the thread of the loop
/// that empties the mailbox, and on no other.
public final class LoopOwned<Owner: AnyObject>: @unchecked Sendable {
    /// The owner, for as long as another reference keeps it.
    public weak var value: Owner?

    /// No owner.
    public init() {}
}
