import ArgumentParser
import Dialects
import Primitives
import Support
import Testing

@testable import LogStore
@testable import weir

private typealias Record = LogStore.Record

/// What people read: each table as it is printed, in 80 columns and in as many as it takes.
@Suite("Tables of the record")
struct LogsTableTests {
    /// Records of a day: two agents of a session, a failover, an error, one that is not billed.
    private static let records: [Record] = {
        func record(_ number: UInt64, _ change: (inout Record) -> Void) -> Record {
            var record = Record(Identifier(high: 0x18BC_FE56_8000_0000 + number, low: number))
            record.acceptedMicroseconds = 1_700_000_000_000_000 + Int(number) * 61_000_000
            record.method = "POST"
            record.target = "/v1/messages"
            record.vendor = "anthropic"
            record.model = "claude-sonnet-4-5-20250929"
            record.outcome = "complete"
            record.status = 200
            record.answered = 1
            record.attempts = [
                Record.Attempt(vendor: "anthropic", headMicroseconds: 350_000, status: 200)
            ]
            record.contentMicroseconds = 420_000
            record.endMicroseconds = 4_500_000
            record.usageState = .reported
            record.usage.input = 12_000
            record.usage.output = 345
            record.usage.cacheRead = 11_160
            record.costNanodollars = 12_345_678
            record.client = "192.0.2.7"
            record.key = "00ff00ff00ff00ff"
            record.session = "0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11"
            change(&record)
            return record
        }
        return [
            record(1) { $0.chain = "main" },
            record(2) {
                $0.agent = "a-1"
                $0.parentAgent = "a-0"
                $0.chain = "main"
                $0.vendor = "a-vendor-with-a-long-name"
                $0.answered = 2
                $0.costNanodollars = nil
                $0.attempts = [
                    Record.Attempt(
                        vendor: "anthropic", failedMicroseconds: 9, status: 529,
                        failure: "status"),
                    Record.Attempt(
                        vendor: "a-vendor-with-a-long-name", model: "claude-haiku-4-5",
                        beganMicroseconds: 10, headMicroseconds: 100_010),
                ]
            },
            record(3) {
                $0.outcome = "client_cancelled"
                $0.usage = Usage()
                $0.usageState = .unknown
                $0.costNanodollars = nil
            },
            record(4) {
                $0.method = "GET"
                $0.session = ""
                $0.model = "模型模型模型模x\u{1B}[31m"
                $0.usage = Usage()
                $0.costNanodollars = nil
                $0.status = 404
            },
        ]
    }()

    private static func store() throws -> (ScratchFolder, Store) {
        let folder = try ScratchFolder("tables")
        let store = try Store(folder: folder.path)
        try store.insert(records)
        return (folder, store)
    }

    private static func options(_ arguments: [String]) throws -> LogsTableOptions {
        try LogsTableOptions.parse(arguments)
    }

    private static func check(_ text: String, _ wanted: String, width: Int? = 80) {
        #expect(text == wanted + "\n")
        guard let width else { return }
        for line in text.split(separator: "\n") {
            #expect(DisplayWidth.of(String(line)) <= width, "\(line)")
        }
    }

