import HTTP
import JSON
import Primitives
import Support
import Testing

@testable import Dialects

/// The observer against the one that it replaced: what a record says of an answer may not change.
@Suite("Observers of answers, and their reference")
struct ObserverEqualityTests {
    /// Everything that a record may take over.
    private struct Facts: Equatable {
        var texts: [String] = []
        var numbers: [String] = []
        var flags: [Bool] = []
        var firstContent: Instant?
        var stated: Int?
        var tier = ServiceTier.standard
        var usage: [Usage] = []

        init(_ facts: AnswerFacts) {
            texts = [
                facts.model, facts.finishReason, facts.usageText, facts.errorKind,
                facts.errorMessage,
            ]
            facts.usageFields.each { name, number in numbers.append("\(name.text): \(number)") }
            flags = [
                facts.isUsageFinal, facts.isCut, facts.sawTerminal, facts.isUnderstood,
                facts.usageFields.isEmpty,
            ]
            firstContent = facts.firstContent
            stated = facts.usageFields.statedNanodollars
            tier = facts.serviceTier
            usage = Dialect.allCases.map { facts.usageFields.usage(of: $0) }
        }

        init(_ facts: ReferenceFacts) {
            texts = [
                facts.model, facts.finishReason, facts.usageText, facts.errorKind,
                facts.errorMessage,
            ]
            numbers = facts.usageFields.fields.map { "\($0.name): \($0.number)" }
            flags = [
                facts.isUsageFinal, facts.isCut, facts.sawTerminal, facts.isUnderstood,
                facts.usageFields.isEmpty,
            ]
            firstContent = facts.firstContent
            stated = facts.usageFields.statedNanodollars
            tier = facts.serviceTier
            usage = Dialect.allCases.map { facts.usageFields.usage(of: $0) }
        }
    }

    private static func observed(
        _ dialect: Dialect, _ isStream: Bool, _ pieces: [[UInt8]], gapAt: Int? = nil
    ) -> Facts {
        var observer = AnswerObserver(dialect: dialect, isEventStream: isStream)
        for (index, piece) in pieces.enumerated() {
            if index == gapAt { observer.markGap() }
            observer.take(piece.span, at: Instant(nanoseconds: Int64(index)))
        }
        observer.end(at: Instant(nanoseconds: Int64(pieces.count)))
        return Facts(observer.facts)
    }

    private static func expected(
        _ dialect: Dialect, _ isStream: Bool, _ pieces: [[UInt8]], gapAt: Int? = nil
    ) -> Facts {
        var observer = ReferenceObserver(dialect: dialect, isEventStream: isStream)
        for (index, piece) in pieces.enumerated() {
            if index == gapAt { observer.markGap() }
            observer.take(piece.span, at: Instant(nanoseconds: Int64(index)))
        }
        observer.end(at: Instant(nanoseconds: Int64(pieces.count)))
        return Facts(observer.facts)
    }

