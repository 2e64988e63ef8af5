import ArgumentParser
import Dialects
import Glibc
import LogStore
import Primitives

/// `weir-load fill`.
struct Fill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fills a record with exchanges through the store's own writer.",
        discussion: """
            Calls of agents over a week: sessions of 50 calls that run side by side, 50 keys in 8 \
            groups, 4 models of 2 vendors, errors, failovers and calls of no session. With \
            `--filling` prompts grow by turns, each with the one before as its beginning. Prints \
            the CPU time that one insertion takes, and the names of twenty exchanges.
            """
    )

    @Option(name: .long, help: "The folder, as log.path names it.") var folder: String
    @Option(name: .long) var records = 1_000_000
    @Option(name: .long, help: "Records of one transaction.") var batch = 500
    @Option(name: .long, help: "Bytes of the last request's body in a session.")
    var filling = 0

    private static let sessionCalls = 50
    private static let sessionsAtOnce = 40
    private static let week = 7 * 86_400 * 1_000_000
    /// The end of the week.
    private static let end = Int(Identifier.wallClockMilliseconds()) * 1000

    func run() throws {
        let store = try Store(folder: folder)
        var random = RandomSource(seed: 7)
        var prompts = Prompts(bytesMax: filling)
        var names: [String] = []
        var spent = 0.0
        for start in stride(from: 0, to: records, by: batch) {
            let calls = (start..<min(start + batch, records)).map {
                Self.call($0, of: records, &prompts, &random)
            }
            for (index, call) in calls.enumerated()
            where (start + index) % max(1, records / 20) == 0 {
                names.append("\"\(call.identifier)\"")
            }
            let before = Self.processorSeconds
            try store.insert(calls)
            spent += Self.processorSeconds - before
        }
        try store.close()
        let each = spent / Double(max(1, records)) * 1_000_000
        print(
            """
            {"records":\(records),"cpu_us_per_record":\((each * 100).rounded() / 100),\
            "ids":[\(names.joined(separator: ","))]}
            """)
    }

    private static func call(
        _ number: Int, of count: Int, _ prompts: inout Prompts, _ random: inout RandomSource
    ) -> LogStore.Record {
        let time = end - week + week / count * number
        var record = Record(
            Identifier.next(using: &random, milliseconds: UInt64(time / 1000)))
        let odd = Int(random.next() % 1000)
        let session =
            number / (sessionCalls * sessionsAtOnce) * sessionsAtOnce + number % sessionsAtOnce
        record.journal = "bench"
        record.exchange = UInt64(number)
        record.acceptedMicroseconds = time
        record.method = "POST"
        record.chain = session % 2 == 0 ? "main" : "cheap"
        record.vendor = session % 2 == 0 ? "anthropic" : "openai"
        record.dialect = session % 2 == 0 ? .anthropic : .openai
        record.target = session % 2 == 0 ? "/v1/messages?beta=true" : "/v1/chat/completions"
        record.model =
            ["claude-sonnet-4-5", "gpt-5", "claude-haiku-4-5", "gpt-5-mini"][session % 4]
        record.answeringModel = record.model
        record.key = "key-\(session % 50)"
        record.group = "team-\(session % 8)"
        record.client = "10.0.0.\(session % 50)"
        record.session = odd % 10 == 0 ? "" : "7c1f0a52-3f6e-4b8e-9d61-\(100_000_000_000 + session)"
        record.agent = number % 5 == 0 ? "explore" : ""
        record.outcome =
            odd < 10 ? "upstream_error" : odd < 15 ? "client_cancelled" : "complete"
        record.status = odd < 10 ? 503 : 200
        record.attempts = AttemptList.attempts(
            """
            [{"vendor":"\(record.vendor)","began_us":\(40 + odd % 30),\
            "head_us":\(300_000 + odd * 700),"status":\(record.status)}]
            """)
        if odd < 10 { record.attempts[0].failure = "status" }
        if odd % 50 == 0 { record.attempts += record.attempts }
        record.answered = record.attempts.count
        fillAccount(of: &record, odd)
        let turn = number % (sessionCalls * sessionsAtOnce) / sessionsAtOnce
        record.requestBody.bytes = prompts.prompt(of: session, turn: turn, of: sessionCalls)
        record.requestBody.totalBytes = record.requestBody.bytes.count
        return record
    }

    private static func fillAccount(of record: inout LogStore.Record, _ odd: Int) {
        record.requestMicroseconds = 30 + odd % 20
        record.headMicroseconds = 300_000 + odd * 700
        record.contentMicroseconds = 310_000 + odd * 711
        record.lastByteMicroseconds = 5_000_000 + odd * 9001
        record.endMicroseconds = 5_000_100 + odd * 9001
        record.isStream = true
        record.requestBytes = 90_000 + odd * 91
        record.responseBytes = 20_000 + odd * 7
        record.usage.input = 25_000 + odd * 13
        record.usage.output = 300 + odd
        record.usage.cacheRead = 22_000 + odd * 11
        record.usageState = .reported
        record.usageText = """
            {"input_tokens":\(3000 + odd * 2),"cache_creation_input_tokens":0,\
            "cache_read_input_tokens":\(22_000 + odd * 11),"output_tokens":\(300 + odd),\
            "service_tier":"standard"}
            """
        record.finishReason = odd % 3 == 0 ? "tool_use" : "end_turn"
        record.costNanodollars = 20_000_000 + odd * 1000
        record.priceVersion = "2026-11-01"
    }

    /// What this process has taken of processors so far.
    private static var processorSeconds: Double {
        var usage = rusage()
        unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
        }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
