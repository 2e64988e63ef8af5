import Codings
import Dialects
import JSON
import Primitives
import Testing
import Transfers

@testable import LogStore
@testable import Sinks

/// Tables of these columns are on other people's servers, and rows must go on fitting into them.
@Suite("ClickHouse's table")
struct ClickHouseRowsTests {
    private static let isPrepared = Curl.initialize()

    private static func fill(_ record: inout Record) {
        record.dialect = .gemini
        record.chain = "main"
        record.answeringModel = "m-2"
        record.key = "00ff"
        record.attempts = [
            Record.Attempt(vendor: "a", beganMicroseconds: 1, headMicroseconds: 2, status: 429)
        ]
        record.answered = 1
        record.requestMicroseconds = 5
        record.headMicroseconds = 6
        record.contentMicroseconds = 7
        record.lastByteMicroseconds = 8
        record.isStream = true
        record.requestBytes = 10
        record.responseBytes = 11
        record.usage.input = 12
        record.usage.output = 13
        record.usage.cacheRead = 14
        record.usage.cacheWrite = 15
        record.usage.cacheWriteLong = 16
        record.usage.reasoning = 17
        record.usage.audioInput = 18
        record.usage.audioOutput = 19
        record.usageState = .reported
        record.usageText = "{ \"a\": 1 }"
        record.finishReason = "stop"
        record.errorKind = "kind"
        record.errorMessage = "message"
        record.costNanodollars = 1_234_567
        record.priceVersion = "p"
        record.droppedFrames = 21
        record.trace = "t"
        record.requestFields = "a: b\r\n"
        record.responseFields = "c: d\r\n"
        record.requestBody = Record.Body(bytes: Array("{}".utf8), totalBytes: 10)
        record.responseBody = Record.Body(bytes: [0xFF], totalBytes: 1)
    }

    /// The statement that makes the table, and the rows.
    private static func sent(withBodies: Bool) throws -> (statement: String, rows: [String]) {
        try #require(isPrepared)
        let receiver = try Receiver(Receiver.answer(200))
        let scratch = try SinkScratch()
        try scratch.fill(1...1, fill)
        try scratch.fill(2...2)
        let remote = try Remote(
            url: "http://127.0.0.1:\(receiver.port)", fields: [], timeout: .seconds(5), trust: nil)
        var sink = ClickHouseSink(
            remote: remote, database: "d", table: "t", user: "u", password: nil,
            withBodies: withBodies)
        let delivery = sink.deliver(try scratch.stored(withBodies: withBodies))
        try #require(delivery == .delivered)
        let requests = receiver.requests
        try #require(requests.count == 2)
        let query = requests[0].head.split(separator: "query=")[1].prefix { $0 != " " }
        let text = try #require(Gzip.decompress(requests[1].body))
        let rows = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
        return (unescape(query), rows)
    }

    private static func unescape(_ query: Substring) -> String {
        let parts = query.split(separator: "%", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(into: String(parts[0])) { text, part in
            let code = UInt8(part.prefix(2), radix: 16) ?? 0
            text += String(Unicode.Scalar(code)) + part.dropFirst(2)
        }
    }

    private static let table = #"""
        CREATE TABLE IF NOT EXISTS d.t (id String, time DateTime, time_us Int64, outcome \#
        String, status UInt16, method String, target String, dialect String, chain String, \#
        vendor String, model String, answering_model String, key String, stream UInt8, \#
        attempts String, attempt_count UInt8, request_us Int64, head_us Nullable(Int64), \#
        content_us Nullable(Int64), last_byte_us Nullable(Int64), end_us Int64, request_bytes \#
        Int64, response_bytes Int64, usage_state String, usage String, input_tokens \#
        Nullable(Int64), output_tokens Nullable(Int64), cache_read_tokens Nullable(Int64), \#
        cache_write_tokens Nullable(Int64), cache_write_long_tokens Nullable(Int64), \#
        reasoning_tokens Nullable(Int64), audio_input_tokens Nullable(Int64), \#
        audio_output_tokens Nullable(Int64), cost_nanodollars Nullable(Int64), price_version \#
        String, finish_reason String, error_kind String, error_message String, dropped_frames \#
        UInt32, trace String, request_fields String, request_body String, response_fields \#
        String, response_body String) ENGINE = ReplacingMergeTree() PARTITION BY \#
        toYYYYMM(time) ORDER BY (time, id)
        """#

    private static let full = #"""
        {"id":"0000000000000G000000000001","time":1700000000,"time_us":1700000000000001,\#
        "outcome":"complete","status":200,"method":"POST","target":"/v1/chat/completions",\#
        "dialect":"gemini","chain":"main","vendor":"openai","model":"m-1",\#
        "answering_model":"m-2","key":"00ff","stream":1,"attempts":"[{\"vendor\":\"a\",\#
        \"began_us\":1,\"head_us\":2,\"status\":429}]","attempt_count":1,"request_us":5,\#
        "head_us":6,"content_us":7,"last_byte_us":8,"end_us":5000,"request_bytes":10,\#
        "response_bytes":11,"usage_state":"reported","usage":"{ \"a\": 1 }","input_tokens":12,\#
        "output_tokens":13,"cache_read_tokens":14,"cache_write_tokens":15,\#
        "cache_write_long_tokens":16,"reasoning_tokens":17,"audio_input_tokens":18,\#
        "audio_output_tokens":19,"cost_nanodollars":1234567,"price_version":"p",\#
        "finish_reason":"stop","error_kind":"kind","error_message":"message",\#
        "dropped_frames":21,"trace":"t"
        """#

    private static let bodies = #"""
        ,"request_fields":"a: b\r\n","request_body":"{}","response_fields":"c: d\r\n",\#
        "response_body":"�"}
        """#

    private static let bare = #"""
        {"id":"00000000000010000000000002","time":1700000000,"time_us":1700000000000002,\#
        "outcome":"complete","status":200,"method":"POST","target":"/v1/chat/completions",\#
        "dialect":"openai","chain":"","vendor":"openai","model":"m-2","answering_model":"",\#
        "key":"","stream":0,"attempts":"[]","attempt_count":0,"request_us":0,"head_us":null,\#
        "content_us":null,"last_byte_us":null,"end_us":5000,"request_bytes":0,\#
        "response_bytes":0,"usage_state":"unknown","usage":"","input_tokens":null,\#
        "output_tokens":null,"cache_read_tokens":null,"cache_write_tokens":null,\#
        "cache_write_long_tokens":null,"reasoning_tokens":null,"audio_input_tokens":null,\#
        "audio_output_tokens":null,"cost_nanodollars":null,"price_version":"",\#
        "finish_reason":"","error_kind":"","error_message":"","dropped_frames":0,"trace":""
        """#

    private static let emptyBodies = #"""
        ,"request_fields":"","request_body":"","response_fields":"","response_body":""}
        """#

    @Test("has these columns and is given these rows, with bodies", arguments: [true, false])
    func rows(withBodies: Bool) throws {
        let sent = try Self.sent(withBodies: withBodies)
        #expect(sent.statement == Self.table)
        try #require(sent.rows.count == 2)
        #expect(sent.rows[0] == Self.full + (withBodies ? Self.bodies : "}"))
        #expect(sent.rows[1] == Self.bare + (withBodies ? Self.emptyBodies : "}"))
    }
}
