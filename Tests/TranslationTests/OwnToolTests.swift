import HTTP
import JSON
import Primitives
import Support
import Testing

@testable import Translation

/// Calls that a client knows in another shape than a function's, from every vendor.
@Suite("Calls in the client's own shape")
struct OwnToolTests {
    private static let tools: [(tool: String, name: String, arguments: String, item: String)] = [
        (
            #"{"type":"local_shell"}"#, "local_shell", #"{"command":["ls","-l"]}"#,
            #"{"type":"local_shell_call","action":{"type":"exec","command":["ls","-l"],"env":{}}}"#
        ),
        (
            #"{"type":"local_shell"}"#, "local_shell", #"{"command":"ls"}"#,
            #"{"type":"local_shell_call","action":{"type":"exec","command":["ls"],"env":{}}}"#
        ),
        (
            #"{"type":"shell"}"#, "shell", #"{"commands":["ls"],"timeout_ms":5}"#,
            #"{"type":"shell_call","action":{"commands":["ls"],"timeout_ms":5}}"#
        ),
        (
            #"{"type":"apply_patch"}"#, "apply_patch", #"{"type":"delete_file","path":"p"}"#,
            #"{"type":"apply_patch_call","operation":{"type":"delete_file","path":"p"}}"#
        ),
        (
            #"{"type":"tool_search","execution":"client","parameters":{"type":"object"}}"#,
            "tool_search", #"{"query":"x"}"#,
            #"{"type":"tool_search_call","execution":"client","arguments":{"query":"x"}}"#
        ),
    ]

    private static func context(
        _ body: String, from client: Form, to vendor: Form
    ) throws -> AnswerContext {
        var context = try RequestTranslation(
            RawJSON(parsing: Array(body.utf8)), from: client, to: vendor
        ).context
        context.seed = "1"
        return context
    }

    private static func events(_ vendor: Form, _ name: String, _ arguments: String) -> [String] {
        let inner = String(decoding: EscapedText(arguments).inner, as: UTF8.self)
        let split = inner.index(inner.startIndex, offsetBy: inner.hasPrefix("{\\\"") ? 3 : 1)
        let pieces = [String(inner[..<split]), String(inner[split...])]
        return StreamScript(
            description: name,
            steps: [
                .text(["a"]), .call(id: "call_a", name: name, arguments: pieces),
                .call(id: "call_b", name: name, arguments: [inner]),
            ], finish: "tool_calls"
        ).events(vendor)
    }

    private static func output(_ events: [String], _ context: AnswerContext) throws -> [JSONValue] {
        var translation = StreamTranslation(context)
        var output = ByteBuffer()
        translation.take(StreamScript.bytes(events, context.source).span, into: &output)
        translation.end(into: &output)
        #expect(translation.earlyFailure == nil)
        var splitter = EventSplitter(bytesMax: 1 << 20)
        var data: [String] = []
        splitter.take(output.bytes) { event in
            if event.hasData { data.append(event.data.bytes.text) }
        }
        let fault = StrictOutputTests.checker(context.target).fault(ofStream: data)
        #expect(fault == nil, "\(fault ?? "")\n\(data.joined(separator: "\n"))")
        return try data.filter { $0 != "[DONE]" }.map { try JSONValue(parsing: $0) }
    }

    @Test(
        "are items of their own for Responses' clients", arguments: [Form.chat, .messages, .gemini])
    func items(_ vendor: Form) throws {
        for own in Self.tools {
            let context = try Self.context(
                #"{"input":"q","tools":[\#(own.tool)]}"#, from: .responses, to: vendor)
            let events = try Self.output(
                Self.events(vendor, own.name, own.arguments), context)
            let types = events.compactMap { $0["type"]?.text }
            #expect(!types.contains { $0.contains("function_call") }, "\(types)")
            guard case .object(let wanted) = try JSONValue(parsing: own.item) else { return }
            let done = events.filter { $0["type"]?.text == "response.output_item.done" }
            let items = done.compactMap { $0["item"] }.dropFirst()
            #expect(items.count == 2)
            for item in items {
                for member in wanted {
                    let value = CensusTests.sorted(item[member.name] ?? .null)
                    #expect(value == CensusTests.sorted(member.value), "\(item)")
                }
            }
        }
    }

    @Test("are never shown where the length cut them off")
    func cut() throws {
        let context = try Self.context(
            #"{"input":"q","tools":[{"type":"shell"}]}"#, from: .responses, to: .chat)
        let script = StreamScript(
            description: "cut",
            steps: [
                .text(["a"]), .call(id: "call_a", name: "shell", arguments: [#"{\"com"#, "mands"]),
            ], finish: "length")
        let events = try Self.output(script.events(.chat), context)
        #expect(!events.contains { $0["item"]?["type"]?.text == "shell_call" })
        #expect(events.last?["type"]?.text == "response.incomplete")
    }

    @Test(
        "are one function call for chat clients without tools",
        arguments: [Form.responses, .messages, .gemini])
    func functions(_ vendor: Form) throws {
        let context = try Self.context(
            #"{"messages":[{"role":"user","content":"q"}],"functions":[{"name":"f"}]}"#,
            from: .chat, to: vendor)
        var arguments = ""
        var names: [String] = []
        let events = try Self.output(Self.events(vendor, "f", #"{"a":1}"#), context)
        for event in events {
            let delta = event["choices"]?.elements?.first?["delta"]
            #expect(delta?["tool_calls"] == nil)
            names += [delta?["function_call"]?["name"]?.text].compactMap { $0 }
            arguments += delta?["function_call"]?["arguments"]?.text ?? ""
        }
        #expect(names == ["f"])
        #expect(arguments == #"{"a":1}"#)
        let reasons = events.compactMap { $0["choices"]?.elements?.first?["finish_reason"]?.text }
        #expect(reasons == ["function_call"])
    }
}
