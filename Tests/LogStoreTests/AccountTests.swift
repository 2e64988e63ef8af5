import Codings
import Dialects
import ExchangeCore
import JSON
import Primitives
import Support
import Telemetry
import Testing

@testable import LogStore

@Suite("Accounts of tokens and cost")
struct AccountTests {
    private static func record(
        _ scratch: RecordScratch, _ call: RecordScratch.Call
    ) throws -> LogStore.Record {
        scratch.append(call)
        return try #require(scratch.assemble().first)
    }

    private static func stream(_ data: [String]) -> [UInt8] {
        Array(data.map { "data: \($0)\n\n" }.joined().utf8)
    }

    @Test("a stream that its client cut is unknown, and one whose account came before is not")
    func cut() throws {
        let scratch = try RecordScratch()
        let chunk =
            #"{"choices":[{"delta":{"content":"a"}}],"#
            + #""usage":{"prompt_tokens":3,"completion_tokens":1}}"#
        let start =
            #"{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}"#
        let delta =
            #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"#
            + #""usage":{"output_tokens":7}}"#
        let part =
            #"{"candidates":[{"content":{}}],"#
            + #""usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1}}"#
        let finish = #"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#
        let alone = #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#
        let cases: [(Dialect, String, [String], Int?)] = [
            (.anthropic, "/v1/messages", [start], nil),
            (.anthropic, "/v1/messages", [start, delta], 7),
            (.openai, "/v1/chat/completions", [chunk], nil),
            (.openai, "/v1/chat/completions", [finish, alone], 5),
            (.gemini, "/v1beta/models/m:streamGenerateContent?alt=sse", [part], nil),
        ]
        for outcome in [Outcome.clientCancelled, .truncated, .timeoutIdle] {
            for (dialect, target, events, output) in cases {
                var call = RecordScratch.Call()
                call.dialect = dialect.number
                call.target = target
                call.outcome = outcome
                call.pieces = [Self.stream(events)]
                let record = try Self.record(scratch, call)
                #expect(record.usage.output == output, "\(outcome) \(target) \(events.count)")
                #expect((record.usageState == .reported) == (output != nil))
                #expect(record.usage.input == nil || output != nil)
                // The vendor's own words are kept: they are what is known.
                #expect(!record.usageText.isEmpty)
            }
        }
    }

