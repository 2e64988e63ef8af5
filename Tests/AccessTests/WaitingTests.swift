import Config
import Primitives
import Synchronization
import Testing

@testable import Access

/// Requests that wait for a limit: who is next, and what it costs the others.
@Suite("Waiting for limits")
struct WaitingTests {
    /// What a ledger called.
    private final class Calls: Sendable {
        let all = Mutex<[(ticket: Ticket, reservation: Reservation)]>([])
        let displaced = Mutex<[(ticket: Ticket, refusal: LimitRefusal)]>([])
        var count: Int { all.withLock { $0.count } }

        func ended(_ ticket: Ticket, _ end: WaitEnd) {
            switch end {
            case .admitted(let reservation): all.withLock { $0.append((ticket, reservation)) }
            case .displaced(let refusal): displaced.withLock { $0.append((ticket, refusal)) }
            }
        }

        func take() -> [(ticket: Ticket, reservation: Reservation)] {
            all.withLock { all in
                defer { all = [] }
                return all
            }
        }
    }

    private static func table(_ group: String, keys: Int = 3) throws -> (AccessTable, Ledger) {
        let lines = (0..<keys).map { index in
            LedgerTests.lines(
                "k\(index)", Character(String(index, radix: 16)), "group = \"team\"")
        }
        return try LedgerTests.table(
            """
            [groups.team]
            \(group)
            [groups.other]
            concurrent = 1
            \(LedgerTests.lines("else", "e", "group = \"other\""))
            \(lines.joined())
            """)
    }

    private static func ask(
        _ ledger: Ledger, _ key: AccessKey, _ calls: Calls, now: Int = 0
    ) -> Ledger.Decision {
        ledger.admit(Demand(), key.path, now: now, key: key.name, ended: calls.ended)
    }

    private static func ticket(_ decision: Ledger.Decision) -> Ticket? {
        if case .waiting(let ticket, _) = decision { return ticket }
        return nil
    }

    @Test("is a key's turn after the others', however many of its requests wait")
    func fairness() throws {
        let (table, ledger) = try Self.table(
            "concurrent = 1\nqueue = { max = 100, wait = \"5s\" }")
        let keys = try "012".map { try LedgerTests.key($0, in: table) }
        let calls = Calls()
        guard case .admitted(var running) = Self.ask(ledger, keys[0], calls) else {
            throw LedgerTests.Missing()
        }
        var owners: [Ticket: String] = [:]
        for key in [0, 0, 0, 0, 0, 1, 1, 2] {
            let ticket = try #require(Self.ticket(Self.ask(ledger, keys[key], calls)))
            owners[ticket] = "\(key)"
        }
        #expect(calls.count == 0)
        var order = ""
        while true {
            ledger.settle(running, .free, now: 1)
            guard let next = calls.take().first else { break }
            order += try #require(owners[next.ticket])
            running = next.reservation
        }
        #expect(order == "01201000")
        #expect(ledger.bucket(of: .group("team")).inFlight == 0)
    }

