import Primitives
import Reactor
import Synchronization

// DESIGN
//
// To read frames and make records of them is about half of the record's work, and needs no
// database. Where more lies in the rings than one round stores, these threads read the next round
// while the thread of the rounds stores the last one. A journal is read by one of them at a time,
// and no round begins before the one before it was read, so the order within a ring is kept. What
// they read counts for nothing until the one writer has stored it, in order.

/// Threads that read journals while what was read before is stored.
final class RingReaders: Sendable {
    /// More would wait for the one writer: it takes about as long as one of them.
    private static let countMax = 4

    private let wakers: [Waker]
    private let work: Work
    private let threads: [Thread]

    /// As many threads as there are journals and processors for; nil where one processor does all.
    ///
    /// Throws where no thread can be made.
    init?(journals: Int, processors: Int) throws(SystemError) {
        guard processors > 1, journals > 0 else { return nil }
        let count = min(journals, processors, Self.countMax)
        let work = Work(finished: try Waker())
        var wakers: [Waker] = []
        var threads: [Thread] = []
        do throws(SystemError) {
            for number in 1...count {
                let waker = try Waker()
                threads.append(
                    try Thread(name: "weir-record-\(number)") { work.run(waker) })
                wakers.append(waker)
            }
        } catch {
            // Fewer do, too.
            if wakers.isEmpty { throw error }
        }
        self.work = work
        self.wakers = wakers
        self.threads = threads
    }

    /// Has the next round read; until ``finish()`` nothing else may touch the journals' sources.
    ///
    /// `spent`: what was stored; the readers give its memory and its room in the rings back.
    func begin(
        _ sources: [JournalSource], _ bounds: RingReading.Bounds, _ spent: consuming [RingReading]
    ) {
        work.begin(sources, bounds, spent, readers: wakers.count)
        for waker in wakers { waker.wake() }
    }

    /// Waits until all is read that was asked for.
    func finish() -> [RingReading] {
        work.finish()
    }

    /// Ends the threads.
    func end() {
        work.end()
        for waker in wakers { waker.wake() }
        for thread in threads { thread.join() }
    }

    /// The work of one round, which the readers share.
    private final class Work: @unchecked Sendable {
        // Unchecked, because sources and bounds change only between rounds, when no reader is at
        // work: they are published by `round`, and what was read by `unfinished`. Each source is
        // touched by the reader that has taken its index.
        private var sources: [JournalSource] = []
        private(set) var bounds = RingReading.Bounds(recordsMax: 0, now: Instant(nanoseconds: 0))
        private let nextIndex = Atomic<Int>(0)
        private let round = Atomic<Int>(0)
        private let unfinished = Atomic<Int>(0)
        private let parts = Mutex<[Part]>([])
        private let spent = Mutex<[Part]>([])
        private let finished: Waker
        private static let isOver = -1

        init(finished: Waker) {
            self.finished = finished
        }

        func begin(
            _ sources: [JournalSource], _ bounds: RingReading.Bounds,
            _ spent: consuming [RingReading], readers: Int
        ) {
            self.sources = sources
            let spent = spent.map(Part.init)
            self.spent.withLock { $0 = spent }
            self.bounds = bounds
            nextIndex.store(0, ordering: .relaxed)
            unfinished.store(readers, ordering: .relaxed)
            round.add(1, ordering: .releasing)
        }

        func end() {
            round.store(Self.isOver, ordering: .releasing)
        }

        /// Sleeps until a round begins; nil when there will be none any more.
        private func awaitRound(after last: Int, _ waker: Waker) -> Int? {
            while true {
                let now = round.load(ordering: .acquiring)
                if now == Self.isOver { return nil }
                if now != last { return now }
                waker.sleep(atMost: .seconds(3600)) { round.load(ordering: .relaxed) != last }
            }
        }

        func run(_ waker: Waker) {
            var round = 0
            while let next = awaitRound(after: round, waker) {
                round = next
                while dispose() {}
                var reading = RingReading()
                // By turns: fixed shares were slower.
                while let source = nextSource() { reading.read(source, bounds) }
                reading.workAhead(bounds)
                finish(reading)
            }
        }

        /// Gives back the memory of something that was stored; false where nothing is left.
        private func dispose() -> Bool {
            let part = spent.withLock { $0.popLast() }
            return part != nil
        }

        private func nextSource() -> JournalSource? {
            let index = nextIndex.add(1, ordering: .relaxed).oldValue
            return sources.indices.contains(index) ? sources[index] : nil
        }

        private func finish(_ reading: RingReading) {
            let part = Part(reading: reading)
            parts.withLock { $0.append(part) }
            if unfinished.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                finished.wake()
            }
        }

        func finish() -> [RingReading] {
            while unfinished.load(ordering: .acquiring) > 0 {
                finished.sleep(atMost: .seconds(3600)) {
                    unfinished.load(ordering: .relaxed) == 0
                }
            }
            sources = []
            return parts.withLock { parts in
                defer { parts = [] }
                return parts
            }.map(\.reading)
        }
    }

    private struct Part: @unchecked Sendable {
        // Unchecked: it goes from the reader that made it to the thread of the rounds.
        let reading: RingReading
    }
}
