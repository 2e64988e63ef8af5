import HTTP
import JSON
import Primitives
import Support
import Testing

@testable import Translation

/// Whatever comes in, what goes out is right in its dialect, or the body is refused with the path.
@Suite("What goes out")
struct StrictOutputTests {
    static func checker(_ form: Form) -> DialectChecker {
        DialectChecker(rawValue: form.rawValue) ?? .chat
    }

    static func value(_ bytes: [UInt8]) throws -> JSONValue { try JSONValue(parsing: bytes.span) }

    /// What is wrong with the translation of a request; nil where nothing is.
    static func requestFault(
        _ body: RawJSON, _ source: Form, _ target: Form, _ quirks: Quirks = Quirks()
    ) throws -> String? {
        let request: RequestTranslation
        do throws(Refusal) {
            request = try RequestTranslation(body, from: source, to: target, quirks: quirks)
        } catch {
            let hasPath = !error.field.isEmpty || !body.isObject
            return error.status == 400 && hasPath ? nil : "a refusal without a path: \(error)"
        }
        return checker(target).fault(ofRequest: try value(request.body))
    }

    static func answerFault(_ body: RawJSON, _ context: AnswerContext) throws -> String? {
        let answer = AnswerTranslation(body, context)
        return checker(context.target).fault(
            ofAnswer: try value(answer.body), status: answer.status)
    }

    static func streamFault(_ events: [String], _ context: AnswerContext) throws -> String? {
        var translation = StreamTranslation(context)
        var output = ByteBuffer()
        for event in events {
            translation.take(StreamScript.bytes([event], context.source).span, into: &output)
        }
        translation.end(into: &output)
        if let failure = translation.earlyFailure {
            guard output.isEmpty else { return "something went out before an early failure" }
            return checker(context.target).fault(
                ofAnswer: try value(failure.body), status: failure.status)
        }
        var splitter = EventSplitter(bytesMax: 1 << 24)
        var data: [String] = []
        splitter.take(output.bytes) { event in
            if event.hasData { data.append(event.data.bytes.text) }
        }
        return checker(context.target).fault(ofStream: data)
    }

    static func context(_ source: Form, _ target: Form) -> AnswerContext {
        var context = AnswerContext(from: source, to: target)
        context.seed = "1"
        context.addCustomTools(["apply_patch"])
        return context
    }

    @Test("of the cases is right in its dialect", arguments: CaseTests.all)
    func cases(_ test: CaseTests.Case) throws {
        let one = try TranslationCase(test.line)
        for target in Form.allCases where target != one.source {
            let fault: String?
            switch one.kind {
            case "req": fault = try Self.requestFault(one.input, one.source, target)
            case "ans": fault = try Self.answerFault(one.input, Self.context(one.source, target))
            case "stream":
                let events = one.input.elements.map { event in
                    event.plain ?? String(decoding: event.compact, as: UTF8.self)
                }
                fault = try Self.streamFault(
                    events.filter { $0 != "EOF" && $0 != "CUT" }, Self.context(one.source, target))
            default: fault = nil
            }
            #expect(fault == nil, "to \(target): \(fault ?? "")")
        }
    }

    @Test("of made-up requests is right in its dialect", arguments: StreamPairTests.pairs)
    func requests(_ pair: StreamPairTests.Pair) throws {
        for seed in 0..<200 as Range<UInt64> {
            var generator = BodyGenerator(seed)
            var text = generator.request(pair.source)
            for _ in 0..<Int(seed % 4) { text = generator.changed(text) }
            guard let body = try? RawJSON(parsing: Array(text.utf8)) else { continue }
            let fault = try Self.requestFault(body, pair.source, pair.target)
            #expect(fault == nil, "\(seed): \(fault ?? "")\n\(text)")
            if fault != nil { return }
        }
    }

