import Dialects
import Primitives
import Support
import Testing

@Suite("Observers of answers")
struct AnswerObserverTests {
    /// An observer's facts after these pieces, which come one nanosecond apart.
    private static func facts(_ sample: AnswerSample, _ pieces: [[UInt8]]) throws -> AnswerFacts {
        let dialect = try #require(Dialect(rawValue: sample.dialect))
        var observer = AnswerObserver(dialect: dialect, isEventStream: sample.isStream)
        for (index, piece) in pieces.enumerated() {
            observer.take(piece.span, at: Instant(nanoseconds: Int64(index)))
        }
        observer.end(at: Instant(nanoseconds: Int64(pieces.count)))
        return observer.facts
    }

    private static func expected(_ sample: AnswerSample) -> Usage {
        var usage = Usage()
        usage.input = sample.input
        usage.output = sample.output
        usage.cacheRead = sample.cacheRead
        usage.cacheWrite = sample.cacheWrite
        usage.cacheWriteLong = sample.cacheWriteLong
        usage.reasoning = sample.reasoning
        usage.audioInput = sample.audioInput
        usage.audioOutput = sample.audioOutput
        usage.imageInput = sample.imageInput
        usage.imageOutput = sample.imageOutput
        return usage
    }

    @Test(
        "read what a vendor says, however it is cut",
        arguments: QuickRun.sample(AnswerSample.all, every: 4))
    func truth(_ sample: AnswerSample) throws {
        let dialect = try #require(Dialect(rawValue: sample.dialect))
        let whole = try Self.facts(sample, [sample.body])
        #expect(whole.model == sample.model)
        #expect(whole.finishReason == sample.finishReason)
        #expect(whole.errorKind == sample.errorKind)
        #expect(whole.usageFields.usage(of: dialect) == Self.expected(sample))
        #expect(whole.usageFields.statedNanodollars == sample.nanodollars)
        #expect(whole.serviceTier.rawValue == sample.tier)
        #expect(whole.isUnderstood)
        if sample.isStream { #expect(whole.sawTerminal == sample.isWhole) }
        for pieces in ByteSplits.all(sample.body) {
            var facts = try Self.facts(sample, pieces)
            facts.firstContent = whole.firstContent
            #expect(facts == whole)
        }
    }

    @Test("the first content is where a user sees something")
    func firstContent() throws {
        let stream = [
            ": hello\n\n", "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "\n\n", "data: [DONE]\n\n",
        ]
        var observer = AnswerObserver(dialect: .openai, isEventStream: true)
        for (index, piece) in stream.enumerated() {
            observer.take(Array(piece.utf8).span, at: Instant(nanoseconds: Int64(index)))
        }
        observer.end(at: Instant(nanoseconds: 9))
        let facts = observer.facts
        #expect(facts.firstContent == Instant(nanoseconds: 4))
    }

    @Test("an answer of any size is read, and one with too much beside its content is not")
    func bounds() {
        let letters = [UInt8](repeating: UInt8(ascii: "a"), count: AnswerObserver.bytesMax / 2 + 1)
        let usage = #""usage":{"prompt_tokens":1,"completion_tokens":2}"#
        for isStream in [true, false] {
            let (begin, end) = isStream ? ("data: ", "\n\n") : ("", "")
            var observer = AnswerObserver(dialect: .openai, isEventStream: isStream)
            observer.take(Array("\(begin){\"x\":\"".utf8).span, at: .now())
            for _ in 0..<3 { observer.take(letters.span, at: .now()) }
            observer.take(Array("\",\(usage)}\(end)".utf8).span, at: .now())
            observer.end(at: .now())
            let facts = observer.facts
            #expect(facts.isUnderstood && facts.usageFields.usage(of: .openai).output == 2)
            // Forty texts that are each short enough to be kept.
            var other = AnswerObserver(dialect: .openai, isEventStream: isStream)
            other.take(Array("\(begin){".utf8).span, at: .now())
            for number in 0..<40 {
                other.take(Array("\"x\(number)\":\"".utf8).span, at: .now())
                other.take(letters.span.extracting(0..<60_000), at: .now())
                other.take(Array("\",".utf8).span, at: .now())
            }
            other.take(Array("\(usage)}\(end)".utf8).span, at: .now())
            other.end(at: .now())
            let others = other.facts
            #expect(!others.isUnderstood && others.usageFields.isEmpty)
        }
    }

    @Test("what comes behind a hole is not guessed at")
    func holes() {
        let usage = Array("data: {\"usage\":{\"prompt_tokens\":1}}\n\n".utf8)
        var observer = AnswerObserver(dialect: .openai, isEventStream: true)
        observer.markGap()
        observer.take(usage.span, at: .now())
        observer.end(at: .now())
        let facts = observer.facts
        #expect(!facts.isUnderstood && facts.usageFields.isEmpty)
    }

    @Test("events beyond a splitter's room are read like others, however they are cut and ended")
    func largeEvents() {
        let picture = String(repeating: "iVBORw0KGgo", count: 100_000)
        var random = RandomSource(seed: 3)
        for end in ["\n", "\r", "\r\n"] {
            let stream = [
                ": hello\(end)event: image_generation.completed\(end)data: ",
                #"{"type":"image_generation.completed","b64_json":""#, picture,
                #"","usage":{"input_tokens":50,"#,
                #""output_tokens":1056,"output_tokens_details":{"image_tokens":1000}}}"#,
                "\(end)\(end)data: {\"type\":\"x\"}\(end)\(end)",
            ].joined()
            let bytes = Array(stream.utf8)
            for _ in 0..<8 {
                var observer = AnswerObserver(dialect: .openai, isEventStream: true)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = Int.random(in: 1...min(rest.count, 300_000), using: &random)
                    observer.take(Array(rest.prefix(count)).span, at: .now())
                    rest = rest.dropFirst(count)
                }
                observer.end(at: .now())
                let facts = observer.facts
                let usage = facts.usageFields.usage(of: .openai)
                #expect(facts.isUnderstood && facts.isUsageFinal && !facts.isCut)
                #expect(usage.input == 50 && usage.output == 1056 && usage.imageOutput == 1000)
            }
        }
    }

