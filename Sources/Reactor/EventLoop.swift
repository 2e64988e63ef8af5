import CLinux
import Glibc
public import Primitives

// DESIGN
//
// One thread owns one loop, and a loop owns one level-triggered epoll, one timer wheel and one
// reading of the clock per turn. A turn is: wait, dispatch what is ready, fire what is due, then
// let the owner finish the turn (send what was gathered, act on what was decided). Level-triggered,
// because libcurl does not promise to read until EAGAIN, and because a handler may then stop early
// to be fair to the others: the kernel simply reports the rest again.
//
// A descriptor number says nothing about identity: clients' and libcurl's sockets share one number
// space, and a number closed in this turn may come back in the same batch of events. Each
// registration therefore carries a generation in epoll's user data, and an event whose generation
// is not the slot's current one is dropped.
//
// What a descriptor is watched for may change several times in a turn, and is often at the end what
// it was at the beginning: libcurl asks to write, writes at once, and asks no more. The kernel
// reports nothing between two waits, so changes reach it right before the wait, and only those
// that are left by then. A descriptor's first registration and its last are made at once,
// because they are about which descriptor it is.

/// The events of a descriptor that a handler waits for.
public struct Interest: OptionSet, Sendable {
    /// epoll's own bits.
    public let rawValue: UInt32

    /// An interest of these epoll bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Bytes or a connection can be taken.
    public static let read = Interest(rawValue: EPOLLIN.rawValue)
    /// Bytes can be given.
    public static let write = Interest(rawValue: EPOLLOUT.rawValue)
    /// The peer closed its side, or both.
    public static let peerClose = Interest(rawValue: EPOLLRDHUP.rawValue)
}

/// The events that the kernel reports of a descriptor.
public struct Readiness: OptionSet, Sendable {
    /// epoll's own bits.
    public let rawValue: UInt32

    /// A readiness of these epoll bits.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Bytes or a connection can be taken.
    public static let read = Readiness(rawValue: EPOLLIN.rawValue)
    /// Bytes can be given.
    public static let write = Readiness(rawValue: EPOLLOUT.rawValue)
    /// The peer closed its side, or the connection is gone altogether.
    public static let closed = Readiness(
        rawValue: EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
    )
}

/// The handler of one descriptor's events.
public protocol DescriptorHandler: AnyObject {
    /// The kernel reported a descriptor ready; it will again if the handler leaves something.
    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness)
}

/// The owner of a loop, which finishes its turns.
public protocol TurnHandler: AnyObject {
    /// Whether the next turn has something to do even if no event comes.
    var hasPendingWork: Bool { get }
    /// Events were dispatched and timers fired: act on what they decided.
    func turnEnded()
}

/// One thread's reactor.
@safe
public final class EventLoop {
    /// Events taken from the kernel per turn.
    ///
    /// More would delay the sending at the end of the turn.
    private static let eventsMax = 256

    private struct Slot {
        var generation: UInt32 = 0
        var interest: UInt32 = 0
        /// What the kernel was last given as the interest.
        var registered: UInt32 = 0
        /// Whether the descriptor is among ``changed``.
        var isChanged = false
        var handler: (any DescriptorHandler)?
    }

    private let epoll: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private var slots: ContiguousArray<Slot> = []
    /// Descriptors whose interest the kernel may not know yet.
    private var changed: ContiguousArray<Int32> = []
    /// Whether this turn is the last one.
    public private(set) var isStopped = false

    /// The clock as read at the start of this turn.
    public private(set) var now = Instant.now()

    /// The timers of this loop.
    public let timers = TimerWheel()

    /// The object that finishes the turns; unowned, because it owns the loop.
    public unowned var turnHandler: (any TurnHandler)?

    /// A loop with nothing to watch.
    public init() throws(SystemError) {
        epoll = clinux_epoll_create()
        unsafe events = .allocate(capacity: Self.eventsMax)
        // Whole by now: what was allocated goes with the object, though this throws.
        guard epoll >= 0 else { throw SystemError(call: "epoll_create1") }
    }

    deinit {
        close(epoll)
        unsafe events.deallocate()
    }

    /// Runs turns until ``stop()``.
    public func run() {
        while !isStopped { turn() }
    }

    /// Ends ``run()`` after this turn.
    ///
    /// Only from the loop's own thread.
    public func stop() {
        isStopped = true
    }

    /// Lets ``run()`` be called again after ``stop()``.
    public func resume() {
        isStopped = false
    }

