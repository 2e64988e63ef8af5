@testable import Translation

/// Makes up requests of any form by its grammar: conversations whose calls have their results, with
/// members of the census around them, some of which are not what they should be.
struct BodyGenerator {
    /// A generator that gives the same numbers in every run.
    struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 33
        }
    }

    private enum Step {
        case system(String)
        case user([String], image: Bool)
        case assistant(text: String?, thought: String?, calls: [(id: String, name: String)])
        case results([(id: String, name: String)], text: String?)
    }

    /// Insides of strings.
    private static let texts = [
        "a", " ", "", "two words", "\\u00e9\\n\\\"x\\\"", "\u{1F600}", "\\ud83d\\ude00", "\\ud800",
        "{\\\"a\\\":1}", "x-anthropic-billing-header: cch=1;", "data: [DONE]\\n\\n", "weir1:AAAA",
        "\\u0000", "<think>", "0123456789012345678901234567890123456789",
    ]
    private static let ids = ["call_1", "toolu_02", "a.b:c", "", "x y", "\\u00e9", "fc_1|y"]
    private static let names = ["f", "get_weather", "a.b", "9x", "mcp__x__y", "f g"]
    private static let objects = [
        "{}", #"{"a":1}"#, #"{"a":{"b":[1.0,1e-3,null]}}"#, #"{ "x" : "\n" }"#,
    ]
    private static let schemas = [
        #"{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"required":["a"]}"#,
        "{}", #"{"type":"object"}"#,
        #"{"type":["object","null"],"properties":{"k":{"enum":["a","b"]},"l":{"type":"array"}}}"#,
        ##"{"$ref":"#/$defs/x","$defs":{"x":{"type":"object"}}}"##,
    ]

    var numbers: Numbers

    init(_ seed: UInt64) { numbers = Numbers(state: seed) }

    mutating func pick<Element>(_ list: [Element]) -> Element {
        list[Int.random(in: list.indices, using: &numbers)]
    }

    mutating func happens(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &numbers) < percent
    }

    /// A request.
    mutating func request(_ form: Form) -> String {
        let steps = conversation()
        var members: [String]
        switch form {
        case .chat: members = ["\"messages\":\(list(steps.flatMap { chat($0) }))"]
        case .responses: members = ["\"input\":\(list(steps.flatMap { responses($0) }))"]
        case .messages:
            members = ["\"max_tokens\":\(pick([1, 50, 4096]))"]
            members.append("\"messages\":\(list(steps.flatMap { messages($0) }))")
        case .gemini: members = ["\"contents\":\(list(steps.flatMap { gemini($0) }))"]
        }
        if happens(80), form != .gemini { members.append("\"model\":\"m\"") }
        if happens(60) { members.append(tools(form)) }
        // The lines of the census, each a member or some.
        let rows = Census.rows.filter { $0.source == form }
        for _ in 0..<Int.random(in: 0...3, using: &numbers) { members.append(pick(rows).members) }
        return "{\(members.joined(separator: ","))}"
    }

    /// A text with one of its values replaced by something else, or left out.
    mutating func changed(_ text: String) -> String {
        guard let body = try? RawJSON(parsing: Array(text.utf8)) else { return text }
        let victim = pick(Self.nested(body))
        let start = text.utf8.index(text.startIndex, offsetBy: victim.bytes.startIndex)
        let end = text.utf8.index(text.startIndex, offsetBy: victim.bytes.endIndex)
        return text[..<start] + pick(Self.strange) + text[end...]
    }

    private static let strange = [
        "null", "true", "0", "-1e9", "1.5", "\"\"", "\"x\"", "\"weir1:\"", "\"weir1:AAAA\"", "[]",
        "{}", "[[]]", "[null]", "[\"\"]", "{\"type\":null}", "{\"type\":\"x\"}", "\"\\ud800\"",
        "\"data:;base64,\"", "\"data:image/png;base64,\"", "99999999999999999999", "{\"a\":1}",
        "[{\"type\":\"text\"}]", "\"d2VpcjE6AAAA\"", "{\"x\":1,\"x\":2}",
    ]

    static func nested(_ value: RawJSON) -> [RawJSON] {
        [value] + value.members.flatMap { nested($0.value) } + value.elements.flatMap(nested)
    }

    // MARK: Conversations

    private mutating func text() -> String { pick(Self.texts) }

    private mutating func conversation() -> [Step] {
        var steps: [Step] = happens(50) ? [.system(text())] : []
        for turn in 0..<Int.random(in: 1...4, using: &numbers) {
            if happens(10) { steps.append(.system(text())) }
            steps.append(.user(happens(80) ? [text()] : [text(), text()], image: happens(15)))
            guard happens(70) else { continue }
            var calls: [(id: String, name: String)] = []
            if happens(60) {
                for number in 0..<Int.random(in: 1...3, using: &numbers) {
                    let id = happens(90) ? "call_\(turn)_\(number)" : pick(Self.ids)
                    calls.append((id, pick(Self.names)))
                }
            }
            steps.append(
                .assistant(
                    text: happens(60) ? text() : nil, thought: happens(30) ? text() : nil,
                    calls: calls))
            if !calls.isEmpty {
                if happens(20) { calls.reverse() }
                steps.append(.results(calls, text: happens(30) ? text() : nil))
            }
        }
        return steps
    }

    private func list(_ elements: [String]) -> String {
        "[\(elements.joined(separator: ","))]"
    }

    private mutating func tools(_ form: Form) -> String {
        var tools: [String] = []
        for name in Self.names where happens(50) {
            let schema = pick(Self.schemas)
            switch form {
            case .chat:
                tools.append(
                    #"{"type":"function","function":{"name":"\#(name)","parameters":\#(schema)}}"#)
            case .responses:
                tools.append(#"{"type":"function","name":"\#(name)","parameters":\#(schema)}"#)
            case .messages: tools.append(#"{"name":"\#(name)","input_schema":\#(schema)}"#)
            case .gemini:
                tools.append(#"{"name":"\#(name)","parametersJsonSchema":\#(schema)}"#)
            }
        }
        guard form == .gemini else { return "\"tools\":\(list(tools))" }
        return "\"tools\":[{\"functionDeclarations\":\(list(tools))}]"
    }

    // MARK: In the words of each form

    private mutating func chat(_ step: Step) -> [String] {
        switch step {
        case .system(let text): return [#"{"role":"system","content":"\#(text)"}"#]
        case .user(let texts, let image):
            var parts = texts.map { #"{"type":"text","text":"\#($0)"}"# }
            if image {
                parts.append(
                    #"{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}"#)
            }
            return [#"{"role":"user","content":\#(list(parts))}"#]
        case .assistant(let text, let thought, let calls):
            var members = [
                #""role":"assistant""#, #""content":\#(text.map { "\"\($0)\"" } ?? "null")"#,
            ]
            if let thought { members.append(#""reasoning_content":"\#(thought)""#) }
            let written = calls.map { call in
                let arguments = pick(["{}", #"{\"a\":1}"#])
                return #"{"id":"\#(call.id)","type":"function","function":{"name":"\#(call.name)""#
                    + #","arguments":"\#(arguments)"}}"#
            }
            if !written.isEmpty { members.append("\"tool_calls\":\(list(written))") }
            return ["{\(members.joined(separator: ","))}"]
        case .results(let calls, let text):
            return calls.map { call in
                #"{"role":"tool","tool_call_id":"\#(call.id)","content":"\#(self.text())"}"#
            } + (text.map { [#"{"role":"user","content":"\#($0)"}"#] } ?? [])
        }
    }

    private mutating func responses(_ step: Step) -> [String] {
        switch step {
        case .system(let text): return [#"{"role":"developer","content":"\#(text)"}"#]
        case .user(let texts, let image):
            var parts = texts.map { #"{"type":"input_text","text":"\#($0)"}"# }
            if image {
                parts.append(#"{"type":"input_image","image_url":"data:image/png;base64,AAAA"}"#)
            }
            return [#"{"type":"message","role":"user","content":\#(list(parts))}"#]
        case .assistant(let text, let thought, let calls):
            var items: [String] = []
            if let thought {
                items.append(
                    #"{"type":"reasoning","summary":[{"type":"summary_text","text":"\#(thought)"}]"#
                        + #","encrypted_content":"gAAA"}"#)
            }
            if let text { items.append(#"{"role":"assistant","content":"\#(text)"}"#) }
            return items
                + calls.map { call in
                    #"{"type":"function_call","call_id":"\#(call.id)","name":"\#(call.name)","#
                        + #""arguments":"{}"}"#
                }
        case .results(let calls, let text):
            return calls.map { call in
                #"{"type":"function_call_output","call_id":"\#(call.id)","output":"#
                    + "\"\(self.text())\"}"
            } + (text.map { [#"{"role":"user","content":"\#($0)"}"#] } ?? [])
        }
    }

    private mutating func messages(_ step: Step) -> [String] {
        switch step {
        case .system(let text): return [#"{"role":"system","content":"\#(text)"}"#]
        case .user(let texts, let image):
            var parts = texts.map { #"{"type":"text","text":"\#($0)"}"# }
            if image {
                parts.append(
                    #"{"type":"image","source":{"type":"base64","media_type":"image/png","#
                        + #""data":"AAAA"}}"#)
            }
            return [#"{"role":"user","content":\#(list(parts))}"#]
        case .assistant(let text, let thought, let calls):
            var blocks: [String] = []
            if let thought {
                blocks.append(#"{"type":"thinking","thinking":"\#(thought)","signature":"c2ln"}"#)
            }
            if let text { blocks.append(#"{"type":"text","text":"\#(text)"}"#) }
            blocks += calls.map { call in
                #"{"type":"tool_use","id":"\#(call.id)","name":"\#(call.name)","input":"#
                    + pick(Self.objects) + "}"
            }
            return [#"{"role":"assistant","content":\#(list(blocks))}"#]
        case .results(let calls, let text):
            var blocks = calls.map { call in
                #"{"type":"tool_result","tool_use_id":"\#(call.id)","content":"\#(self.text())"}"#
            }
            if let text { blocks.append(#"{"type":"text","text":"\#(text)"}"#) }
            return [#"{"role":"user","content":\#(list(blocks))}"#]
        }
    }

    private mutating func gemini(_ step: Step) -> [String] {
        switch step {
        // The form has no such thing between its turns.
        case .system: return []
        case .user(let texts, let image):
            var parts = texts.map { #"{"text":"\#($0)"}"# }
            if image {
                parts.append(#"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}"#)
            }
            return [#"{"role":"user","parts":\#(list(parts))}"#]
        case .assistant(let text, let thought, let calls):
            var parts: [String] = []
            if let thought { parts.append(#"{"text":"\#(thought)","thought":true}"#) }
            if let text { parts.append(#"{"text":"\#(text)"}"#) }
            parts += calls.map { call in
                #"{"functionCall":{"id":"\#(call.id)","name":"\#(call.name)","args":"#
                    + pick(Self.objects) + "}}"
            }
            return [#"{"role":"model","parts":\#(list(parts))}"#]
        case .results(let calls, let text):
            var parts = calls.map { call in
                #"{"functionResponse":{"id":"\#(call.id)","name":"\#(call.name)","response":"#
                    + pick(Self.objects) + "}}"
            }
            if let text { parts.append(#"{"text":"\#(text)"}"#) }
            return [#"{"role":"user","parts":\#(list(parts))}"#]
        }
    }
}
