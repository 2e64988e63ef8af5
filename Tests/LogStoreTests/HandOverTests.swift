import Access
import Journal
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry
import Testing

@testable import LogStore

@Suite("Records that two processes write")
struct HandOverTests {
    private static func call(_ number: Int) -> RecordScratch.Call {
        var call = RecordScratch.Call()
        call.target = "/v1/\(number)"
        call.pieces = [Array("data: {\"n\":\(number)}\n\n".utf8), Array("data: [DONE]\n\n".utf8)]
        return call
    }

    private static func targets(_ store: Store) throws -> [String] {
        try store.records(after: 0, limit: .max, withBodies: false).map(\.record.target).sorted()
    }

    /// The consumer of another process, which has no journal in the folder but those it finds.
    private static func other(
        _ scratch: RecordScratch, _ metrics: RecordMetrics,
        _ change: (inout Consumer.Settings) -> Void = { _ in }
    ) throws -> (Consumer, Store) {
        let store = try Store(folder: scratch.folder.path)
        var settings = scratch.settings(store, metrics)
        change(&settings)
        return (try Consumer(settings, journals: [], waker: try .init()), store)
    }

    @Test("another process reads on where the first has stopped, while that writes, and back")
    func back() throws {
        let scratch = try RecordScratch()
        let lock = try WriterLock(scratch.file.path)
        let metrics = RecordMetrics()
        let (first, store) = try scratch.consumer(metrics: metrics)
        scratch.append(Self.call(0))
        let open = try #require(scratch.begin(Self.call(1)))
        #expect(try scratch.await { metrics.stored.current == 1 })
        first.handOver()
        try store.leave()
        // In between there is no reader.
        scratch.append(Self.call(2))
        let others = RecordMetrics()
        let caughtUp = Flag()
        let (second, secondStore) = try Self.other(scratch, others) { settings in
            settings.recoveredAll = { caughtUp.raise() }
        }
        #expect(try scratch.await { caughtUp.isRaised && others.recovered.current == 1 })
        scratch.append(Self.call(3))
        scratch.head(open, Self.call(1))
        #expect(try scratch.await { others.recovered.current == 2 })
        let reader = try Store(reading: scratch.folder.path)
        var account = try reader.account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.pending == 1 && account.stored == 3)
        // The second ends, as if it were killed between two rounds: the first goes on.
        second.handOver()
        try secondStore.leave()
        let (third, thirdStore) = try scratch.consumer(metrics: metrics)
        scratch.settle(open, Self.call(1))
        // Those that the second has stored are counted, too.
        #expect(try scratch.await { metrics.stored.current == 4 })
        third.end()
        account = try reader.account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.pending == 0 && account.stored == 4)
        #expect(try Self.targets(thirdStore) == ["/v1/0", "/v1/1", "/v1/2", "/v1/3"])
        withExtendedLifetime(lock) {}
    }

    @Test("a journal that is still written to is left at an end, and ended once its writer is gone")
    func live() throws {
        let scratch = try RecordScratch()
        var lock: WriterLock? = try WriterLock(scratch.file.path)
        let metrics = RecordMetrics()
        let (first, firstStore) = try Self.other(scratch, metrics)
        let open = try #require(scratch.begin(Self.call(0)))
        scratch.append(Self.call(1))
        #expect(try scratch.await { metrics.recovered.current == 1 })
        first.end()
        try firstStore.close()
        #expect(try JournalFolder.journals(in: scratch.folder.path) == [scratch.file.path])
        let (second, store) = try Self.other(scratch, metrics)
        scratch.settle(open, Self.call(0))
        #expect(try scratch.await { metrics.recovered.current == 2 })
        #expect(try !JournalFolder.journals(in: scratch.folder.path).isEmpty)
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(
            try scratch.await { try JournalFolder.journals(in: scratch.folder.path).isEmpty })
        second.end()
        let account = try store.account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.stored == 2 && account.journals == 0)
    }

    /// What calls in flight hold, as the consumer has said last.
    private final class Holds: Sendable {
        let last = Mutex<[HeldCharge]>([])
        let charges = Mutex<[PastCharge]>([])
    }

    private final class Flag: Sendable {
        private let flag = Mutex(false)
        var isRaised: Bool { flag.withLock { $0 } }
        func raise() { flag.withLock { $0 = true } }
    }

    @Test("what calls in flight hold is said while they last, and what they cost when they end")
    func holds() throws {
        let scratch = try RecordScratch()
        let lock = try WriterLock(scratch.file.path)
        let holds = Holds()
        let (consumer, store) = try Self.other(scratch, RecordMetrics()) { settings in
            settings.held = { _, charges in holds.last.withLock { $0 = charges } }
            settings.recovered = { charges in holds.charges.withLock { $0 += charges } }
        }
        var call = Self.call(0)
        call.account = CallerAccount(name: "eve", group: "team", tokens: 7, nanodollars: 9)
        let first = try #require(scratch.begin(call))
        _ = try #require(scratch.begin(call))
        let two = HeldCharge(key: "eve", group: "team", calls: 2, tokens: 14, nanodollars: 18)
        #expect(try scratch.await { holds.last.withLock { $0 == [two] } })
        call.account = CallerAccount(
            name: "eve", group: "team", tokens: 3, nanodollars: 4, basis: 1)
        scratch.settle(first, call)
        let one = HeldCharge(key: "eve", group: "team", calls: 1, tokens: 7, nanodollars: 9)
        #expect(try scratch.await { holds.last.withLock { $0 == [one] } })
        // The charge was known before the hold was given up.
        #expect(holds.charges.withLock { $0.contains { $0.tokens == 3 && $0.nanodollars == 4 } })
        consumer.end()
        try store.close()
        withExtendedLifetime(lock) {}
    }

    private static func charged(_ tokens: Int, key: String = "eve") -> RecordScratch.Call {
        var call = Self.call(tokens)
        call.account = CallerAccount(
            name: key, group: "team", tokens: tokens, nanodollars: 10 * tokens, basis: 1)
        return call
    }

    /// The hours' sums, key by key.
    private static func hours(_ charges: [PastCharge]) -> [String] {
        charges.filter { $0.length == 3_600_000 }.map {
            "\($0.group)/\($0.key) \($0.calls) \($0.tokens) \($0.nanodollars)"
        }
    }

    @Test("who takes back learns what others were charged meanwhile, and not its own once more")
    func chargesByJournal() throws {
        let scratch = try RecordScratch()
        let mine = scratch.file
        let own: Set<String> = [mine.name.description]
        let lock = try WriterLock(mine.path)
        let metrics = RecordMetrics()
        let (first, store) = try scratch.consumer(metrics: metrics)
        scratch.append(Self.charged(1))
        #expect(try scratch.await { metrics.stored.current == 1 })
        first.handOver()
        let ceded = try store.journalCharges()
        // No other process is there.
        #expect(ceded.charges(since: JournalCharges(), without: []) == [])
        try store.leave()
        // Its own, which the other stores.
        scratch.append(Self.charged(10))
        try scratch.restart()
        let others = RecordMetrics()
        let (second, secondStore) = try scratch.consumer(metrics: others)
        scratch.append(Self.charged(100))
        scratch.append(Self.charged(200, key: "ann"))
        #expect(
            try scratch.await { others.stored.current == 2 && others.recovered.current == 1 })
        second.handOver()
        try secondStore.leave()
        let again = try Store(folder: scratch.folder.path)
        let now = try again.journalCharges()
        #expect(
            Self.hours(now.charges(since: ceded, without: own)).sorted()
                == ["team/ann 1 200 2000", "team/eve 1 100 1000"])
        #expect(Self.hours(now.charges(since: ceded, without: [])).contains("team/eve 2 110 1100"))
        #expect(now.charges(since: now, without: []) == [])
        // Once no other process writes, none can take back, and the sums are of no use.
        let third = try Consumer(
            scratch.settings(again, metrics), journals: [mine], waker: scratch.waker)
        #expect(
            try scratch.await {
                try again.journalCharges().charges(since: JournalCharges(), without: []) == []
            })
        third.end()
        #expect(try again.verifyLedger().differences.isEmpty)
        withExtendedLifetime(lock) {}
    }
}
