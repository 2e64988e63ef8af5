import HTTP
import Primitives
import Testing

@testable import Translation

@Suite("Streams of all pairs")
struct StreamPairTests {
    struct Pair: CustomStringConvertible, Sendable {
        let source: Form
        let target: Form
        var description: String { "\(source)>\(target)" }
    }

    static let pairs = Form.allCases.flatMap { source in
        Form.allCases.filter { $0 != source }.map { Pair(source: source, target: $0) }
    }

    /// An answer without its events: what a client has at the end.
    struct Sum: Equatable {
        var reasoning = ""
        var text = ""
        var calls: [String] = []
        var finish: Finish?
        var counts: [Int?] = []
        var isFailed = false
    }

    @Test(
        "say what the vendor said", arguments: pairs, StreamScript.all)
    func content(_ pair: Pair, _ script: StreamScript) {
        let events = script.events(pair.source)
        let wanted = Self.sum(StreamScript.bytes(events, pair.source), pair.source)
        #expect(!wanted.isFailed && wanted.finish != nil)
        let (output, failure) = Self.translate(events, pair)
        #expect(failure == nil)
        let got = Self.sum(output, pair.target)
        #expect(got.reasoning == wanted.reasoning)
        #expect(got.text == wanted.text)
        #expect(got.calls == wanted.calls)
        #expect(got.finish == wanted.finish)
        #expect(got.counts == wanted.counts)
    }

    @Test("are the same however their bytes are split", arguments: pairs)
    func splits(_ pair: Pair) {
        for script in StreamScript.all where script.description == "text and three tools" {
            let bytes = StreamScript.bytes(script.events(pair.source), pair.source)
            let whole = Self.translate(bytes, splitAt: bytes.count, pair)
            for offset in bytes.indices {
                let parts = Self.translate(bytes, splitAt: offset, pair)
                guard parts == whole else {
                    Issue.record("\(script) split at \(offset)")
                    return
                }
            }
        }
    }

    @Test("never end well where the vendor broke off", arguments: pairs, StreamScript.all)
    func cuts(_ pair: Pair, _ script: StreamScript) {
        let events = script.events(pair.source)
        // Gemini's last chunk is its end; before chat's mark the reason may have come already.
        let last =
            pair.source == .chat
            ? events.count - 2 - (script.isUsageEarly ? 0 : 1) : events.count - 1
        for count in 0..<max(0, last) {
            let (output, failure) = Self.translate(Array(events.prefix(count)), pair)
            guard failure == nil else { continue }
            let got = Self.sum(output, pair.target)
            #expect(got.isFailed, "after \(count) events")
            #expect(got.finish == nil, "after \(count) events")
        }
    }

