import Journal
import Primitives
import Reactor
import Synchronization

// DESIGN
//
// Any thread may raise its nice value; lowering it again needs a privilege. So there are two
// threads, made before either raises its value, of which one runs at a time: they hand the rounds
// to each other, and what both use is never used by both at once.

/// The threads of the consumer, of which one has the rounds and the other sleeps.
final class ConsumerThreads: Sendable {
    /// With this value a worker runs at once, even in the middle of a record.
    private static let backgroundNiceness: Int32 = 19

    private let threads: [Thread]

    init(
        _ settings: Consumer.Settings, _ keeper: SegmentKeeper, journals: [JournalFile],
        order: Consumer.Order, waker: Waker
    ) throws(SystemError) {
        let handoffs = [try Waker(), try Waker()]
        let rounds = ConsumerRounds(settings, keeper, journals: journals)
        let state = State(rounds, handoffs: handoffs)
        // In this order: the first sleeps until the second has the rounds, or does not exist.
        let background = try Thread(
            name: "weir-record-bg", standing: .background(niceness: Self.backgroundNiceness)
        ) { state.work(.background, order, waker) }
        do throws(SystemError) {
            let usual = try Thread(name: "weir-record") { state.work(.usual, order, waker) }
            threads = [background, usual]
        } catch {
            state.end()
            background.join()
            throw error
        }
    }

    /// Waits until the rounds are over.
    func join() {
        for thread in threads { thread.join() }
    }

    private final class State: @unchecked Sendable {
        // Unchecked, because only the thread whose level is current touches the rounds: `level` is
        // published after the last touch of the one and read before the first of the other.
        private let rounds: ConsumerRounds
        private let level = Atomic<Int>(ConsumerPriority.Level.usual.rawValue)
        private let handoffs: [Waker]
        private static let isOver = -1

        init(_ rounds: ConsumerRounds, handoffs: [Waker]) {
            self.rounds = rounds
            self.handoffs = handoffs
        }

        func work(_ own: ConsumerPriority.Level, _ order: Consumer.Order, _ waker: Waker) {
            while isDue(own) {
                guard let next = rounds.run(as: own, until: order, waker) else { return end() }
                level.store(next.rawValue, ordering: .releasing)
                handoffs[next.rawValue].wake()
            }
        }

        /// Sleeps until a thread's level begins; false when there will be none any more.
        private func isDue(_ own: ConsumerPriority.Level) -> Bool {
            while true {
                let now = level.load(ordering: .acquiring)
                if now == own.rawValue { return true }
                if now == Self.isOver { return false }
                handoffs[own.rawValue].sleep(atMost: .seconds(3600)) {
                    level.load(ordering: .relaxed) != now
                }
            }
        }

        func end() {
            level.store(Self.isOver, ordering: .releasing)
            for waker in handoffs { waker.wake() }
        }
    }
}