    private static func usage(_ dialect: Dialect, _ text: String) -> (Usage, AnswerFacts) {
        var observer = AnswerObserver(dialect: dialect, isEventStream: false)
        observer.take(Array(text.utf8).span, at: .now())
        observer.end(at: .now())
        let facts = observer.facts
        return (facts.usageFields.usage(of: dialect), facts)
    }

    @Test("numbers that no call can have are none, and nothing adds up to more than there is")
    func absurdNumbers() {
        let most = Int.max
        let (openAI, _) = Self.usage(
            .openai,
            #"{"usage":{"prompt_tokens":\#(most),"completion_tokens":1,"total_tokens":\#(most),"#
                + #""completion_tokens_details":{"reasoning_tokens":1}}}"#)
        #expect(openAI.input == nil && openAI.output == 1)
        let (claude, _) = Self.usage(
            .anthropic,
            #"{"type":"message","usage":{"input_tokens":\#(most),"output_tokens":-5,"#
                + #""cache_read_input_tokens":\#(most),"cache_creation_input_tokens":1e300,"#
                + #""iterations":[{"output_tokens":\#(most)},{"output_tokens":\#(most)}]}}"#)
        #expect(claude.input == nil && claude.output == nil)
        let (gemini, _) = Self.usage(
            .gemini,
            #"{"usageMetadata":{"promptTokenCount":\#(most),"toolUsePromptTokenCount":\#(most),"#
                + #""thoughtsTokenCount":3,"totalTokenCount":\#(most)}}"#)
        #expect(gemini.input == nil && gemini.reasoning == 3)
    }

    @Test("names without end, and corrections without end, take no memory")
    func absurdNames() {
        let long = String(repeating: "k", count: 300_000)
        let inner = (0..<50_000).map { "\"a\($0)\":1" }.joined(separator: ",")
        let (_, facts) = Self.usage(
            .openai, "{\"usage\":{\"\(long)\":{\"a\":1},\"prompt_tokens\":3,\(inner)}}")
        #expect(facts.usageText.isEmpty)
        var observer = AnswerObserver(dialect: .anthropic, isEventStream: true)
        let events = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},"
        for number in 0..<5000 {
            let event = "\(events)\"usage\":{\"output_tokens\":\(number),\"x\(number)\":1}}\n\n"
            observer.take(Array(event.utf8).span, at: .now())
        }
        observer.end(at: .now())
        let last = observer.facts
        #expect(last.usageText.utf8.count < 200)
        #expect(last.usageFields.usage(of: .anthropic).output == 4999)
    }

    @Test("texts in an account are not kept, be they values or names of members")
    func texts() {
        let (usage, facts) = Self.usage(
            .openai,
            #"{"usage":{"prompt_tokens":3,"my dear":1,"remark":"a text","tier":"flex","#
                + #""\u0061\u0020b":2,"\u0061b":4,"ü":5,"details":{"c d":1,"cached_tokens":1}}}"#)
        #expect(usage.input == 3)
        #expect(
            facts.usageText
                == #"{"prompt_tokens":3,"tier":"flex","ab":4,"details":{"cached_tokens":1}}"#)
    }

    @Test("bytes of no meaning have none")
    func noise() throws {
        var random = RandomSource(seed: 11)
        for dialect in Dialect.allCases {
            for _ in 0..<300 {
                let sample = try #require(AnswerSample.all.randomElement(using: &random))
                var body = sample.body
                for _ in 0..<Int.random(in: 1...30, using: &random) {
                    let index = Int.random(in: body.indices, using: &random)
                    body[index] = UInt8.random(in: .min ... .max, using: &random)
                }
                var observer = AnswerObserver(dialect: dialect, isEventStream: sample.isStream)
                for piece in ByteSplits.random(body, using: &random) {
                    observer.take(piece.span, at: .now())
                }
                observer.end(at: .now())
                let facts = observer.facts
                #expect(facts.usageText.isEmpty || facts.usageText.utf8.count <= 4 * body.count)
            }
        }
    }
}