    @Test("list")
    func list() throws {
        let (folder, store) = try Self.store()
        defer { _ = folder }
        let stored = try store.records(RecordFilter(), limit: 10)
        let usual = try RecordLine.chosen(Self.options([]))
        Self.check(
            LogsColumn.table(usual, stored, width: 80),
            """
            time            id                          vendor   model        result   total
            11-14 22:17:24  0RQKZ5D0000020000000000004  anthro…  模型模型模…  404      4.5 s
            11-14 22:16:23  0RQKZ5D000001G000000000003  anthro…  claude-son…  client…  4.5 s
            11-14 22:15:22  0RQKZ5D0000010000000000002  a-vend…  claude-son…  200      4.5 s
            11-14 22:14:21  0RQKZ5D000000G000000000001  anthro…  claude-son…  200      4.5 s
            """)
        let wide = try RecordLine.chosen(Self.options(["--wide"]))
        Self.check(
            LogsColumn.table(wide, stored, width: nil),
            """
            time            id                          vendor                     model          \
                         result            content  total     in  out     cost  tries  class      \
                   chain  key               client     session                               agent
            11-14 22:17:24  0RQKZ5D0000020000000000004  anthropic                  \
            模型模型模型模x\\u001B[31m\
               404                420 ms  4.5 s      –    –        –      1  status               \
                00ff00ff00ff00ff  192.0.2.7
            11-14 22:16:23  0RQKZ5D000001G000000000003  anthropic                  claude-sonnet-4\
            -5-20250929  client_cancelled   420 ms  4.5 s      –    –        –      1  client_canc\
            elled         00ff00ff00ff00ff  192.0.2.7  0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11
            11-14 22:15:22  0RQKZ5D0000010000000000002  a-vendor-with-a-long-name  claude-sonnet-4\
            -5-20250929  200                420 ms  4.5 s  12.0k  345        –      2             \
                   main   00ff00ff00ff00ff  192.0.2.7  0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11  a-1
            11-14 22:14:21  0RQKZ5D000000G000000000001  anthropic                  claude-sonnet-4\
            -5-20250929  200                420 ms  4.5 s  12.0k  345  $0.0123      1             \
                   main   00ff00ff00ff00ff  192.0.2.7  0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11
            """, width: nil)
        let chosen = try RecordLine.chosen(
            Self.options(["--columns", "session,status,error_class,end_us"]))
        Self.check(
            LogsColumn.table(chosen, stored, width: 80),
            """
            session                               status  error_class       end_us
                                                  404     status            4500000
            0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11  200     client_cancelled  4500000
            0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11  200                       4500000
            0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11  200                       4500000
            """)
        #expect(throws: ExitCode(2)) {
            try RecordLine.chosen(Self.options(["--columns", "id,colour"]))
        }
    }

    @Test("tail, whose columns do not wait for the rows")
    func tail() throws {
        let (folder, store) = try Self.store()
        defer { _ = folder }
        let stored = try store.records(RecordFilter(), limit: 10)
        for (arguments, wanted) in [
            (
                [],
                """
                time            id                          vendor  model       result     total
                11-14 22:17:24  0RQKZ5D0000020000000000004  anthr…  模型模型…   404        4.5 s
                11-14 22:16:23  0RQKZ5D000001G000000000003  anthr…  claude-so…  clien…     4.5 s
                11-14 22:15:22  0RQKZ5D0000010000000000002  a-ven…  claude-so…  200        4.5 s
                11-14 22:14:21  0RQKZ5D000000G000000000001  anthr…  claude-so…  200        4.5 s
                """
            ),
            (
                ["--wide", "--columns", "time,model,result"],
                """
                time            model                     result
                11-14 22:17:24  模型模型模型模x\\u001B[31m  404
                11-14 22:16:23  claude-sonnet-4-5-20250929  client_cancelled
                11-14 22:15:22  claude-sonnet-4-5-20250929  200
                11-14 22:14:21  claude-sonnet-4-5-20250929  200
                """
            ),
        ] as [([String], String)] {
            let options = try Self.options(arguments)
            let lines = RecordLines(
                try RecordLine.chosen(options), width: options.wide ? nil : 80)
            let text = lines.heading + stored.map(lines.line).joined()
            Self.check(text, wanted, width: options.wide ? nil : 80)
        }
    }

    @Test("stats, by what is asked for")
    func stats() throws {
        let (folder, store) = try Self.store()
        defer { _ = folder }
        func text(_ by: String?, wide: Bool = false) throws -> String {
            let dimensions = try LogsStatsCommand.dimensions(by)
            let lines = try store.statistics(RecordFilter(), by: dimensions)
            let columns = try Self.options(wide ? ["--wide"] : [])
                .chosen(from: StatisticLine.columns(dimensions))
            return LogsColumn.table(columns, lines, width: wide ? nil : 80)
        }
        Self.check(
            try text(nil),
            """
            vendor             model              calls  failed     in  out     cost  priced
            anthropic          claude-sonnet-4-…      2       1  12.0k  345  $0.0123  1 of 2
            a-vendor-with-a-…  claude-sonnet-4-…      1       0  12.0k  345        –  0 of 1
            anthropic          模型模型模型模x\\…      1       1      0    0        –  0 of 0
            """)
        Self.check(
            try text(nil, wide: true),
            """
            vendor                     model                       calls  failed  failovers     in\
              cached  out     cost  priced     p50     p90     p99
            anthropic                  claude-sonnet-4-5-20250929      2       1          0  12.0k\
               11.2k  345  $0.0123  1 of 2  422 ms  422 ms  422 ms
            a-vendor-with-a-long-name  claude-sonnet-4-5-20250929      1       0          1  12.0k\
               11.2k  345        –  0 of 1  422 ms  422 ms  422 ms
            anthropic                  \
            模型模型模型模x\\u001B[31m       1       1          0      0       0  \
              0        –  0 of 0       –       –       –
            """, width: nil)
        Self.check(
            try text("vendor,model,chain,key,session,class"),
            """
            vendor  model   chain  key      session  class    calls  failed     cost  priced
            a-ven…  claud…  main   00ff00…  0b7f6a…  –            1       0        –  0 of 1
            anthr…  claud…  –      00ff00…  0b7f6a…  client…      1       1        –  0 of 1
            anthr…  claud…  main   00ff00…  0b7f6a…  –            1       0  $0.0123  1 of 1
            anthr…  模型…   –      00ff00…  –        status       1       1        –  0 of 0
            """)
        // With all dimensions figures as large as any have room beside them.
        var sums = Rollup()
        (sums.calls, sums.failed, sums.costNanodollars) = (123_456, 123_456, 123_456_000_000_000)
        let all = Dimension.allCases
        let names = all.map { _ in String(repeating: "n", count: 40) }
        let large = LogsColumn.table(
            StatisticLine.columns(all).filter(\.isUsual),
            [Store.Statistic(names: names, sums: sums)], width: 80)
        #expect(large.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(large)")
        #expect(throws: ExitCode(2)) { try LogsStatsCommand.dimensions("vendor,colour") }
        #expect(throws: ExitCode(2)) { try LogsStatsCommand.dimensions("") }
        #expect(try LogsStatsCommand.dimensions("key,key,class") == [.key, .errorClass])
    }

    @Test("stats as a page: whole names, the sums of the table, and nothing that runs")
    func page() throws {
        let (folder, store) = try Self.store()
        defer { _ = folder }
        var lines = try store.statistics(RecordFilter(), by: [.vendor, .model])
        lines[0].names[1] = "<script>alert(\"1\")</script>&"
        let page = StatisticPage(
            dimensions: [.vendor, .model], lines: lines, asked: "text <b>", at: "2026-11-30")
        let html = page.html
        #expect(html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;"))
        #expect(html.contains("text &lt;b&gt; · 2026-11-30"))
        for text in ["<script", "<b>\"", "<link", "<img", "http:", "https:", "url(", " on"] {
            #expect(!html.contains("\(text)=") && !html.contains("<\(text)"), "\(text)")
        }
        #expect(!html.contains("<script"))
        #expect(html.contains("<td>a-vendor-with-a-long-name</td>"))
        #expect(html.contains("<td>1 of 2</td>") && html.contains("<td>$0.0123</td>"))
        #expect(html.contains("<span class=\"value\">2, 1 failed</span>"))
        #expect(
            page.sentence
                == "4 calls, 2 of them failed, 24.0k tokens in and 690 out, "
                + "$0.0123 for 1 of 3 that cost money. "
                + "Half of the answers began within 422 ms, 99 in a hundred within 422 ms.")
        // The longest bar is all of the width; the failed ones are a part of it.
        #expect(
            html.contains("<i style=\"width:100.0%\"></i><i class=\"mark\" style=\"width:50.0%\">"))
    }

    @Test("stats of attempts")
    func attempts() throws {
        let (folder, store) = try Self.store()
        defer { _ = folder }
        let dimensions: [Dimension] = [.vendor, .model]
        let lines = try store.attemptStatistics(RecordFilter(), by: dimensions)
        let columns = AttemptLine.columns(dimensions)
        Self.check(
            LogsColumn.table(columns.filter(\.isUsual), lines, width: 80),
            """
            vendor                model                  attempts  answers  failed  failures
            anthropic             claude-sonnet-4-5-20…         3        2       1  status 1
            a-vendor-with-a-lon…  claude-haiku-4-5              1        1       0
            anthropic             模型模型模型模x\\u001…         1        1       0
            """)
        Self.check(
            LogsColumn.table(columns, lines, width: nil),
            """
            vendor                     model                       attempts  answers  failed  fail\
            ures  head p50  head p90  head p99
            anthropic                  claude-sonnet-4-5-20250929         3        2       1  stat\
            us 1    348 ms    348 ms    348 ms
            a-vendor-with-a-long-name  claude-haiku-4-5                   1        1       0      \
                     99 ms     99 ms     99 ms
            anthropic                  \
            模型模型模型模x\\u001B[31m          1        1       0              34\
            8 ms    348 ms    348 ms
            """, width: nil)
        let json = lines.map { "\(AttemptLine.json($0, dimensions))\n" }.joined()
        Self.check(
            json,
            #"""
            {"vendor":"anthropic","model":"claude-sonnet-4-5-20250929","attempts":3,"answers":2,"f\#
            ailed":1,"failures":{"status":1},"head_us_p50":348160,"head_us_p90":348160,"head_us_p9\#
            9":348160}
            {"vendor":"a-vendor-with-a-long-name","model":"claude-haiku-4-5","attempts":1,"answers\#
            ":1,"failed":0,"failures":{},"head_us_p50":99328,"head_us_p90":99328,"head_us_p99":993\#
            28}
            {"vendor":"anthropic","model":"模型模型模型模x\u001b[31m","attempts":1,"answers":1,"failed"\#
            :0,"failures":{},"head_us_p50":348160,"head_us_p90":348160,"head_us_p99":348160}
            """#, width: nil)
    }

    @Test("sessions")
    func sessions() throws {
        let (folder, store) = try Self.store()
        defer { _ = folder }
        let columns = try Self.options([]).chosen(from: SessionLine.columns(withCalls: false))
        let bare = try store.sessions(RecordFilter(), limit: 5)
        Self.check(
            LogsColumn.table(columns, bare.flatMap(SessionLine.lines), width: 80),
            """
            session           calls  errors     in  out  cache     cost  priced  last
            0b7f6a3e-77d2-4…      3  1       24.0k  690   93 %  $0.0123  1 of 3  11-14 22:16
              (main)              2  1       12.0k  345   93 %  $0.0123  1 of 2  11-14 22:16
              a-1 of a-0          1  0       12.0k  345   93 %        –  0 of 1  11-14 22:15
            """)
        let whole = try store.sessions(RecordFilter(), limit: 5, withCalls: true)
        let few = try Self.options([]).chosen(from: SessionLine.columns(withCalls: true))
        Self.check(
            LogsColumn.table(few, whole.flatMap(SessionLine.lines), width: 80),
            """
            session                               errors            in  out     cost  priced
            0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11  1              24.0k  690  $0.0123  1 of 3
              (main)                              1              12.0k  345  $0.0123  1 of 2
                0RQKZ5D000000G000000000001        –              12.0k  345  $0.0123  1 of 1
                0RQKZ5D000001G000000000003        client_cance…      0    0        –  0 of 1
              a-1 of a-0                          0              12.0k  345        –  0 of 1
                0RQKZ5D0000010000000000002        –              12.0k  345        –  0 of 1
            """)
        Self.check(
            LogsColumn.table(
                SessionLine.columns(withCalls: true), whole.flatMap(SessionLine.lines), width: nil),
            """
            session                               calls  errors               in  out  cache     c\
            ost  priced  from            to              last
            0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11      3  1                 24.0k  690   93 %  $0.0\
            123  1 of 3  11-14 22:14:21  11-14 22:16:27  11-14 22:16
              (main)                                  2  1                 12.0k  345   93 %  $0.0\
            123  1 of 2  11-14 22:14:21  11-14 22:16:27  11-14 22:16
                0RQKZ5D000000G000000000001            1  –                 12.0k  345   93 %  $0.0\
            123  1 of 1  11-14 22:14:21  11-14 22:14:25  11-14 22:14
                0RQKZ5D000001G000000000003            1  client_cancelled      0    0      –      \
              –  0 of 1  11-14 22:16:23  11-14 22:16:27  11-14 22:16
              a-1 of a-0                              1  0                 12.0k  345   93 %      \
              –  0 of 1  11-14 22:15:22  11-14 22:15:26  11-14 22:15
                0RQKZ5D0000010000000000002            1  –                 12.0k  345   93 %      \
              –  0 of 1  11-14 22:15:22  11-14 22:15:26  11-14 22:15
            """, width: nil)
        Self.check(
            whole.map { "\(SessionLine.json($0))\n" }.joined(),
            #"""
            {"session":"0b7f6a3e-77d2-4f0e-9d53-0e8f5a4d1c11","from":"2023-11-14T22:14:21.000Z","t\#
            o":"2023-11-14T22:16:27.500Z","calls":3,"failed":1,"failovers":1,"input_tokens":24000,\#
            "cache_read_tokens":22320,"output_tokens":690,"reasoning_tokens":0,"without_usage":1,"\#
            cost_usd":0.012345678,"priced":1,"billed":3,"without_cost":2,"content_us_p50":421888,"\#
            content_us_p90":421888,"content_us_p99":421888,"agents":[{"agent":"","from":"2023-11-1\#
            4T22:14:21.000Z","to":"2023-11-14T22:16:27.500Z","calls":2,"failed":1,"failovers":0,"i\#
            nput_tokens":12000,"cache_read_tokens":11160,"output_tokens":345,"reasoning_tokens":0,\#
            "without_usage":1,"cost_usd":0.012345678,"priced":1,"billed":2,"without_cost":1,"conte\#
            nt_us_p50":421888,"content_us_p90":421888,"content_us_p99":421888,"ids":["0RQKZ5D00000\#
            0G000000000001","0RQKZ5D000001G000000000003"]},{"agent":"a-1","parent_agent":"a-0","fr\#
            om":"2023-11-14T22:15:22.000Z","to":"2023-11-14T22:15:26.500Z","calls":1,"failed":0,"f\#
            ailovers":1,"input_tokens":12000,"cache_read_tokens":11160,"output_tokens":345,"reason\#
            ing_tokens":0,"without_usage":0,"cost_usd":null,"priced":0,"billed":1,"without_cost":1\#
            ,"content_us_p50":421888,"content_us_p90":421888,"content_us_p99":421888,"ids":["0RQKZ\#
            5D0000010000000000002"]}]}
            """#, width: nil)
    }

    @Test("the text of `forget` says what repeats what was erased")
    func forgotten() {
        #expect(
            LogsForgetCommand.report(erased: 1, later: []) == "erased the text of 1 exchange\n")
        let later = (0..<22).map { "ID\($0)" }
        let lines = LogsForgetCommand.report(erased: 2, later: later).split(separator: "\n")
        #expect(lines.first == "erased the text of 2 exchanges")
        #expect(lines.count == 24 && lines.last == "  and 2 more")
        #expect(lines.allSatisfy { $0.count <= 80 })
    }
}
