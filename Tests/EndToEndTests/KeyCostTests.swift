import JSON
import Support
import Testing

/// What a key costs a call, counted in instructions: nothing is timed.
@Suite("The cost of keys")
struct KeyCostTests {
    private static let keyCount = 3
    private static let limits = "requests = \"100000000/1m\"\n"

    /// So many keys in groups with limits, under a root with limits; the first ones are real.
    private static func lines(
        _ keys: [(key: String, lines: String)], of count: Int, in groups: Int
    ) -> String {
        var toml = "[groups.root]\n\(limits)"
        for group in 0..<groups { toml += "[groups.g\(group)]\nparent = \"root\"\n\(limits)" }
        for number in 0..<count {
            guard number >= keys.count else {
                toml += keys[number].lines
                continue
            }
            // Spread as digests are: the table of keys hashes their beginnings, and beginnings that
            // are all the same would be one long run of it.
            let word = String(UInt64(number) &* 0x9E37_79B9_7F4A_7C15 | 1 << 63, radix: 16)
            toml += "[keys.k\(number)]\ngroup = \"g\(number % groups)\"\ndigest = \"sha256:"
            toml += String(repeating: word, count: 4) + "\"\n"
        }
        return toml
    }

    @Test("10,000 keys in 1,000 groups cost a call what 10 keys do, and that is bounded")
    func manyKeys() throws {
        let keys = try (0..<Self.keyCount).map {
            try AccessCommandTests.newKey("real\($0)", ["--group", "g\($0)"])
        }
        let fields = keys.map { "x-weir-key: \($0.key)\r\n" }
        // As long as a key, so that the same bytes are parsed.
        let other = "x-othe-key: \(keys[0].key)\r\n"
        func count(_ lines: String, _ fields: [String]) throws -> Double {
            let gateway = try CallgrindGateway(lines)
            return try gateway.perCall(fields: fields).instructions ?? 0
        }
        let none = try count("", [other])
        let few = try count(Self.lines(keys, of: 10, in: 10), [fields[0]])
        let fewInTurn = try count(Self.lines(keys, of: 10, in: 10), fields)
        let many = try count(Self.lines(keys, of: 10_000, in: 1000), fields)
        let counts = "\(none) without, \(few), \(fewInTurn) in turn, \(many) of 10,000"
        let most = try JSONValue(parsing: Repository.text("Benchmarks/thresholds.json"))["key"]
        #expect(few - none < most?["instructions"]?.double ?? 0, "\(counts)")
        #expect(fewInTurn - none < most?["instructions_in_turn"]?.double ?? 0, "\(counts)")
        // A walk over the keys, or over the groups, would be far more than that.
        #expect(many - fewInTurn < 6000, "\(counts)")
        #expect(few > none + 1000, "a count that counts nothing would pass for ever: \(counts)")
    }

    @Test("1,000 clients that wait for a limit cost a call of another key nothing")
    func waiting() throws {
        let (busy, first) = try AccessCommandTests.newKey("busy")
        let (other, second) = try AccessCommandTests.newKey("other")
        let gateway = try CallgrindGateway(
            "\(first)concurrent = 1\nqueue = { max = 1000, wait = \"10m\" }\n"
                + "\(second)concurrent = 10\n")
        let fields = ["x-weir-key: \(other)\r\n"]
        let before = try gateway.perCall(fields: fields).instructions ?? 0
        func send(_ fields: String = "") throws -> RawConnection {
            let client = try RawConnection(port: gateway.port)
            try client.send(
                RecordTests.request(
                    "/v1/chat/completions", #"{"model":"gpt-4o"}"#,
                    "x-weir-key: \(busy)\r\n\(fields)"))
            return client
        }
        let running = try send("X-Mock-Hang: 1\r\n")
        let waiting = try (0..<1000).map { _ in try send() }
        let beside = try gateway.perCall(fields: fields).instructions ?? 0
        // Less than ten instructions for each of them: the line is looked at as time goes on.
        #expect(beside - before < 10_000, "\(before) without, \(beside) beside them")
        // There is no room in the line for one more: all of them do wait.
        #expect(try send().response().status == 429)
        withExtendedLifetime((running, waiting)) {}
    }
}
