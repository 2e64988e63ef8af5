import Access
import Dialects
import GRDB
import Journal
import Primitives
import Support
import Testing

@testable import LogStore

/// The ledger in the store: sums that follow the records, and outlive them.
@Suite("The ledger in the store")
struct LedgerStoreTests {
    private static let hour = 3_600_000
    private static let start = 500_000 * hour

    /// A record that was charged so much at a time, in milliseconds since 1970.
    private static func record(
        _ number: Int, at time: Int, key: String = "ci", group: String = "team",
        tokens: Int = 10, nanodollars: Int = 1000, attempts: Int = 1
    ) -> LogStore.Record {
        var record = LogStore.Record(
            Identifier(high: UInt64(time) << 16, low: UInt64(number)))
        record.acceptedMicroseconds = time * 1000
        record.key = key
        record.group = group
        record.chargedTokens = tokens
        record.chargedNanodollars = nanodollars
        record.chargeBasis = "reported"
        record.attempts = (0..<attempts).map { _ in LogStore.Record.Attempt() }
        return record
    }

    @Test("sums charges by key, group, minute and hour, and reads them back in order")
    func sums() throws {
        let folder = try ScratchFolder("ledger")
        let store = try Store(folder: folder.path)
        var plain = LogStore.Record(Identifier(high: 1, low: 1))
        plain.key = "0011223344556677"
        try store.insert([
            Self.record(1, at: Self.start + 5), Self.record(2, at: Self.start + 59_999),
            Self.record(3, at: Self.start + 60_000, attempts: 0),
            Self.record(4, at: Self.start + Self.hour, group: "other"), plain,
        ])
        let charges = try store.pastCharges(since: 0, now: Self.start + Self.hour)
        func all(_ length: Int) -> [String] {
            charges.filter { $0.length == length }.map {
                "\($0.began - Self.start) \($0.group) \($0.calls) \($0.tokens) \($0.nanodollars)"
            }
        }
        #expect(
            all(60_000) == ["0 team 2 20 2000", "60000 team 0 10 1000", "3600000 other 1 10 1000"])
        #expect(all(Self.hour) == ["0 team 2 30 3000", "3600000 other 1 10 1000"])
        // Minutes that no rate needs any more are removed; hours stay, and stand for those.
        let later = try store.pastCharges(since: 0, now: Self.start + 100 * Self.hour)
        #expect(later.map(\.length) == [Self.hour, 60_000, Self.hour, 60_000])
        #expect(later.map(\.tokens) == [10, 10, 30, 30])
    }

    @Test("is not changed by records that are removed, whatever removes them, and says so")
    func removal() throws {
        let folder = try ScratchFolder("ledger")
        let store = try Store(folder: folder.path)
        let records = (0..<20).map {
            Self.record($0, at: Self.start + $0 * Self.hour, key: $0 % 2 == 0 ? "ci" : "eve")
        }
        try store.insert(records)
        let before = try store.pastCharges(since: 0, now: Self.start)
        #expect(try store.retire(before: (Self.start + 5 * Self.hour) * 1000) == 5)
        try store.database.write { try $0.execute(sql: "DELETE FROM exchanges WHERE number > 15") }
        #expect(try store.pastCharges(since: 0, now: Self.start) == before)
        let verified = try store.verifyLedger()
        #expect(verified.keys == 2 && verified.tokens == 200 && verified.nanodollars == 20_000)
        #expect(verified.differences.isEmpty)
        // The same record twice is charged once.
        try store.insert([records[7]])
        #expect(try store.verifyLedger().differences.isEmpty)
        try store.database.write {
            try $0.execute(sql: "UPDATE exchanges SET charged_tokens = 11 WHERE number = 10")
        }
        #expect(
            try store.verifyLedger().differences
                == [LedgerBalance.Difference(key: "eve", tokens: -1, nanodollars: 0)])
    }

    @Test("remembers what clients were asked for")
    func remembering() throws {
        let folder = try ScratchFolder("ledger")
        let store = try Store(folder: folder.path)
        let nothing = RequiredCredentials()
        #expect(try store.remember(nothing) == nothing)
        let certificate = RequiredCredentials(isCertificate: true)
        #expect(try store.remember(certificate) == certificate)
        #expect(try store.remember(nothing) == certificate)
        let both = RequiredCredentials(isKey: true, isCertificate: true)
        #expect(try store.remember(RequiredCredentials(isKey: true)) == both)
        try store.close()
        #expect(try Store(folder: folder.path).remember(nothing) == both)
    }

    @Test("charges what was held for an exchange that has no settlement, and what it was charged")
    func interrupted() {
        var assembly = Assembly(
            journal: "j", exchange: 1, time: .now(), capture: Capture(bytesMax: .max))
        let held = CallerAccount(name: "ci", group: "team", tokens: 7, nanodollars: 70)
        assembly.adopt(held, basis: .reserved)
        let record = assembly.interrupted(at: .now())
        #expect(record.key == "ci" && record.group == "team" && record.outcome == "interrupted")
        #expect(record.chargedTokens == 7 && record.chargedNanodollars == 70)
        #expect(record.chargeBasis == "reserved")
        assembly = Assembly(
            journal: "j", exchange: 1, time: .now(), capture: Capture(bytesMax: .max))
        assembly.adopt(CallerAccount(), basis: .reserved)
        #expect(assembly.interrupted(at: .now()).chargedTokens == nil)
    }
}
