import Glibc
public import LogStore
public import Logging
import Primitives
public import Reactor
import Synchronization
public import Telemetry

// DESIGN
//
// The store is every sink's queue: a sink is a number of the last record it is done with, kept in
// the store, and a thread that reads on from there. A sink that is slow or gone costs no memory and
// delays no other; one that comes back goes on where it was, across restarts too. A refused batch
// is halved until the one record at fault is alone. That record is counted and passed over: a bad
// record at the head of a queue must not end the delivery of all others.

/// One sink's thread.
public final class SinkRunner: Sendable {
    /// What it works with.
    public struct Settings: Sendable {
        /// The sink's name.
        public var name: String
        /// Where the records are.
        public var store: Store
        /// Records of one delivery at most.
        public var batchMax: Int
        /// Whether bodies are wanted.
        public var withBodies: Bool
        /// What is counted.
        public var metrics: SinkMetrics
        /// Where to say what an operator should know.
        public var logger: Logger

        /// Settings of these parts.
        public init(
            name: String, store: Store, batchMax: Int, withBodies: Bool, metrics: SinkMetrics,
            logger: Logger
        ) {
            self.name = name
            self.store = store
            self.batchMax = batchMax
            self.withBodies = withBodies
            self.metrics = metrics
            self.logger = logger
        }
    }

    private let waker: Waker
    private let isEnding = Atomic<Bool>(false)
    private let hasNews = Atomic<Bool>(true)
    private let thread = Mutex<Thread?>(nil)

    /// Starts to deliver; the sink is made on its thread.
    public init(
        _ settings: Settings, _ make: @escaping @Sendable () throws -> any Sink
    ) throws(SystemError) {
        waker = try Waker()
        let started = try Thread(name: "weir-sink", standing: .background(niceness: 10)) { [self] in
            do {
                var rounds = SinkRounds(settings, try make())
                rounds.run(self)
            } catch {
                settings.metrics.remember(trouble: "\(error)")
                settings.logger.error(
                    "a sink cannot start; its records stay in the store",
                    metadata: ["sink": "\(settings.name)", "error": "\(error)"])
            }
        }
        thread.withLock { $0 = started }
    }

    /// Wakes its thread after records were stored.
    public func wake() {
        hasNews.store(true, ordering: .releasing)
        waker.wake()
    }

    /// Delivers the rest, for a few seconds at most, and ends; the next start goes on there.
    ///
    /// After the last record was stored, once.
    public func end() {
        isEnding.store(true, ordering: .releasing)
        waker.wake()
        thread.withLock { $0 }?.join()
    }

    var isAskedToEnd: Bool { isEnding.load(ordering: .acquiring) }

    /// Sleeps until there is news, or for a time where it must not be woken by any.
    func rest(_ time: Interval, wakesOnNews: Bool) {
        let end = Instant.now() + time
        while !isAskedToEnd {
            let left = end - Instant.now()
            if left <= .zero || wakesOnNews && hasNews.load(ordering: .acquiring) { break }
            waker.sleep(atMost: left) {
                isAskedToEnd || wakesOnNews && hasNews.load(ordering: .acquiring)
            }
        }
        if wakesOnNews { hasNews.store(false, ordering: .relaxed) }
    }
}

/// The rounds of a sink's thread.
struct SinkRounds: ~Copyable {
    private static let waitMin = Interval.milliseconds(200)
    private static let waitMax = Interval.seconds(30)
    private static let idleTime = Interval.seconds(1)
    private static let patienceAtEnd = Interval.seconds(5)

    private let settings: SinkRunner.Settings
    private var sink: any Sink
    private var progress = Store.SinkProgress()
    private var wait = Interval.zero
    private var endsBy: Instant?

    init(_ settings: SinkRunner.Settings, _ sink: any Sink) {
        self.settings = settings
        self.sink = sink
    }

