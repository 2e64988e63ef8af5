import Codings
import Dialects
import Glibc
import Journal
import Primitives
import Support
import Telemetry
import Testing

@testable import LogStore

@Suite("Assembly")
struct AssemblyTests {
    private static func call(_ sample: AnswerSample, _ pieces: [[UInt8]]) -> RecordScratch.Call {
        var call = RecordScratch.Call()
        call.dialect = Dialect(rawValue: sample.dialect)?.number ?? 0
        call.target =
            switch sample.dialect {
            case "anthropic": "/v1/messages"
            case "gemini": "/v1beta/models/m-1:streamGenerateContent?alt=sse"
            default: "/v1/chat/completions"
            }
        call.isStream = sample.isStream
        call.pieces = pieces
        return call
    }

    @Test(
        "a record says what the vendor said, however it was cut",
        arguments: QuickRun.sample(AnswerSample.all, every: 4))
    func truth(_ sample: AnswerSample) throws {
        let scratch = try RecordScratch()
        // What was said before a stream broke off is no account of it.
        let isKnown = sample.input != nil && (!sample.isStream || sample.isWhole)
        let ways = ByteSplits.all(sample.body)
        for index in [0, 1] + stride(from: 2, to: ways.count, by: 7) {
            let pieces = ways[index]
            scratch.append(Self.call(sample, pieces))
            let record = try #require(scratch.assemble().first)
            #expect(record.responseBody.bytes == sample.body)
            #expect(record.responseBody.totalBytes == sample.body.count)
            #expect(record.answeringModel == sample.model)
            #expect(record.finishReason == sample.finishReason)
            #expect(record.errorKind == sample.errorKind)
            #expect(record.usage.input == (isKnown ? sample.input : nil))
            #expect(record.usage.output == (isKnown ? sample.output : nil))
            #expect(record.usage.cacheRead == (isKnown ? sample.cacheRead : nil))
            #expect(record.usage.cacheWrite == (isKnown ? sample.cacheWrite : nil))
            #expect(record.usage.cacheWriteLong == (isKnown ? sample.cacheWriteLong : nil))
            #expect(record.usage.reasoning == (isKnown ? sample.reasoning : nil))
            #expect((record.usageState == .reported) == isKnown)
            #expect(record.costNanodollars == sample.nanodollars)
            #expect(record.serviceTier.rawValue == sample.tier)
            let isWhole = !sample.isStream || sample.isWhole
            #expect(record.outcome == (isWhole ? "complete" : "truncated"))
        }
    }

    @Test("a stream of which no marker is known ends with its end")
    func unmarked() throws {
        let scratch = try RecordScratch()
        for (target, outcome) in [
            ("/v1/audio/speech", "complete"), ("/a/v1/chat/completions?x=1", "truncated"),
        ] {
            var call = RecordScratch.Call()
            call.target = target
            call.pieces = [Array("data: {\"type\":\"speech.audio.delta\"}\n\n".utf8)]
            scratch.append(call)
            #expect(try #require(scratch.assemble().first).outcome == outcome, "\(target)")
        }
    }

    @Test("a stream in which one choice has ended and another goes on is not at its end")
    func choices() throws {
        let scratch = try RecordScratch()
        let openAI = [
            #"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#,
            #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"index":1,"delta":{"content":"b"}}]}"#,
            #"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}"#,
            #"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
        ]
        let gemini = [
            #"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#,
            #"{"candidates":[{"finishReason":"STOP"}]}"#,
            #"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]}}]}"#,
            #"{"candidates":[{"index":1,"finishReason":"STOP"}]}"#,
            #"{"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}"#,
        ]
        for (dialect, target, events) in [
            (Dialect.openai, "/v1/chat/completions", openAI),
            (.gemini, "/v1beta/models/m:streamGenerateContent?alt=sse", gemini),
        ] {
            for end in events.indices {
                var call = RecordScratch.Call()
                call.dialect = dialect.number
                call.target = target
                call.pieces = events[...end].map { Array("data: \($0)\n\n".utf8) }
                scratch.append(call)
                let outcome = try #require(scratch.assemble().first).outcome
                let isWhole = end == 1 || end >= 3
                #expect(outcome == (isWhole ? "complete" : "truncated"), "\(dialect) \(end)")
            }
        }
    }