    @Test("a key that fills the line gives way to the others, its newest request first")
    func fullLine() throws {
        let (table, ledger) = try Self.table(
            "concurrent = 1\nqueue = { max = 4, wait = \"5s\" }")
        let keys = try "012".map { try LedgerTests.key($0, in: table) }
        let calls = Calls()
        guard case .admitted(var running) = Self.ask(ledger, keys[0], calls) else {
            throw LedgerTests.Missing()
        }
        var owners: [Ticket: String] = [:]
        var tickets: [Ticket] = []
        // Each has two of four requests here at last, and no key drives out one that has no more.
        for (key, waits) in [
            (0, true), (0, true), (0, true), (0, true), (0, false), (1, true), (1, true),
            (1, false), (2, true), (2, false), (0, false),
        ] {
            let ticket = Self.ticket(Self.ask(ledger, keys[key], calls))
            #expect((ticket != nil) == waits, "\(owners.count)")
            guard let ticket else { continue }
            owners[ticket] = "\(key)"
            tickets.append(ticket)
        }
        let displaced = calls.displaced.withLock { $0 }
        #expect(displaced.map { owners[$0.ticket] ?? "" }.prefix(2) == ["0", "0"])
        #expect(displaced.prefix(2).map(\.ticket) == [tickets[3], tickets[2]])
        #expect(displaced.count == 3 && displaced.allSatisfy { $0.refusal.axis == .concurrent })
        let team = try #require(ledger.view().first { $0.scope == .group("team") })
        #expect(team.waiting == 4 && team.refused == 7, "four at once and three displaced")
        for ticket in displaced.map(\.ticket) {
            #expect(ledger.giveUp(ticket, now: 1) == nil && !ledger.leave(ticket, now: 1))
        }
        var served: [String: Int] = [:]
        while true {
            ledger.settle(running, .free, now: 1)
            guard let next = calls.take().first else { break }
            served[try #require(owners[next.ticket]), default: 0] += 1
            running = next.reservation
        }
        #expect(served.count == 3 && served["2"] == 1 && served.values.reduce(0, +) == 4)
        #expect(ledger.bucket(of: .group("team")).inFlight == 0)
    }

    @Test("a line knows its longest key, whatever comes and goes")
    func longest() {
        var line = WaitingLine()
        var model: [String: [Ticket]] = [:]
        var random = RandomSource(seed: 7)
        for number in 0..<4000 {
            let key = "k\(random.next() % 5)"
            switch random.next() % 4 {
            case 0, 1:
                line.append(Ticket(number: number), of: key)
                model[key, default: []].append(Ticket(number: number))
            case 2:
                guard let own = model[key], let ticket = own.randomElement(using: &random) else {
                    continue
                }
                line.remove(ticket, of: key)
                model[key] = own.filter { $0 != ticket }
            default:
                guard let ticket = line.next(atTurn: 0) else { continue }
                line.serve(atTurn: 0)
                for (key, own) in model { model[key] = own.filter { $0 != ticket } }
            }
            let lengths = model.mapValues(\.count)
            let longest = lengths.values.max() ?? 0
            let own = lengths["k0"] ?? 0
            let given = line.givingWay(to: "k0")
            #expect((given != nil) == (longest >= own + 2))
            if let given {
                #expect(model.values.contains { $0.count == longest && $0.last == given })
            }
            #expect(line.count == lengths.values.reduce(0, +))
        }
    }

    @Test("ends for a client that goes, and for one that has waited as long as it may")
    func leaving() throws {
        let (table, ledger) = try Self.table(
            "concurrent = 1\nqueue = { max = 2, wait = \"5s\" }")
        let key = try LedgerTests.key("0", in: table)
        let calls = Calls()
        guard case .admitted(let running) = Self.ask(ledger, key, calls) else {
            throw LedgerTests.Missing()
        }
        let first = try #require(Self.ticket(Self.ask(ledger, key, calls)))
        let second = try #require(Self.ticket(Self.ask(ledger, key, calls)))
        guard case .refused(let refusal) = Self.ask(ledger, key, calls) else {
            throw LedgerTests.Missing()
        }
        #expect(refusal.axis == .concurrent, "the line is full")
        #expect(ledger.leave(first, now: 1))
        #expect(!ledger.leave(first, now: 1))
        #expect(ledger.giveUp(second, now: 1)?.scope == .group("team"))
        #expect(ledger.giveUp(second, now: 1) == nil)
        let team = try #require(ledger.view().first { $0.scope == .group("team") })
        #expect(team.refused == 2, "by the full line, and once for the wait that ran out")
        ledger.settle(running, .free, now: 2)
        #expect(calls.count == 0)
        guard case .admitted = Self.ask(ledger, key, calls, now: 3) else {
            throw LedgerTests.Missing()
        }
    }

    @Test("is for what time brings soon, and not for money or what comes later")
    func kinds() throws {
        let calls = Calls()
        let (table, ledger) = try Self.table(
            "requests = \"1/1s\"\nqueue = { max = 9, wait = \"3s\" }")
        let key = try LedgerTests.key("0", in: table)
        guard case .admitted = Self.ask(ledger, key, calls, now: 1000) else {
            throw LedgerTests.Missing()
        }
        #expect(Self.ticket(Self.ask(ledger, key, calls, now: 1000)) != nil)
        ledger.admitWaiting(now: 1500)
        #expect(calls.count == 0)
        ledger.admitWaiting(now: 3000)
        #expect(calls.take().first?.reservation.began == 3000)
        for limit in ["requests = \"1/1h\"", "budget = \"$1/day\""] {
            let (table, ledger) = try Self.table(
                "\(limit)\nqueue = { max = 9, wait = \"3s\" }")
            let key = try LedgerTests.key("0", in: table)
            var demand = Demand()
            demand.isWork = true
            demand.nanodollars = 600_000_000
            for isFirst in [true, false] {
                let decision = ledger.admit(demand, key.path, now: 1000, key: key.name) { _, _ in }
                if case .admitted = decision { #expect(isFirst) }
                if case .refused = decision { #expect(!isFirst) }
                #expect(Self.ticket(decision) == nil)
            }
        }
    }

    @Test("costs requests of others nothing, and a settlement one look for each key")
    func cost() throws {
        let (table, ledger) = try Self.table(
            "concurrent = 1\nqueue = { max = 1000, wait = \"5s\" }")
        let keys = try "012".map { try LedgerTests.key($0, in: table) }
        let other = try LedgerTests.key("e", in: table)
        let calls = Calls()
        guard case .admitted(let running) = Self.ask(ledger, keys[0], calls) else {
            throw LedgerTests.Missing()
        }
        for index in 0..<1000 {
            #expect(Self.ticket(Self.ask(ledger, keys[index % 3], calls)) != nil)
        }
        let before = ledger.state.withLock { $0.lookCount }
        for _ in 0..<1000 {
            guard case .admitted(let one) = ledger.admit(Demand(), other.path, now: 1) else {
                throw LedgerTests.Missing()
            }
            ledger.settle(one, .free, now: 1)
        }
        #expect(ledger.state.withLock { $0.lookCount } == before)
        ledger.settle(running, .free, now: 2)
        #expect(calls.count == 1)
        #expect(ledger.state.withLock { $0.lookCount } <= before + 6)
        #expect(ledger.view().first { $0.scope == .group("team") }?.waiting == 999)
    }

    @Test("a request that another limit refuses holds up no other key's")
    func blocked() throws {
        let (table, ledger) = try LedgerTests.table(
            """
            [groups.team]
            concurrent = 2
            queue = { max = 9, wait = "5s" }
            \(LedgerTests.lines("a", "a", "group = \"team\"\nconcurrent = 1"))
            \(LedgerTests.lines("b", "b", "group = \"team\""))
            """)
        let (first, second) = (
            try LedgerTests.key("a", in: table), try LedgerTests.key("b", in: table)
        )
        let calls = Calls()
        guard case .admitted = Self.ask(ledger, first, calls),
            case .admitted(let running) = Self.ask(ledger, second, calls)
        else { throw LedgerTests.Missing() }
        guard case .refused = Self.ask(ledger, first, calls) else {
            throw LedgerTests.Missing()
        }
        #expect(Self.ticket(Self.ask(ledger, second, calls)) != nil)
        ledger.settle(running, .free, now: 1)
        #expect(calls.count == 1)
    }
}
