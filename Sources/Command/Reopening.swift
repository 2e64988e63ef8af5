import Primitives
import Reactor
import Synchronization

/// Opens what could not be opened at the start, as after a full disk: tried every two seconds, by a
/// thread of its own, because a disk may take its time.
final class Reopening<Opened: Sendable> {
    private static var interval: Interval { .seconds(2) }

    private let name: String
    private let open: @Sendable () -> Opened?
    private var next = Instant.now() + Reopening.interval
    private let attempt = Attempt()

    /// What the thread and the control loop share.
    private final class Attempt: Sendable {
        struct State {
            var isGoingOn = false
            var opened: Opened?
        }

        let state = Mutex(State())
    }

    /// `name`: the thread's.
    init(_ name: String, _ open: @escaping @Sendable () -> Opened?) {
        self.name = name
        self.open = open
    }

    /// What was opened, once it could be; begins another attempt when one is due.
    func look() -> Opened? {
        let (isGoingOn, opened) = attempt.state.withLock { ($0.isGoingOn, $0.opened) }
        if let opened { return opened }
        guard !isGoingOn, Instant.now() >= next else { return nil }
        next = .now() + Self.interval
        let (open, attempt) = (open, attempt)
        attempt.state.withLock { $0.isGoingOn = true }
        do {
            try Thread(name: name) {
                let opened = open()
                attempt.state.withLock { state in
                    state.opened = opened
                    state.isGoingOn = false
                }
            }.detach()
        } catch {
            attempt.state.withLock { $0.isGoingOn = false }
        }
        return nil
    }
}
