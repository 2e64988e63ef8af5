import Glibc
import JSON
import Primitives
import Support
import Testing

/// A gateway that is killed while it brings a record of version 0.1 over, and while it removes what
/// is too old or too much, under load.
@Suite("The record, killed while it changes")
struct RecordKillTests {
    /// Kills of each kind; `WEIR_KILLS=50` for as many as the others.
    private static let kills: Int = {
        let text = unsafe getenv("WEIR_KILLS").map { unsafe String(cString: $0) }
        return max(4, text.flatMap { Int($0) } ?? 4)
    }()
    private static let killsOfRecord = 4

    /// A record of version 0.1 and the gateways that are started on it.
    private struct OldRecord {
        let folder: TemporaryFolder
        let old: Int
        let young: Int
        var whole: [String] = []
        private let script = "\(Repository.root)/Tests/EndToEndTests/OldRecord/old-record.py"

        /// Makes one: `old` records of two hours ago, `young` ones of ten minutes ago.
        init(old: Int, young: Int, bytes: Int) throws {
            (self.old, self.young) = (old, young)
            folder = try TemporaryFolder()
            guard unsafe mkdir(path, 0o700) == 0 else {
                throw RawConnection.Failure.broken("mkdir \(path)")
            }
            let made = try run("make", ["\(old)", "\(young)", "\(bytes)"])
            try #require(try made.wait() == 0, "\(made.text)")
        }

        var path: String { "\(folder.path)/record" }

        private func run(_ command: String, _ arguments: [String] = []) throws -> ChildProcess {
            try ChildProcess("/usr/bin/env", ["python3", script, command, path] + arguments)
        }

        /// What of it is there, counted without a change.
        func count() throws -> JSONValue {
            let process = try run("count")
            try #require(try process.wait() == 0, "\(process.text)")
            return try JSONValue(parsing: process.text)
        }

        /// Serves streams until no more of a kind is left than a number, and kills the gateway.
        mutating func kill(_ kind: String, left: Int, _ vendor: MockProcess, log: String) throws {
            let gateway = try GatewayProcess(vendor: vendor.port, log: log, folder: folder)
            let wait = try run("wait", [kind, "\(left)"])
            whole += try RecordFaultTests.load(
                gateway.port, clients: 8, milliseconds: Int.random(in: 0...40)
            ) {
                try wait.awaitLine("reached", seconds: Double(Patience.interval.seconds))
                gateway.process.signal(SIGKILL)
            }
            _ = try gateway.process.wait()
        }

        /// Has a gateway end what the killed ones began, and ends it in order.
        func settle(
            _ vendor: MockProcess, log: String, _ isOver: (JSONValue) -> Bool
        ) throws -> JSONValue {
            let gateway = try GatewayProcess(vendor: vendor.port, log: log, folder: folder)
            try gateway.await("the rest") {
                try isOver(count())
                    && RecordTests.logs(gateway, ["verify"]).text.contains("pending 0")
            }
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.wait() == 0)
            return try count()
        }