    @Test("the times are from the request's first byte")
    func times() throws {
        let scratch = try RecordScratch()
        var call = RecordScratch.Call()
        call.pieces = [
            Array("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".utf8),
            Array("data: [DONE]\n\n".utf8),
        ]
        let open = try #require(scratch.append(call))
        let record = try #require(scratch.assemble().first)
        #expect(record.identifier == open.identifier)
        #expect(record.acceptedMicroseconds == call.accepted * 1000)
        #expect(record.contentMicroseconds == 2000)
        #expect(record.endMicroseconds == 4000)
        #expect(record.model == "m-1" && record.key == "000000000000abcd")
        #expect(record.attempts.map(\.vendor) == ["openai"])
        #expect(record.attempts.first?.headMicroseconds == 1000)
    }

    private static let answer =
        Array(
            #"{"model":"m-2","choices":[{"finish_reason":"stop"}],"#.utf8)
        + Array(#""usage":{"prompt_tokens":7,"completion_tokens":3}}"#.utf8)

    // `answer`, as a brotli encoder wrote it.
    private static let brotli: [UInt8] = [
        0x1B, 0x65, 0x00, 0x10, 0x8C, 0xD3, 0x15, 0xF3, 0x23, 0x94, 0x71, 0x8F, 0xA0, 0x6D,
        0xA6, 0x7E, 0xF9, 0x2D, 0x1A, 0x6C, 0x41, 0xC4, 0x90, 0x44, 0xD9, 0xD6, 0x9E, 0x95,
        0x4E, 0x9F, 0x1B, 0x1C, 0x38, 0x26, 0x59, 0x16, 0x68, 0x81, 0x86, 0x3E, 0xF8, 0x1E,
        0x70, 0xD3, 0x5A, 0x13, 0x86, 0xA1, 0x44, 0x2C, 0x76, 0xA9, 0xC2, 0xC7, 0x32, 0xD2,
        0x24, 0x2E, 0xB5, 0x91, 0x12, 0x67, 0x70, 0x7D, 0xA4, 0xFB, 0x9C, 0x7D, 0xBF, 0x55,
        0x73, 0xBC, 0xF4, 0x30, 0x0B, 0xC8, 0xED, 0x0F,
    ]

    private static func body(_ encoding: String) throws -> [UInt8] {
        if encoding == "br" { return brotli }
        return try #require(Gzip.compress(answer, isWrapped: encoding == "gzip"))
    }

    @Test(
        "encoded answers are read on the side and kept as they came",
        arguments: ["gzip", "deflate", "br"])
    func encoded(_ encoding: String) throws {
        let body = try Self.body(encoding)
        let scratch = try RecordScratch()
        for pieces in ByteSplits.all(body) {
            var call = RecordScratch.Call()
            call.isStream = false
            call.encoding = encoding
            call.pieces = pieces
            scratch.append(call)
            let record = try #require(scratch.assemble().first)
            #expect(record.responseBody.bytes == body)
            #expect(record.usage.input == 7 && record.usage.output == 3)
            #expect(record.answeringModel == "m-2")
        }
    }

    @Test("a broken encoding, or one that is unknown, leaves usage unknown")
    func brokenEncodings() throws {
        let scratch = try RecordScratch()
        var random = RandomSource(seed: 4)
        for encoding in ["gzip", "deflate", "br", "zstd", "x"] {
            for _ in 0..<100 {
                var call = RecordScratch.Call()
                call.isStream = false
                call.encoding = encoding
                var body = (try? Self.body(encoding)) ?? Self.answer
                for _ in 0..<3 {
                    let index = Int.random(in: 0..<body.count, using: &random)
                    body[index] ^= UInt8.random(in: 1...255, using: &random)
                }
                call.pieces = ByteSplits.random(body, using: &random)
                scratch.append(call)
                let record = try #require(scratch.assemble().first)
                #expect(record.responseBody.bytes == body && record.outcome == "complete")
                if encoding == "zstd" { #expect(record.usageState == .unknown) }
            }
        }
    }

    @Test("a few bytes that stand for gigabytes are given up, not followed")
    func bomb() throws {
        let zeros = [UInt8](repeating: 0x20, count: 100 << 20)
        let body = try #require(Gzip.compress(zeros))
        #expect(body.count < 1 << 20)
        let scratch = try RecordScratch()
        var call = RecordScratch.Call()
        call.isStream = false
        call.encoding = "gzip"
        call.pieces = [body]
        scratch.append(call)
        let record = try #require(scratch.assemble().first)
        #expect(record.usageState == .unknown && record.responseBytes == body.count)
    }

    @Test("bodies beyond the limit are cut and say so; what they report is read all the same")
    func cut() throws {
        let scratch = try RecordScratch()
        var call = RecordScratch.Call()
        call.request = [UInt8](repeating: 0x61, count: 5000)
        let padding = String(repeating: "x", count: 4000)
        call.pieces = [
            Array("data: {\"choices\":[{\"delta\":{\"content\":\"\(padding)\"}}]}\n\n".utf8),
            Array("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,".utf8),
            Array("\"completion_tokens\":2}}\n\ndata: [DONE]\n\n".utf8),
        ]
        scratch.append(call)
        let record = try #require(scratch.assemble(capture: Capture(bytesMax: 1000)).first)
        #expect(record.requestBody.bytes.count == 1000 && record.requestBody.isCut)
        #expect(record.requestBody.totalBytes == 5000)
        #expect(record.responseBody.bytes.count == 1000 && record.responseBody.isCut)
        #expect(record.usage.input == 1 && record.usage.output == 2)
    }

    @Test("without capture a vendor's words are kept where they are names, and no sentences")
    func names() throws {
        for (word, isKept) in [("gpt-4o:x/y", true), ("say canary aloud", false)] {
            let scratch = try RecordScratch()
            var call = RecordScratch.Call()
            call.isStream = false
            let text =
                "{\"id\":\"1\",\"model\":\"\(word)\",\"choices\":[{"
                + "\"message\":{\"content\":\"canary\"},"
                + "\"finish_reason\":\"\(isKept ? "stop" : word)\"}],"
                + "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
                + "\"service_tier\":\"\(word)\"}}"
            call.pieces = [Array(text.utf8)]
            scratch.append(call)
            let record = try #require(scratch.assemble(capture: Capture(bytesMax: 0)).first)
            #expect(record.answeringModel == (isKept ? word : ""))
            #expect(record.finishReason == (isKept ? "stop" : "other"))
            #expect(record.usage.output == 2)
            #expect(record.usageText == #"{"prompt_tokens":1,"completion_tokens":2}"#)
            #expect(!"\(record)".contains("canary"))
        }
    }

    @Test("where a piece found no room nothing is guessed")
    func gap() throws {
        let scratch = try RecordScratch(journalBytes: 64 << 10)
        var call = RecordScratch.Call()
        let usage = "data: {\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
        call.pieces = [Array(usage.utf8)] + [[UInt8](repeating: 0x61, count: 60 << 10)]
        let open = try #require(scratch.append(call))
        let record = try #require(scratch.assemble().first)
        #expect(record.identifier == open.identifier)
        #expect(record.usageState == .unknown && record.usage.isEmpty)
        #expect(record.responseBody.isCut)
    }

    @Test("a settlement alone is a record")
    func settlementAlone() throws {
        let scratch = try RecordScratch()
        let call = RecordScratch.Call()
        let open = try #require(scratch.begin(call))
        // What came before is damaged, say.
        let assembly = Assembly(
            journal: "j", exchange: 1, time: .now(), capture: Capture(bytesMax: 10))
        scratch.settle(open, call)
        var reader = JournalReader(scratch.file)
        var isWhole = false
        reader.read { frame in
            if frame.kind == .settlement { isWhole = assembly.take(frame) }
            return true
        }
        #expect(isWhole)
        #expect(assembly.record.identifier == open.identifier)
        #expect(assembly.record.outcome == "complete" && assembly.record.status == 200)
        #expect(assembly.record.attempts.count == 1)
    }

    @Test("frames of any bytes in any order make records or none, and no fault")
    func noise() throws {
        var random = RandomSource(seed: 8)
        var count = 0
        for _ in 0..<400 {
            let scratch = try RecordScratch(journalBytes: 64 << 10)
            for _ in 0..<40 {
                let kind = try #require(
                    FrameKind(rawValue: UInt8.random(in: 1...8, using: &random)))
                let payload = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                    UInt8.random(in: .min ... .max, using: &random)
                }
                // The ends of what a number holds: a difference of two may not fit any more.
                let times = [.min, .max, Int64.random(in: -5...Int64.max, using: &random)]
                let tag = JournalWriter.FrameTag(
                    exchange: UInt64.random(in: 0...3, using: &random),
                    attempt: Int.random(in: 0...300, using: &random),
                    time: Instant(nanoseconds: times.randomElement(using: &random) ?? 0))
                scratch.writer.append(
                    kind, tag, detail: Int.random(in: 0...99999, using: &random), payload.span)
            }
            for record in scratch.assemble() {
                count += 1
                #expect(record.attempts.count <= 255)
                // Exporters add to it.
                #expect(record.acceptedMicroseconds.magnitude < 1 << 60)
            }
        }
        #expect(count > 0, "no frames came near a record")
    }
}
