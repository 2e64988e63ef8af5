import Journal
import Primitives
import Support
import Testing

@testable import LogStore

/// Searches piece by piece, over records of which few are meant.
@Suite("Searches")
struct SearchTests {
    private static let count = 3000
    private static let begin = 1_700_000_000_000_000

    private static func store(in scratch: RecordScratch) throws -> Store {
        let store = try Store(folder: scratch.folder.path)
        for start in stride(from: 0, to: count, by: 500) {
            try store.insert((start..<start + 500).map { record(UInt64($0)) })
        }
        return store
    }

    private static func record(_ number: UInt64) -> LogStore.Record {
        var record = SegmentScratch.record(number)
        // Several begin at one moment.
        record.acceptedMicroseconds = begin + Int(number / 3)
        record.journal = "a-journal"
        record.exchange = number
        record.model = "m"
        record.vendor = number % 1000 == 7 ? "rare" : "openai"
        record.outcome = "complete"
        record.status = 200
        record.session = number % 1500 == 3 ? "s" : ""
        record.attempts = [LogStore.Record.Attempt(), LogStore.Record.Attempt()]
        record.attempts[0].vendor = number % 500 == 1 ? "down" : "openai"
        record.attempts[0].failure = number % 500 == 1 ? "connect" : ""
        record.attempts[1].vendor = number % 1000 == 2 ? "down" : "openai"
        record.attempts[1].status = number == 2 ? 401 : 200
        return record
    }

    /// Asks on and on, as the page does, each time for one piece.
    private static func all(
        _ filter: RecordFilter, limit: Int, _ store: Store
    ) throws -> (names: [UInt64], questions: Int) {
        var filter = filter
        var names: [UInt64] = []
        var questions = 0
        while true {
            let found = try store.search(filter, limit: limit - names.count) { false }
            names += found.records.map { $0.record.exchange }
            questions += 1
            guard let next = found.next, names.count < limit else { return (names, questions) }
            #expect(next < filter.until ?? .max)
            filter.until = next
        }
    }

    @Test("find in pieces what they find at once, in the same order")
    func pieces() throws {
        let scratch = try RecordScratch()
        let store = try Self.store(in: scratch)
        var rare = RecordFilter()
        rare.vendor = "rare"
        var none = RecordFilter()
        none.status = "418"
        var late = RecordFilter()
        late.since = Self.begin + 400
        late.until = Self.begin + 900
        late.vendor = "rare"
        var session = RecordFilter()
        session.session = "s"
        var failed = RecordFilter()
        failed.failedAt = "down"
        for (filter, expected) in [
            (rare, [2007, 1007, 7]), (none, []), (late, [2007]), (session, [1503, 3]),
            (failed, [2501, 2001, 1501, 1001, 501, 2, 1]),
        ] as [(RecordFilter, [UInt64])] {
            let whole = try store.search(filter, limit: 10) { true }
            #expect(whole.next == nil)
            #expect(whole.records.map { $0.record.exchange } == expected)
            #expect(try store.records(filter, limit: 10).map { $0.record.exchange } == expected)
            let pieces = try Self.all(filter, limit: 10, store)
            #expect(pieces.names == expected)
            // A session is found by its index, in one go.
            #expect(filter.session != nil ? pieces.questions == 1 : pieces.questions > 1)
        }
    }

    @Test("end when enough is found, and say where to go on")
    func enough() throws {
        let scratch = try RecordScratch()
        let store = try Self.store(in: scratch)
        var failed = RecordFilter()
        failed.failedAt = "down"
        let found = try store.search(failed, limit: 2) { true }
        #expect(found.records.map { $0.record.exchange } == [2501, 2001])
        #expect(found.next == Self.begin + 2001 / 3)
        let newest = try store.search(RecordFilter(), limit: 1) { false }
        #expect(newest.records.map { $0.record.exchange } == [2999])
        #expect(try store.search(RecordFilter(), limit: 5000) { true }.records.count == Self.count)
    }

    @Test("of what calls cost have the sums of statistics, by whatever is asked")
    func spend() throws {
        let scratch = try RecordScratch()
        let store = try Self.store(in: scratch)
        let day = Self.begin / 86_400_000_000
        let spend = try store.spend(since: Self.begin)
        #expect(spend.days.mapValues(\.calls) == [day: Self.count])
        for (dimension, sums) in zip(Spend.dimensions, spend.by) {
            let lines = try store.statistics(RecordFilter(), by: [dimension])
            #expect(
                sums.mapValues(\.calls)
                    == Dictionary(
                        uniqueKeysWithValues: lines.map { ($0.names[0], $0.sums.calls) }))
            #expect(
                sums.values.reduce(0) { $0 + $1.inputTokens }
                    == lines.reduce(0) { $0 + $1.sums.inputTokens })
        }
        #expect(try store.spend(since: Self.begin + 3_600_000_000).days.isEmpty)
    }
}