    @Test(
        "of results with nothing between them is one turn",
        arguments: [Form.responses, .messages, .gemini])
    func parted(_ target: Form) throws {
        func call(_ id: String) -> String {
            #"{"id":"\#(id)","type":"function","function":{"name":"f","arguments":"{}"}}"#
        }
        func result(_ id: String) -> String {
            #"{"role":"tool","tool_call_id":"\#(id)","content":"a"}"#
        }
        for nothing in [
            #"{"role":"assistant"}"#, #"{"role":"assistant","content":null,"other":1}"#,
            #"{"role":"assistant","content":[]}"#,
        ] {
            let text =
                #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":["#
                + "\(call("x")),\(call("y"))]},\(result("x")),\(nothing),\(result("y"))]}"
            let body = try RawJSON(parsing: Array(text.utf8))
            let fault = try Self.requestFault(body, .chat, target)
            #expect(fault == nil, "\(fault ?? "")\n\(text)")
        }
    }

    @Test(
        "of numbers of tokens that no call could use is right",
        arguments: ["9223372036854775807", "-1", "-9223372036854775808", "4611686018427387904"])
    func counts(_ number: String) throws {
        let usages: [(Form, String)] = [
            (
                .messages,
                #"{"input_tokens":N,"cache_read_input_tokens":N,"cache_creation_input_tokens":N}"#
            ),
            (
                .chat,
                #"{"prompt_tokens":N,"completion_tokens":N,"total_tokens":N,"#
                    + #""completion_tokens_details":{"reasoning_tokens":N}}"#
            ),
            (.responses, #"{"input_tokens":N,"output_tokens":N,"total_tokens":N}"#),
            (
                .gemini,
                #"{"promptTokenCount":N,"toolUsePromptTokenCount":N,"candidatesTokenCount":N,"#
                    + #""thoughtsTokenCount":N,"totalTokenCount":N}"#
            ),
        ]
        for (source, usage) in usages {
            let usage = usage.replacing("N", with: number)
            let body = try RawJSON(
                parsing: Array(
                    #"{"usage":\#(usage),"usageMetadata":\#(usage),"content":[]}"#.utf8))
            for target in Form.allCases where target != source {
                let fault = try Self.answerFault(body, Self.context(source, target))
                #expect(fault == nil, "\(source)>\(target): \(fault ?? "")")
            }
        }
    }

    @Test("of made-up requests is most often served", arguments: StreamPairTests.pairs)
    func served(_ pair: StreamPairTests.Pair) throws {
        var served = 0
        for seed in 0..<100 as Range<UInt64> {
            var generator = BodyGenerator(seed)
            let body = try RawJSON(parsing: Array(generator.request(pair.source).utf8))
            if (try? RequestTranslation(body, from: pair.source, to: pair.target)) != nil {
                served += 1
            }
        }
        // A generator whose requests are refused would find nothing.
        #expect(served > 30)
    }

    @Test("of changed answers and streams is right", arguments: StreamPairTests.pairs)
    func answers(_ pair: StreamPairTests.Pair) throws {
        let context = Self.context(pair.source, pair.target)
        let bodies = CaseTests.all.filter { $0.value["what"]?.text == "ans" }
            .compactMap { try? TranslationCase($0.line) }.filter { $0.source == pair.source }
            .map { String(decoding: $0.input.bytes, as: UTF8.self) }
        for seed in 0..<150 as Range<UInt64> {
            var generator = BodyGenerator(seed)
            var text = generator.pick(bodies)
            for _ in 0..<Int(seed % 4) { text = generator.changed(text) }
            let body = try RawJSON(parsing: Array(text.utf8))
            let fault = try Self.answerFault(body, context)
            #expect(fault == nil, "\(seed): \(fault ?? "")\n\(text)")
            var events = generator.pick(StreamScript.all).events(pair.source)
            for _ in 0..<Int(seed % 3) {
                let index = Int.random(in: events.indices, using: &generator.numbers)
                events[index] = generator.changed(events[index])
                events.swapAt(index, Int.random(in: events.indices, using: &generator.numbers))
            }
            let broken = try Self.streamFault(events, context)
            #expect(broken == nil, "\(seed): \(broken ?? "")\n\(events.joined(separator: "\n"))")
            if fault != nil || broken != nil { return }
        }
    }
}