    @Test(
        "every sample at every cut, and where it breaks off",
        arguments: QuickRun.sample(AnswerSample.all, every: 4))
    func samples(_ sample: AnswerSample) throws {
        let dialect = try #require(Dialect(rawValue: sample.dialect))
        for pieces in [[sample.body]] + ByteSplits.all(sample.body) {
            #expect(
                Self.observed(dialect, sample.isStream, pieces)
                    == Self.expected(dialect, sample.isStream, pieces))
        }
        for end in stride(from: 0, to: sample.body.count, by: 3) {
            let pieces = [Array(sample.body[..<end])]
            #expect(
                Self.observed(dialect, sample.isStream, pieces)
                    == Self.expected(dialect, sample.isStream, pieces))
        }
    }

    @Test("every sample in a dialect, and in a form, that is not its own")
    func foreign() {
        for sample in AnswerSample.all {
            for dialect in Dialect.allCases {
                for isStream in [true, false] {
                    #expect(
                        Self.observed(dialect, isStream, [sample.body])
                            == Self.expected(dialect, isStream, [sample.body]), "\(sample)")
                }
            }
        }
    }

    /// Bytes that mean something to JSON, and to what answers are made of.
    private static let marks = Array("{}[]\",:\\\n\r 09-.eEtfnu/".utf8) + [0, 0x1F, 0x80, 0xC3]

    @Test("samples with bytes that were changed, taken out or repeated, and with holes")
    func mutations() throws {
        var random = RandomSource(seed: 23)
        for _ in 0..<(QuickRun.isOn ? 600 : 6000) {
            let sample = try #require(AnswerSample.all.randomElement(using: &random))
            let dialect =
                Bool.random(using: &random)
                ? try #require(Dialect(rawValue: sample.dialect))
                : try #require(Dialect.allCases.randomElement(using: &random))
            var body = sample.body
            for _ in 0..<Int.random(in: 1...3, using: &random) where body.count > 8 {
                let index = Int.random(in: body.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: body[index] = Self.marks.randomElement(using: &random) ?? 0
                case 1: body.remove(at: index)
                case 2:
                    let end = min(body.count, index + Int.random(in: 1...40, using: &random))
                    body.insert(contentsOf: body[index..<end], at: index)
                default: body[index] = UInt8.random(in: .min ... .max, using: &random)
                }
            }
            let pieces =
                Bool.random(using: &random) ? [body] : ByteSplits.random(body, using: &random)
            let gap = Int.random(in: 0..<8, using: &random) == 0 ? pieces.count / 2 : nil
            #expect(
                Self.observed(dialect, sample.isStream, pieces, gapAt: gap)
                    == Self.expected(dialect, sample.isStream, pieces, gapAt: gap),
                "\(sample): \(body.span.text)")
        }
    }

    /// Values that stand where vendors put numbers, names and lists.
    private static let values = [
        "0", "1", "12", "-3", "1.0", "1e3", "1e400", "9223372036854775808", "true", "null",
        "\"stop\"", "\"a sentence of words\"", "\"fl\\u0065x\"", "\"\\ud800\"", "\"é\"", "\"\"",
        "[]", "{}", "[1,[2],{\"a\":1}]", "{\"a\":{\"b\":2},\"cached_tokens\":4}",
        "[{\"modality\":\"audio\",\"tokenCount\":5},{\"modality\":\"\\u0061udio\",\"tokens\":6}]",
        "[{\"type\":\"advisor_x\",\"output_tokens\":9},{\"model\":\"m-1\",\"input_tokens\":4}]",
        "{\"total_cost\":0.25,\"currency\":\"usd\"}", "{\"total_tokens\":7}",
        "{\"total_tokens\":7,\"total\\u005ftokens\":8}", "{\"prompt_tokens\":1,\"cost\":0.5}",
    ]
    private static let names = [
        "usage", "model", "choices", "finish_reason", "response", "error", "type", "object",
        "status", "service_tier", "x_groq", "delta", "meta", "billed_units", "tokens",
        "cached_tokens", "prompt_eval_count", "eval_count", "done", "done_reason", "message",
        "stop_reason", "input_tokens", "output_tokens", "usageMetadata", "modelVersion",
        "candidates", "finishReason", "promptFeedback", "blockReason", "interaction",
        "event_type", "iterations", "cost", "currency", "is_byok", "cost_details", "speed",
        "prompt_tokens_details", "promptTokensDetails", "incomplete_details", "reason", "code",
        "us\\u0061ge", "t\\u0079pe", "content", "index", "text",
    ]

    private static func value(_ random: inout RandomSource, depth: Int) -> String {
        guard depth > 0, Int.random(in: 0..<3, using: &random) > 0 else {
            return values.randomElement(using: &random) ?? "0"
        }
        let count = Int.random(in: 0..<6, using: &random)
        if Int.random(in: 0..<4, using: &random) == 0 {
            let list = (0..<count).map { _ in value(&random, depth: depth - 1) }
            return "[\(list.joined(separator: ","))]"
        }
        let members = (0..<count).map { _ in
            "\"\(names.randomElement(using: &random) ?? "a")\":\(value(&random, depth: depth - 1))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    @Test("objects of the names that vendors use, in any order and with any values")
    func grammar() throws {
        var random = RandomSource(seed: 29)
        let types = [
            "message_start", "message_delta", "message_stop", "message", "error",
            "response.completed", "message-end", "image_generation.completed",
        ]
        for _ in 0..<(QuickRun.isOn ? 2000 : 20_000) {
            var text = Self.value(&random, depth: 4)
            if Bool.random(using: &random), text.hasPrefix("{"), text != "{}" {
                let type = types.randomElement(using: &random) ?? ""
                text = "{\"type\":\"\(type)\"," + text.dropFirst()
            }
            let isStream = Bool.random(using: &random)
            let more = Self.value(&random, depth: 3)
            let body = Array(
                (isStream ? "data: \(text)\n\ndata: \(more)\n\ndata: [DONE]\n\n" : text).utf8)
            let pieces =
                Bool.random(using: &random) ? [body] : ByteSplits.random(body, using: &random)
            let dialect = try #require(Dialect.allCases.randomElement(using: &random))
            #expect(
                Self.observed(dialect, isStream, pieces)
                    == Self.expected(dialect, isStream, pieces), "\(dialect) \(text) \(more)")
        }
    }

    @Test("answers around every bound of size and depth")
    func sizes() {
        let usage = #""usage":{"prompt_tokens":1,"completion_tokens":2}"#
        var texts = ["{}\n{\(usage)}", "[{\(usage)},{}]", "{\(usage)} x", " "]
        for count in [0, 1, 1 << 10, 64 << 10, (64 << 10) + 1, 1 << 20, 3 << 20] {
            let letters = String(repeating: "a", count: count)
            texts.append("{\"x\":\"\(letters)\",\(usage)}")
            texts.append("{\"content\":\"\(letters)\",\(usage)}")
            texts.append("{\"x\":[\(String(repeating: "1,", count: count / 2))1],\(usage)}")
            texts.append("{\(usage)}\(String(repeating: " ", count: count))")
        }
        for depth in [1, 38, 39, 40, 41, 63, 64, 65, 511, 512, 600] {
            for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
                let opened = String(repeating: open, count: depth)
                let closed = String(repeating: close, count: depth)
                texts.append("{\(usage),\"a\":\(opened)1\(closed)}")
            }
        }
        for text in texts {
            for isStream in [true, false] {
                let body = Array((isStream ? "data: \(text)\n\n" : text).utf8)
                let half = [Array(body[..<(body.count / 2)]), Array(body[(body.count / 2)...])]
                for pieces in [[body], half] {
                    for dialect in Dialect.allCases {
                        #expect(
                            Self.observed(dialect, isStream, pieces)
                                == Self.expected(dialect, isStream, pieces),
                            "\(text.prefix(80))")
                    }
                }
            }
        }
    }
}