    @Test(
        "never end well where the connection broke off, behind any of its bytes", arguments: pairs)
    func bytewise(_ pair: Pair) throws {
        let script = try #require(
            StreamScript.all.first { $0.description == "text and three tools" })
        let events = script.events(pair.source)
        let all = StreamScript.bytes(events, pair.source)
        // Chat has its reason of the end two events before its mark.
        let last = pair.source == .chat ? events.count - 3 : events.count - 1
        let end = StreamScript.bytes(Array(events.prefix(last)), pair.source).count
        for count in 0..<end {
            let (output, failure) = Self.translate(Array(all.prefix(count)), pair)
            guard failure == nil else { continue }
            let got = Self.sum(output, pair.target)
            guard got.isFailed, got.finish == nil else {
                Issue.record("behind \(count) bytes it looks whole")
                return
            }
        }
    }

    @Test("never end well where the body was cut", arguments: pairs, StreamScript.all)
    func cutBodies(_ pair: Pair, _ script: StreamScript) {
        let events = script.events(pair.source)
        // What may stand behind the reason of an end: nothing but the mark, or the body's end.
        for count in 0..<(pair.source == .gemini ? events.count + 1 : events.count) {
            var translation = StreamTranslation(AnswerContext(from: pair.source, to: pair.target))
            var output = ByteBuffer()
            let bytes = StreamScript.bytes(Array(events.prefix(count)), pair.source)
            translation.take(bytes.span, into: &output)
            translation.end(isWhole: false, into: &output)
            guard translation.earlyFailure == nil else { continue }
            let got = Self.sum(Array(output.bytes), pair.target)
            #expect(got.isFailed && got.finish == nil, "after \(count) events")
        }
    }

    @Test("end with the vendor's error in every phase", arguments: pairs, StreamScript.all)
    func errors(_ pair: Pair, _ script: StreamScript) throws {
        let errors: [Form: String] = [
            .chat:
                #"{"error":{"message":"slow","code":"rate_limit_exceeded"}}"#,
            .responses:
                #"{"type":"error","error":{"code":"rate_limit_exceeded","message":"slow"}}"#,
            .messages: #"{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}"#,
            .gemini: #"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}"#,
        ]
        let error = try #require(errors[pair.source])
        let events = script.events(pair.source)
        for count in 0..<max(0, events.count - 2) {
            let (output, failure) = Self.translate(Array(events.prefix(count)) + [error], pair)
            if let failure {
                #expect(failure.status == 429)
                #expect(output.isEmpty)
            } else {
                let got = Self.sum(output, pair.target)
                #expect(got.isFailed && got.finish == nil, "after \(count) events")
                #expect(String(decoding: output, as: UTF8.self).contains("slow"))
            }
        }
    }

    @Test("do not pass on a call that is not whole", arguments: pairs)
    func brokenCalls(_ pair: Pair) {
        // Gemini's calls come whole.
        guard pair.source != .gemini else { return }
        let script = StreamScript(
            description: "broken",
            steps: [.call(id: "call_a", name: "f", arguments: [#"{\"a\":"#])],
            finish: "tool_calls")
        let (output, failure) = Self.translate(script.events(pair.source), pair)
        if failure == nil { #expect(Self.sum(output, pair.target).isFailed) }
    }

    // MARK: Translating and reading

    static func translate(
        _ events: [String], _ pair: Pair
    ) -> (output: [UInt8], failure: StreamTranslation.EarlyFailure?) {
        var translation = StreamTranslation(AnswerContext(from: pair.source, to: pair.target))
        var output = ByteBuffer()
        for event in events {
            let bytes = StreamScript.bytes([event], pair.source)
            translation.take(bytes.span, into: &output)
        }
        translation.end(into: &output)
        return (Array(output.bytes), translation.earlyFailure)
    }

    static func translate(
        _ bytes: [UInt8], _ pair: Pair
    ) -> (output: [UInt8], failure: StreamTranslation.EarlyFailure?) {
        var translation = StreamTranslation(AnswerContext(from: pair.source, to: pair.target))
        var output = ByteBuffer()
        translation.take(bytes.span, into: &output)
        translation.end(into: &output)
        return (Array(output.bytes), translation.earlyFailure)
    }

    static func translate(_ bytes: [UInt8], splitAt offset: Int, _ pair: Pair) -> [UInt8] {
        var translation = StreamTranslation(AnswerContext(from: pair.source, to: pair.target))
        var output = ByteBuffer()
        translation.take(bytes.span.extracting(0..<offset), into: &output)
        translation.take(bytes.span.extracting(offset..<bytes.count), into: &output)
        translation.end(into: &output)
        return Array(output.bytes)
    }

    /// Reads a stream with the reader of its form.
    static func sum(_ bytes: [UInt8], _ form: Form) -> Sum {
        sum(transcript(bytes, form))
    }

    static func transcript(_ bytes: [UInt8], _ form: Form) -> AnswerTranscript {
        var splitter = EventSplitter(bytesMax: 1 << 20)
        var reader = AnswerReader(AnswerContext(from: form, to: form))
        var guarded = CallGuard([:])
        var events: [AnswerEvent] = []
        splitter.take(bytes.span) { event in
            guard event.hasData else { return }
            if event.data.bytes.matches("[DONE]") {
                reader.end(isMarked: true, &events)
            } else if let value = try? RawJSON(parsing: Array(event.data.bytes)) {
                reader.take(value, &events)
            } else {
                Issue.record("an event is no JSON: \(event.data.bytes.text)")
            }
        }
        reader.end(isMarked: false, &events)
        var checked: [AnswerEvent] = []
        guarded.take(events, &checked)
        var transcript = AnswerTranscript()
        for event in checked { transcript.take(event) }
        return transcript
    }

    static func sum(_ transcript: AnswerTranscript) -> Sum {
        var sum = Sum()
        for entry in transcript.items {
            switch entry.item.kind {
            case .text, .refusal: sum.text += entry.text.plain
            case .reasoning: sum.reasoning += entry.text.plain
            case .call(let id, let name):
                let arguments = EscapedText(inner: entry.arguments[...]).plain
                sum.calls.append("\(id) \(name) \(arguments)")
            }
        }
        sum.finish = transcript.finish
        let counts = transcript.counts
        sum.counts = [counts.input, counts.cacheRead, counts.output, counts.reasoning]
        sum.isFailed = transcript.failure != nil
        return sum
    }
}
