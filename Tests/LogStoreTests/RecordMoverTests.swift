import GRDB
import Logging
import Primitives
import Support
import Testing

@testable import LogStore

/// Records of earlier versions, before, while and after they are brought over.
@Suite("Records of earlier versions")
struct RecordMoverTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func record(_ number: Int, session: String = "") -> LogStore.Record {
        var record = RecordColumnsTests.full
        record.identifier = Identifier(high: UInt64(number) << 20, low: UInt64(number))
        record.exchange = UInt64(number)
        record.acceptedMicroseconds = 3_600_000_000 * (number / 4) + number
        record.session = session
        record.key = "k\(number % 3)"
        record.method = "POST"
        record.target = "/v1/messages?\(number)"
        return record
    }

    /// What everything that reads the store says.
    private struct View: Equatable {
        var byNumber: [LogStore.Record] = []
        var numbers: [Int64] = []
        var latest: [Int64] = []
        var named: [Int64] = []
        var sinks: [Int64] = []
        var sessions: [String] = []
        var sums: [[Store.Statistic]] = []
        var attempts: [AttemptSums] = []
        var counts: [Int] = []
        var ledger: LedgerBalance
        var later: [String] = []
        var missing = 0
    }

    private static func view(_ store: Store) throws -> View {
        var view = View(ledger: try store.verifyLedger())
        try store.eachRecord(RecordFilter(), withBodies: true) {
            view.byNumber.append($0.record)
            view.numbers.append($0.number)
        }
        view.latest = try store.records(RecordFilter(), limit: 7).map(\.number)
        for record in view.byNumber {
            let id = record.identifier.description
            view.named += try store.records(named: id).map(\.number)
        }
        view.sinks = try store.records(after: 3, limit: 9, withBodies: true).map(\.number)
        for session in try store.sessions(RecordFilter(), limit: 9, withCalls: true) {
            view.sessions.append(
                "\(session.name) \(session.began) \(session.ended) \(session.sums.calls)")
        }
        var part = RecordFilter()
        part.since = 5_000_000_000
        part.until = 20_000_000_000
        for filter in [RecordFilter(), part] {
            for dimensions in [[.session], [.group], [.key], [.vendor, .session]] as [[Dimension]] {
                view.sums.append(try store.statistics(filter, by: dimensions))
            }
            view.attempts += try store.attemptStatistics(filter)
        }
        for change in Self.filters {
            var filter = RecordFilter()
            change(&filter)
            view.counts.append(try store.count(filter))
        }
        view.later = try store.laterTurns(than: try store.numbers(.key("k1")))
        view.missing = try store.missingRows()
        return view
    }

    private static let filters: [@Sendable (inout RecordFilter) -> Void] = [
        { _ in }, { $0.key = "k1" }, { $0.session = "s" }, { $0.session = "s1" },
        { $0.model = "=m*" }, { $0.text = "messages?7" }, { $0.text = "{}" }, { $0.status = "2xx" },
        { $0.errorClass = "truncated" }, { $0.client = "2001*" }, { $0.after = 6 },
        { $0.chain = "main" }, { $0.outcome = "truncated" }, { $0.vendor = "w" },
    ]

    @Test("nothing differs before, between any two steps, and after; a death goes on where it was")
    func steps() throws {
        let folder = try ScratchFolder("mover")
        let olds = (1...12).map { Self.record($0, session: ["", "s1", "s2"][$0 % 3]) }
        try OldStore.write(olds, in: folder.path)
        var store = try Store(folder: folder.path)
        try store.insert((13...20).map { Self.record($0, session: "s\($0 % 2)") })
        let before = try Self.view(store)
        #expect(before.numbers == Array(1...20) && before.byNumber.count == 20)
        #expect(before.counts[0] == 20 && before.counts[1] == 7)
        while try store.moveBodies(bytesMax: 100) > 0 {
            #expect(try Self.view(store) == before)
        }
        for left in stride(from: 12, to: 0, by: -5) {
            #expect(try store.unmovedCount() == left)
            #expect(try store.moveRecords(limit: 5) == min(5, left))
            #expect(try Self.view(store) == before, "\(left)")
            try store.close()
            store = try Store(folder: folder.path)
            #expect(try Self.view(store) == before, "\(left)")
        }
        #expect(try store.moveRecords(limit: 5) == 0)
        let begin = try store.database.read {
            try Int.fetchOne($0, sql: "SELECT hour FROM session_hours_begin")
        }
        #expect(begin == 0)
        #expect(try Self.view(store) == before)
        #expect(try store.verifyContents { _, _ in }.whole == 20)
        try store.insert([Self.record(21)])
        #expect(try store.lastNumber() == 21)
        // Sealed and packed, what was moved is where it was.
        store.sealSegment()
        try store.packSegments { _, _, _ in }
        #expect(try store.verifyContents { _, _ in }.whole == 21)
    }

    @Test("half of them moved, they are erased and retired like all others")
    func between() throws {
        let folder = try ScratchFolder("mover")
        try OldStore.write((1...8).map { Self.record($0, session: "s") }, in: folder.path)
        let store = try Store(folder: folder.path)
        let ledger = try store.verifyLedger()
        while try store.moveBodies(bytesMax: 100) > 0 {}
        #expect(try store.moveRecords(limit: 4) == 4)
        #expect(try store.numbers(.session("s")) == Array(1...8))
        try store.erase(numbers: [2, 6])
        let found = try store.records(after: 0, limit: 9, withBodies: true)
        #expect(found.filter { $0.record.requestFields.isEmpty }.map(\.number) == [2, 6])
        #expect(found.filter { $0.record.target == "/v1/messages" }.map(\.number) == [2, 6])
        #expect(try store.retire(before: 3_600_000_000 + 5) == 4)
        #expect(try store.retire(before: 3_600_000_000 + 8) == 3)
        #expect(try store.count(RecordFilter()) == 1)
        // To move is not to remove, and what is removed is counted.
        #expect(try store.verifyLedger() == ledger)
    }

    @Test("a mover brings all of them over, and says so once")
    func mover() throws {
        let folder = try ScratchFolder("mover")
        try OldStore.write((1...30).map { Self.record($0) }, in: folder.path)
        let store = try Store(folder: folder.path)
        var mover = RecordMover(store, Self.logger, bytesMax: 64)
        var steps = 0
        while try store.unmovedCount() > 0 {
            steps += 1
            mover.move(Instant(nanoseconds: Int64(steps) << 40), isBusy: false)
            #expect(steps < 1000)
        }
        #expect(!mover.isGoingOn(Instant(nanoseconds: 1 << 60)))
        #expect(try store.count(RecordFilter()) == 30)
    }

    @Test("a name goes when nothing says it any more, and not before")
    func names() throws {
        let folder = try ScratchFolder("names")
        let store = try Store(folder: folder.path)
        let day = 86_400_000_000
        func record(_ number: Int, _ model: String, day number2: Int) -> LogStore.Record {
            var record = LogStore.Record(Identifier(high: 1, low: UInt64(number)))
            record.acceptedMicroseconds = number2 * day + number
            record.model = model
            return record
        }
        func names() throws -> Set<String> {
            Set(try store.database.read { try String.fetchAll($0, sql: "SELECT text FROM names") })
        }
        try store.insert([
            record(1, "once", day: 1), record(2, "twice", day: 1), record(3, "twice", day: 3),
            record(4, "late", day: 4),
        ])
        #expect(try names().isSuperset(of: ["", "once", "twice", "late"]))
        #expect(try store.retire(before: 2 * day) == 2)
        #expect(try names().isDisjoint(with: ["once"]))
        #expect(
            try store.records(RecordFilter(), limit: 9).map(\.record.model) == ["late", "twice"])
        // What was removed gets another number, and what is kept has its own.
        try store.insert([record(5, "once", day: 4), record(6, "twice", day: 4)])
        let models = try store.records(after: 0, limit: 9, withBodies: false).map(\.record.model)
        #expect(models == ["twice", "late", "once", "twice"])
        let sums = try store.statistics(RecordFilter(), by: [.model, .session])
        #expect(sums.map(\.names) == [["twice", ""], ["late", ""], ["once", ""]])
        #expect(try store.retire(before: .max) == 4)
        #expect(try names() == [""])
    }
}
