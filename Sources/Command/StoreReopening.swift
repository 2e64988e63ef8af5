import LogStore
import Primitives
import Reactor
import Synchronization

/// Opens a database that could not be opened at the start, as after a full disk: tried every two
/// seconds, by a thread of its own, because a disk may take its time.
final class StoreReopening {
    private static let interval = Interval.seconds(2)

    private let folder: String
    private var next = Instant.now() + StoreReopening.interval
    private let attempt = Attempt()

    /// What the thread and the control loop share.
    private final class Attempt: Sendable {
        struct State {
            var isGoingOn = false
            var store: Store?
        }

        let state = Mutex(State())
    }

    init(_ folder: String) {
        self.folder = folder
    }

    /// The database, once it can be opened and read; begins another attempt when one is due.
    func look() -> Store? {
        let (isGoingOn, store) = attempt.state.withLock { ($0.isGoingOn, $0.store) }
        if let store { return store }
        guard !isGoingOn, Instant.now() >= next else { return nil }
        next = .now() + Self.interval
        let (folder, attempt) = (folder, attempt)
        attempt.state.withLock { $0.isGoingOn = true }
        do {
            try Thread(name: "weir-reopen") {
                let store = try? Store.reopen(folder)
                attempt.state.withLock { state in
                    state.store = store
                    state.isGoingOn = false
                }
            }.detach()
        } catch {
            attempt.state.withLock { $0.isGoingOn = false }
        }
        return nil
    }
}