    mutating func run(_ runner: SinkRunner) {
        while !start() {
            if runner.isAskedToEnd { return }
            runner.rest(Self.idleTime, wakesOnNews: false)
        }
        while true {
            // Read before the records, so that records stored before the order to end are seen.
            let isEnding = runner.isAskedToEnd
            if isEnding, endsBy == nil { endsBy = Instant.now() + Self.patienceAtEnd }
            switch round(runner) {
            case .more: continue
            case .idle:
                if isEnding { return }
                runner.rest(Self.idleTime, wakesOnNews: true)
            case .failing:
                if let endsBy, Instant.now() > endsBy { return leave() }
                if isEnding {
                    poll(nil, 0, Int32(Self.waitMin.millisecondsRoundedUp))
                } else {
                    runner.rest(wait, wakesOnNews: false)
                }
            }
        }
    }

    private mutating func start() -> Bool {
        do {
            try settings.store.register(sink: settings.name)
            progress = try settings.store.progress(ofSink: settings.name)
            settings.metrics.number.set(Int(progress.number))
            return true
        } catch {
            fail("the store cannot be read: \(error)", after: nil)
            return false
        }
    }

    private enum Round {
        case more, idle, failing
    }

    private mutating func round(_ runner: SinkRunner) -> Round {
        do {
            settings.metrics.newest.set(Int(try settings.store.lastNumber()))
            let records = try settings.store.records(
                after: progress.number, limit: settings.batchMax,
                withBodies: settings.withBodies)
            guard !records.isEmpty else {
                adopt(skipped: try settings.store.progress(ofSink: settings.name).skipped)
                return .idle
            }
            return try deliver(records[...]) ? .more : .failing
        } catch {
            fail("the store cannot be read or written: \(error)", after: nil)
            return .failing
        }
    }

    /// Delivers records, halving a refused batch; false when the sink does not work now.
    private mutating func deliver(_ records: ArraySlice<StoredRecord>) throws -> Bool {
        guard let last = records.last else { return true }
        switch sink.deliver(Array(records)) {
        case .delivered:
            progress.number = last.number
            progress.delivered += records.count
            try advance([])
            settings.metrics.delivered.add(records.count)
            recovered()
            return true
        case .refused(let reason) where records.count == 1:
            progress.number = last.number
            progress.quarantined += 1
            try advance([Store.Quarantined(number: last.number, id: last.id, reason: reason)])
            settings.metrics.quarantined.add()
            settings.logger.error(
                "a sink will not take a record, which is passed over",
                metadata: [
                    "sink": "\(settings.name)", "exchange": "\(last.id)", "reason": "\(reason)",
                ])
            recovered()
            return true
        case .refused:
            let middle = records.startIndex + records.count / 2
            guard try deliver(records[..<middle]) else { return false }
            return try deliver(records[middle...])
        case .later(let reason, let after):
            fail(reason, after: after)
            return false
        }
    }

    private mutating func advance(_ quarantined: [Store.Quarantined]) throws {
        adopt(
            skipped: try settings.store.advance(progress, ofSink: settings.name, quarantined))
        settings.metrics.number.set(Int(progress.number))
    }

    /// Counts what the store removed before it was sent.
    private mutating func adopt(skipped: Int) {
        settings.metrics.skipped.add(max(0, skipped - progress.skipped))
        progress.skipped = skipped
    }

    private mutating func recovered() {
        wait = .zero
        if settings.metrics.remember(trouble: "") {
            settings.logger.notice(
                "a sink takes records again", metadata: ["sink": "\(settings.name)"])
        }
    }

    private mutating func fail(_ reason: String, after: Interval?) {
        settings.metrics.failures.add()
        let doubled = Interval(nanoseconds: 2 * wait.nanoseconds)
        wait = min(max(doubled, Self.waitMin), Self.waitMax)
        if let after { wait = min(max(wait, after), Self.waitMax) }
        if settings.metrics.remember(trouble: reason) {
            settings.logger.error(
                "a sink takes no records, which wait in the store",
                metadata: ["sink": "\(settings.name)", "reason": "\(reason)"])
        }
    }

    private func leave() {
        settings.logger.warning(
            "records are left for a sink's next start",
            metadata: ["sink": "\(settings.name)", "after": "\(progress.number)"])
    }
}
