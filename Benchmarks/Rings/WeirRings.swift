import ArgumentParser
import Glibc
import Journal
import LogStore
import Logging
import Primitives
import Reactor
import Telemetry

/// The record without a gateway: rings that are filled directly, and how fast they are stored.
///
/// All calls are written first, so that nothing but the record works while it is measured.
@main
struct WeirRings: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-rings",
        abstract: "Fills journals with calls, and measures how they are stored; JSON."
    )

    @Option(name: .long, help: "A folder that is not there; it is removed afterwards.")
    var folder: String
    @Option(name: .long, help: "Journals, as many as workers.") var rings = 2
    @Option(name: .long, help: "Calls in all.") var calls = 100_000
    @Option(name: .long, help: "plain, stream or agent.") var shape = CallShape.plain
    @Option(name: .long, help: "Bytes of a body that are kept; 0 keeps none.")
    var capture = 4 << 20
    @Flag(name: .long, help: "Leave the journals, for a gateway to read at its start.")
    var leave = false

    func run() throws {
        let journals = try JournalFolder(folder)
        let waker = try Waker()
        let writers = try fill(journals, waker)
        if leave { return }
        defer { removeFolder() }
        try measure(journals, writers.map(\.file), waker)
        withExtendedLifetime(writers) {}
    }

    private var perRing: Int { (calls + rings - 1) / rings }

    /// Fills the rings; each has a writer that lives as long as it.
    private func fill(_ journals: JournalFolder, _ waker: Waker) throws -> [CallWriter] {
        var random = RandomSource(seed: 7)
        return try (0..<rings).map { ring in
            let file = try journals.makeJournal(
                capacity: max(1 << 20, perRing * shape.ringBytes * 9 / 8),
                keepsContentAside: capture == 0, using: &random)
            let writer = CallWriter(file, waker, shape, isAside: capture == 0, seed: UInt64(ring))
            for _ in 0..<perRing { try writer.append() }
            return writer
        }
    }

    private func measure(
        _ journals: JournalFolder, _ files: [JournalFile], _ waker: Waker
    ) throws {
        let store = try Store(folder: folder)
        let metrics = RecordMetrics()
        var settings = Consumer.Settings(
            folder: journals, store: store, capture: Capture(bytesMax: capture), retain: .zero,
            syncEvery: .zero, metrics: metrics,
            logger: Logger(label: "weir-rings") { StreamLogHandler.standardError(label: $0) })
        settings.endsWithin = .seconds(60)
        let before = ProcessorTime.now()
        let start = Instant.now()
        let consumer = try Consumer(settings, journals: files, waker: waker)
        let wanted = perRing * rings
        while metrics.stored.current < wanted, Instant.now() - start < .seconds(300) {
            poll(nil, 0, 2)
        }
        let elapsed = Instant.now() - start
        let spent = ProcessorTime.now() - before
        consumer.end()
        let account = try store.account(folder: folder)
        try store.close()
        let count = account.stored
        guard count == wanted, account.difference == 0, account.dropped == 0 else {
            throw ValidationError("of \(wanted) calls \(account) was made")
        }
        let rate = Double(count) / elapsed.seconds
        print(
            """
            {"shape":"\(shape.rawValue)","rings":\(rings),"stored":\(count),\
            "processors":\(Thread.processorCount),"seconds":\(elapsed.seconds),\
            "stored_per_second":\(Int(rate)),\
            "user_us":\(spent.user.microseconds / Double(count)),\
            "system_us":\(spent.system.microseconds / Double(count)),\
            "transactions":\(metrics.transactions.current)}
            """)
    }

    private func removeFolder() {
        for name in ["weir.db", "weir.db-wal", "weir.db-shm", "lock"] {
            unsafe unlink("\(folder)/\(name)")
        }
        for number in 1..<100_000 {
            var digits = "\(number)"
            digits = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
            guard unsafe unlink("\(folder)/segments/\(digits).seg") == 0 else { break }
        }
        unsafe rmdir("\(folder)/segments")
        unsafe rmdir(folder)
    }
}

/// What the process spent so far.
private struct ProcessorTime {
    var user = Interval.zero
    var system = Interval.zero

    static func now() -> ProcessorTime {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessorTime(user: interval(usage.ru_utime), system: interval(usage.ru_stime))
    }

    private static func interval(_ time: timeval) -> Interval {
        Interval(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_usec) * 1000)
    }

    static func - (one: ProcessorTime, other: ProcessorTime) -> ProcessorTime {
        ProcessorTime(
            user: Interval(nanoseconds: one.user.nanoseconds - other.user.nanoseconds),
            system: Interval(nanoseconds: one.system.nanoseconds - other.system.nanoseconds))
    }
}

extension Interval {
    fileprivate var microseconds: Double { Double(nanoseconds) / 1000 }
}