        /// The number of a record of version 0.1; nil for one of now.
        func number(_ id: String) -> Int? {
            id.hasPrefix("01M8P25KBD7F45S7YR") ? Int(id.suffix(8)) : nil
        }
    }

    /// Holds everything against what was there and what clients had; the numbers of the records of
    /// version 0.1 that are left, and how many of now there are.
    private static func check(
        _ record: OldRecord, _ end: JSONValue
    ) throws -> (olds: Set<Int>, news: Int) {
        var outcomes: [String: [String]] = [:]
        for line in try RecordTests.records(record.path) {
            outcomes[line["id"]?.text ?? "", default: []].append(line["outcome"]?.text ?? "")
        }
        #expect(outcomes.values.allSatisfy { $0.count == 1 })
        #expect(!record.whole.isEmpty)
        let missing = record.whole.filter { outcomes[$0] != ["complete"] }
        #expect(missing.isEmpty, "\(missing.count) of \(record.whole.count): \(missing.prefix(3))")
        // Neither a record without a row nor a row without a record, whatever was removed.
        #expect(end["difference"]?.integer == 0, "\(end)")
        let verify = try RecordTests.logs(record.path, ["verify"])
        #expect(verify.status == 0, "\(verify.text)")
        #expect(verify.text.contains("dropped 0 + pending 0") && verify.text.contains(" 0 damaged"))
        let olds = outcomes.keys.compactMap(record.number)
        return (Set(olds), outcomes.count - olds.count)
    }

    private static func isRequestOf(_ number: Int, _ record: OldRecord) throws -> Bool {
        let digits = "\(number)"
        let id = "01M8P25KBD7F45S7YR" + String(repeating: "0", count: 8 - digits.count) + digits
        let body = try RecordTests.logs(record.path, ["show", id, "--raw", "request"]).text
        return body.hasPrefix("{\"model\":\"gpt-4o\",\"number\":\(number),")
    }

    @Test("kill -9 while a record of version 0.1 is brought over loses none of it, nor of now")
    func migration() throws {
        let vendor = try MockProcess()
        var hits = (bodies: 0, rows: 0)
        for _ in 0..<(Self.kills + Self.killsOfRecord - 1) / Self.killsOfRecord {
            var record = try OldRecord(old: 0, young: 12_000, bytes: 4000)
            for (kind, left) in [
                ("bodies", 9000), ("bodies", 4000), ("rows", 9000), ("rows", 5000),
            ] {
                let left = left - Int.random(in: 0..<2000)
                try record.kill(kind, left: left, vendor, log: "")
                let there = try record.count()
                if there["bodies"]?.integer ?? 0 > 0 {
                    hits.bodies += 1
                } else if there["rows"]?.integer ?? 0 > 0 {
                    hits.rows += 1
                }
            }
            let end = try record.settle(vendor, log: "") {
                $0["bodies"]?.integer == 0 && $0["rows"]?.integer == 0
            }
            let (olds, news) = try Self.check(record, end)
            #expect(olds == Set(1...record.young) && end["removed"]?.integer == 0)
            let verify = try RecordTests.logs(record.path, ["verify"]).text
            #expect(verify.contains(" \(olds.count + news) whole, 0 gone"), "\(verify)")
            for number in [1, 6000, record.young] {
                #expect(try Self.isRequestOf(number, record))
            }
            // Sums by session are made as rows are brought over: of each once.
            let sums = try RecordTests.logs(record.path, ["stats", "--by", "group", "--json"])
            let calls = try JSONValue(parsing: sums.text)["calls"]?.integer
            #expect(calls == olds.count + news, "\(sums.text)")
        }
        print("kills while bodies were moved: \(hits.bodies), while rows were: \(hits.rows)")
        #expect(hits.bodies > 0 && hits.rows > 0)
    }

    @Test(
        "kill -9 while records are removed for their age counts each once and spares the others",
        arguments: [false, true])
    func age(_ isMoved: Bool) throws {
        let vendor = try MockProcess()
        let log = "retain = \"1h\""
        var hits = 0
        for _ in 0..<(Self.kills + Self.killsOfRecord - 1) / Self.killsOfRecord {
            var record = try OldRecord(old: 10_000, young: 1000, bytes: 600)
            if isMoved { _ = try record.settle(vendor, log: "") { $0["rows"]?.integer == 0 } }
            for left in [9000, 7000, 5000, 3000] {
                let left = left - Int.random(in: 0..<1000)
                try record.kill("old", left: left, vendor, log: log)
                if try record.count()["old"]?.integer ?? 0 > 0 { hits += 1 }
            }
            let end = try record.settle(vendor, log: log) {
                $0["old"]?.integer == 0 && $0["rows"]?.integer == 0
            }
            let (olds, _) = try Self.check(record, end)
            #expect(olds == Set(record.old + 1...record.old + record.young))
            #expect(end["removed"]?.integer == record.old)
            #expect(try Self.isRequestOf(record.old + 1, record))
            let verify = try RecordTests.logs(record.path, ["verify"]).text
            #expect(verify.contains(" whole, 0 gone"), "\(verify)")
        }
        print("kills while records were removed for their age: \(hits)")
        #expect(hits > 0)
    }

    @Test("kill -9 while a record of version 0.1 is too large removes its oldest, and counts them")
    func size() throws {
        let vendor = try MockProcess()
        // The bodies in the database alone are more.
        let log = "max_size = \"64MiB\""
        var hits = 0
        for _ in 0..<(Self.kills + Self.killsOfRecord - 1) / Self.killsOfRecord {
            var record = try OldRecord(old: 0, young: 6000, bytes: 16_000)
            for left in [5900, 4500, 3000, 1500] {
                let left = left - Int.random(in: 0..<200)
                try record.kill("bodies", left: left, vendor, log: log)
                if try record.count()["bodies"]?.integer ?? 0 > 0 { hits += 1 }
            }
            let end = try record.settle(vendor, log: log) {
                $0["bodies"]?.integer == 0 && $0["rows"]?.integer == 0
            }
            let (olds, _) = try Self.check(record, end)
            let removed = end["removed"]?.integer ?? 0
            // The oldest of them went, and nothing else.
            #expect(removed > 0 && olds == Set(removed + 1...record.young), "\(removed)")
            #expect(try RecordTests.logs(record.path, ["verify"]).text.contains(" gone with"))
        }
        print("kills while a record was too large: \(hits)")
        #expect(hits > 0)
    }
}