    /// Watches a descriptor, or changes what it is watched for.
    ///
    /// A change counts from the next wait on. Returns false when the kernel has no room for it.
    @discardableResult
    public func watch(
        _ descriptor: Int32, for interest: Interest, _ handler: any DescriptorHandler
    ) -> Bool {
        let index = Int(descriptor)
        while index >= slots.count {
            slots.append(contentsOf: repeatElement(Slot(), count: max(64, slots.count)))
        }
        guard slots[index].handler == nil else {
            slots[index].handler = handler
            slots[index].interest = interest.rawValue
            if interest.rawValue != slots[index].registered, !slots[index].isChanged {
                slots[index].isChanged = true
                changed.append(descriptor)
            }
            return true
        }
        slots[index].generation &+= 1
        slots[index].handler = handler
        slots[index].interest = interest.rawValue
        return register(EPOLL_CTL_ADD, descriptor)
    }

    /// Gives the kernel the interests that are others than those it knows.
    private func registerChanges() {
        for position in changed.indices {
            let descriptor = changed[position]
            let index = Int(descriptor)
            slots[index].isChanged = false
            let isStale = slots[index].interest != slots[index].registered
            guard isStale, slots[index].handler != nil else { continue }
            register(EPOLL_CTL_MOD, descriptor)
        }
        changed.removeAll(keepingCapacity: true)
    }

    @discardableResult
    private func register(_ operation: Int32, _ descriptor: Int32) -> Bool {
        slots[Int(descriptor)].registered = slots[Int(descriptor)].interest
        if control(operation, descriptor) { return true }
        // The kernel's view can differ from ours only through a descriptor that was closed, or
        // closed and opened again, without a call to us; libcurl's internal sockets do that.
        let retried =
            errno == ENOENT
            ? control(EPOLL_CTL_ADD, descriptor)
            : errno == EEXIST && control(EPOLL_CTL_MOD, descriptor)
        if !retried { slots[Int(descriptor)].handler = nil }
        return retried
    }

    /// Stops watching a descriptor that stays open.
    public func unwatch(_ descriptor: Int32) {
        guard forget(descriptor) else { return }
        // EBADF and ENOENT mean that the kernel forgot it first, which is what is wanted.
        _ = clinux_epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, 0, 0)
    }

    /// Drops a descriptor that is being closed: the kernel forgets it by itself, and events of it
    /// that are already in this batch are dropped by their generation.
    @discardableResult
    public func forget(_ descriptor: Int32) -> Bool {
        let index = Int(descriptor)
        guard index < slots.count, slots[index].handler != nil else { return false }
        slots[index].handler = nil
        slots[index].interest = 0
        return true
    }

    /// What a descriptor is watched for; nil when it is not.
    public func interest(of descriptor: Int32) -> Interest? {
        let index = Int(descriptor)
        guard index < slots.count, slots[index].handler != nil else { return nil }
        return Interest(rawValue: slots[index].interest)
    }

    /// Whether a descriptor is watched by this handler.
    public func isWatched(_ descriptor: Int32, by handler: any DescriptorHandler) -> Bool {
        let index = Int(descriptor)
        return index < slots.count && slots[index].handler === handler
    }

    private func control(_ operation: Int32, _ descriptor: Int32) -> Bool {
        let slot = slots[Int(descriptor)]
        let data = UInt64(slot.generation) << 32 | UInt64(UInt32(bitPattern: descriptor))
        return clinux_epoll_ctl(epoll, operation, descriptor, slot.interest, data) == 0
    }

    private func turn() {
        registerChanges()
        let hasWork = turnHandler?.hasPendingWork ?? false
        let timeout: Int32
        if hasWork {
            timeout = 0
        } else if let due = timers.nextDue {
            timeout = Int32(clamping: (due - Instant.now()).millisecondsRoundedUp)
        } else {
            timeout = -1
        }
        let count = unsafe epoll_wait(epoll, events, Int32(Self.eventsMax), timeout)
        now = .now()
        if count < 0 {
            guard errno == EINTR else { fatalError("epoll_wait: errno \(errno)") }
        }
        var index: Int32 = 0
        while index < count {
            let data = unsafe clinux_epoll_data(events, index)
            let readiness = unsafe Readiness(rawValue: clinux_epoll_events(events, index))
            let descriptor = Int32(truncatingIfNeeded: data)
            let slot = Int(descriptor)
            if slots[slot].generation == UInt32(truncatingIfNeeded: data >> 32) {
                slots[slot].handler?.descriptorReady(descriptor, readiness)
            }
            index += 1
        }
        timers.fire(until: now)
        turnHandler?.turnEnded()
    }
}

@available(*, unavailable)
extension EventLoop: Sendable {}