    @Test("lines and lists that are cut are no account either")
    func cutBodies() throws {
        let scratch = try RecordScratch()
        let list =
            #"[{"candidates":[{"content":{}}],"#
            + #""usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1}}"#
        for outcome in [Outcome.complete, .clientCancelled] {
            var call = RecordScratch.Call()
            call.isStream = false
            call.dialect = Dialect.gemini.number
            call.target = "/v1beta/models/m:streamGenerateContent"
            call.outcome = outcome
            call.pieces = [Array(list.utf8)]
            #expect(try Self.record(scratch, call).usageState == .unknown)
        }
        var call = RecordScratch.Call()
        call.isStream = false
        call.outcome = .clientCancelled
        call.pieces = [Array(#"{"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}"#.utf8)]
        #expect(try Self.record(scratch, call).usage.input == 3)
    }

    private static let answer = Array(
        #"{"model":"m-2","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#.utf8)

    // `answer`, as a zstd encoder wrote it.
    private static let zstd: [UInt8] = [
        0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x58, 0x3D, 0x02, 0x00, 0x52, 0x84, 0x0F, 0x16, 0x90,
        0x3B, 0x07, 0xA2, 0x90, 0x08, 0x29, 0x91, 0x0C, 0xF3, 0x27, 0xFB, 0x7F, 0x76, 0x3F,
        0x52, 0xEA, 0x58, 0x8D, 0xB1, 0x2B, 0x4A, 0xEF, 0x09, 0xEA, 0xA8, 0x69, 0x5A, 0xFB,
        0x63, 0x1C, 0xD2, 0x4C, 0xE9, 0xF2, 0x66, 0xB4, 0xB5, 0x67, 0x96, 0x5D, 0x5A, 0x93,
        0x83, 0x35, 0xC6, 0x82, 0x48, 0x33, 0x3D, 0xE8, 0xCA, 0x31, 0x3A, 0x00, 0xD6, 0xE9,
        0xA4, 0xC8, 0xD7, 0x2E, 0x01, 0x00, 0x42, 0x16, 0x33, 0x0A, 0x55, 0x9A, 0x24, 0x5E,
    ]

    // `answer` as plain deflate, without zlib's wrapper.
    private static func rawDeflate() throws -> [UInt8] {
        Array(try #require(Gzip.compress(answer, isWrapped: false)).dropFirst(2).dropLast(4))
    }

    private typealias Coded = (encoding: String, name: String, body: [UInt8], isKnown: Bool)

    @Test("every coding is undone to its end, and an answer that lacks it is unknown")
    func codings() throws {
        let scratch = try RecordScratch()
        let gzip = try #require(Gzip.compress(Self.answer))
        let wrapped = try #require(Gzip.compress(Self.answer, isWrapped: false))
        let half = Self.answer.count / 2
        let first = try #require(Gzip.compress(Array(Self.answer[..<half])))
        let second = try #require(Gzip.compress(Array(Self.answer[half...])))
        let raw = try Self.rawDeflate()
        var cases: [Coded] = []
        func add(_ encoding: String, _ name: String, _ body: [UInt8], _ isKnown: Bool) {
            cases.append((encoding, name, body, isKnown))
        }
        func cut(_ body: [UInt8], _ count: Int) -> [UInt8] { Array(body.dropLast(count)) }
        add("gzip", "whole", gzip, true)
        add("deflate", "whole", wrapped, true)
        add("deflate", "raw", raw, true)
        add("zstd", "whole", Self.zstd, true)
        add("identity", "plain", Self.answer, true)
        add("", "plain", Self.answer, true)
        add("gzip", "two members", first + second, true)
        add("gzip", "a second member that is cut", gzip + Array(gzip.prefix(20)), false)
        add("gzip", "a second member that is damaged", gzip + gzip.reversed(), false)
        add("gzip", "rubbish behind", gzip + [1, 2, 3], false)
        add("gzip", "a byte behind", gzip + [0x1F], false)
        add("gzip", "no trailer", cut(gzip, 8), false)
        add("gzip", "half a trailer", cut(gzip, 4), false)
        add("deflate", "cut", cut(wrapped, 2), false)
        add("deflate", "rubbish behind", wrapped + [0], false)
        add("deflate", "raw, cut", cut(raw, 1), false)
        add("zstd", "cut", cut(Self.zstd, 1), false)
        add("zstd", "rubbish behind", Self.zstd + [1, 2], false)
        add("lzma", "unknown", Self.answer, false)
        for (encoding, what, body, isKnown) in cases {
            for pieces in [[body]] + ByteSplits.all(body) {
                var call = RecordScratch.Call()
                call.isStream = false
                call.encoding = encoding
                call.pieces = pieces
                let record = try Self.record(scratch, call)
                #expect((record.usageState == .reported) == isKnown, "\(encoding), \(what)")
                #expect((record.usage.input == 7) == isKnown, "\(encoding), \(what)")
            }
        }
    }

    @Test("answers of any size are read, plain and encoded")
    func large() throws {
        let scratch = try RecordScratch(journalBytes: 64 << 20)
        var random = RandomSource(seed: 9)
        let vectors = (0..<2048).map { index in
            let numbers = (0..<64).map { _ in "\(Int.random(in: 0...999_999, using: &random))e-6" }
            return
                #"{"object":"embedding","index":\#(index),"#
                + #""embedding":[\#(numbers.joined(separator: ","))]}"#
        }
        let embeddings =
            #"{"object":"list","data":[\#(vectors.joined(separator: ","))],"model":"m-1","#
            + #""usage":{"prompt_tokens":8192,"total_tokens":8192}}"#
        let picture = String(repeating: "iVBORw0KGgoAAAANSUhEUg", count: 100_000)
        let pictures =
            #"{"created":1,"data":[{"b64_json":"\#(picture)"},{"b64_json":"\#(picture)"}],"#
            + #""usage":{"input_tokens":50,"output_tokens":8192,"total_tokens":8242}}"#
        let gemini =
            #"{"candidates":[{"content":{"parts":[{"inlineData":{"data":"\#(picture)"}}]},"#
            + #""finishReason":"STOP"}],"#
            + #""usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":9}}"#
        let cases: [(Dialect, String, String, Int)] = [
            (.openai, "/v1/embeddings", embeddings, 8192),
            (.openai, "/v1/images/generations", pictures, 50),
            (.gemini, "/v1beta/models/m:generateContent", gemini, 3),
        ]
        for (dialect, target, text, input) in cases {
            #expect(text.utf8.count > 1 << 20)
            for encoding in ["", "gzip"] {
                let plain = Array(text.utf8)
                let body = encoding.isEmpty ? plain : try #require(Gzip.compress(plain))
                var call = RecordScratch.Call()
                call.isStream = false
                call.dialect = dialect.number
                call.target = target
                call.encoding = encoding
                call.pieces = stride(from: 0, to: body.count, by: 60_000).map {
                    Array(body[$0..<min($0 + 60_000, body.count)])
                }
                let record = try Self.record(scratch, call)
                #expect(record.usage.input == input, "\(target)")
                if target.contains("images") { #expect(record.usage.imageOutput == 8192) }
            }
        }
    }

    @Test("what a vendor says that a call cost, it cost, by no table's prices")
    func stated() throws {
        let scratch = try RecordScratch()
        var call = RecordScratch.Call()
        call.isStream = false
        call.pieces = [
            Array(
                #"{"model":"m","choices":[],"usage":{"prompt_tokens":1,"cost":0.5}}"#.utf8)
        ]
        let record = try Self.record(scratch, call)
        #expect(record.costNanodollars == 500_000_000 && record.priceVersion == "vendor")
        var price = PriceTable.Price()
        price.set(.input, 7)
        let table = try PriceTable(version: "v", globs: [("*", price)], file: nil)
        #expect(record.repriced(by: table) == record)
        var rollup = Rollup()
        rollup.add(record)
        #expect(rollup.costNanodollars == 500_000_000 && rollup.withoutCost == 0)
        call.pieces = [Array(#"{"choices":[],"usage":{"cost":0.25}}"#.utf8)]
        let alone = try Self.record(scratch, call)
        #expect(alone.usageState == .unknown && alone.costNanodollars == 250_000_000)
    }

    @Test("what is only asked for again has no cost and is in no sum")
    func unbilled() throws {
        let scratch = try RecordScratch()
        var call = RecordScratch.Call()
        call.isStream = false
        call.target = "/v1/responses/resp_1/cancel"
        call.pieces = [
            Array(
                (#"{"object":"response","model":"m","status":"cancelled","#
                    + #""usage":{"input_tokens":5,"output_tokens":6,"cost":0.5}}"#).utf8)
        ]
        let record = try Self.record(scratch, call)
        #expect(record.usageState == .reported && record.usage.output == 6)
        #expect(!record.isBilled && record.costNanodollars == nil && record.priceVersion.isEmpty)
        var price = PriceTable.Price()
        price.set(.input, 7)
        let table = try PriceTable(version: "v", globs: [("*", price)], file: nil)
        #expect(table.nanodollars(for: record) == nil)
        #expect(record.repriced(by: table).costNanodollars == nil)
        var rollup = Rollup()
        rollup.add(record)
        #expect(rollup.calls == 1 && rollup.withoutUsage == 0 && rollup.withoutCost == 1)
        #expect(rollup.inputTokens == 0 && rollup.outputTokens == 0 && rollup.costNanodollars == 0)
    }

    @Test("a background response is unknown where it is created, and free where it is asked for")
    func background() throws {
        let scratch = try RecordScratch()
        var call = RecordScratch.Call()
        call.isStream = false
        call.target = "/v1/responses"
        call.request = Array(#"{"model":"m-1","background":true}"#.utf8)
        call.pieces = [Array(#"{"object":"response","status":"queued","usage":null}"#.utf8)]
        let created = try Self.record(scratch, call)
        #expect(created.isBilled && created.usageState == .unknown)
        #expect(created.costNanodollars == nil)
    }

    @Test("images, tiers and vendors' costs come back from the store as they went in")
    func stored() throws {
        let scratch = try RecordScratch()
        let (_, store) = try scratch.consumer()
        var record = LogStore.Record(Identifier(high: 0, low: 7))
        record.usageState = .reported
        record.usage.imageInput = 4
        record.usage.imageOutput = 5
        record.serviceTier = .flex
        record.costNanodollars = 9
        record.priceVersion = LogStore.Record.statedByVendor
        try store.insert([record])
        let found = try #require(try store.records(RecordFilter(), limit: 1).first)
        #expect(found.record.usage == record.usage && found.record.serviceTier == .flex)
        #expect(found.record.priceVersion == "vendor" && found.record.costNanodollars == 9)
        let json = found.json(withBodies: false)
        #expect(json["service_tier"]?.text == "flex" && json["image_input_tokens"]?.integer == 4)
    }
}
