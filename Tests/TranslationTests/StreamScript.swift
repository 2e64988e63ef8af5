@testable import Translation

/// What a vendor answers, to be spelled as the stream of any form.
///
/// It is written down anew here, and not with the product's writers, so that a fault of theirs
/// cannot hide.
struct StreamScript: CustomStringConvertible, Sendable {
    enum Step: Sendable {
        case reasoning([String])
        case text([String])
        case call(id: String, name: String, arguments: [String])
    }

    let description: String
    var steps: [Step]
    var finish = "stop"
    var isUsageEarly = false

    static let all: [StreamScript] = [
        StreamScript(description: "text", steps: [.text(["Hel", "lo \\u00e9\\n", "\u{1F600}"])]),
        StreamScript(description: "nothing", steps: []),
        StreamScript(
            description: "reasoning", steps: [.reasoning(["th", "ink"]), .text(["A"])]),
        StreamScript(
            description: "one tool",
            steps: [.call(id: "call_a", name: "f", arguments: [#"{\"a\""#, ":1", "}"])],
            finish: "tool_calls"),
        StreamScript(
            description: "text and three tools",
            steps: [
                .text(["Look."]), .call(id: "call_a", name: "f", arguments: [#"{\"a\":1}"#]),
                .call(id: "call_b", name: "f", arguments: [#"{\"a\":"#, #"\"x\\ny\"}"#]),
                .call(id: "call_c", name: "g", arguments: []),
            ], finish: "tool_calls"),
        StreamScript(
            description: "reasoning and a tool",
            steps: [
                .reasoning(["plan"]), .call(id: "call_a", name: "f", arguments: ["{}"]),
            ], finish: "tool_calls"),
        StreamScript(
            description: "the length's end", steps: [.text(["cut of"])], finish: "length"),
        StreamScript(
            description: "a filter", steps: [.text(["bad"])], finish: "content_filter"),
        StreamScript(
            description: "usage first", steps: [.text(["x"])], isUsageEarly: true),
    ]

    /// The events, each the data of one.
    func events(_ form: Form) -> [String] {
        switch form {
        case .chat: chat
        case .responses: responses
        case .messages: messages
        case .gemini: gemini
        }
    }

    /// The stream's bytes.
    static func bytes(_ events: [String], _ form: Form) -> [UInt8] {
        let end = form == .gemini ? "\r\n\r\n" : "\n\n"
        return Array(events.map { "data: \($0)\(end)" }.joined().utf8)
    }

    // MARK: Chat

    private var chat: [String] {
        func chunk(_ delta: String, _ finish: String = "null", _ more: String = "") -> String {
            #"{"id":"x","model":"m","choices":[{"index":0,"delta":"# + delta
                + #","finish_reason":"# + finish + "}]\(more)}"
        }
        let usage =
            #""usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"#
            + #""prompt_tokens_details":{"cached_tokens":3},"#
            + #""completion_tokens_details":{"reasoning_tokens":1}}"#
        var events = [chunk(#"{"role":"assistant","content":""}"#)]
        var index = 0
        for step in steps {
            switch step {
            case .reasoning(let texts):
                events += texts.map { chunk(#"{"reasoning_content":"\#($0)"}"#) }
            case .text(let texts): events += texts.map { chunk(#"{"content":"\#($0)"}"#) }
            case .call(let id, let name, let arguments):
                events.append(
                    chunk(
                        #"{"tool_calls":[{"index":\#(index),"id":"\#(id)","type":"function","#
                            + #""function":{"name":"\#(name)","arguments":""}}]}"#))
                events += arguments.map { text in
                    chunk(
                        #"{"tool_calls":[{"index":\#(index),"function":{"arguments":"\#(text)"}}]}"#
                    )
                }
                index += 1
            }
        }
        events.append(chunk("{}", "\"\(finish)\"", isUsageEarly ? ",\(usage)" : ""))
        if !isUsageEarly { events.append(#"{"id":"x","model":"m","choices":[],\#(usage)}"#) }
        return events + ["[DONE]"]
    }

    // MARK: Responses

    private var responses: [String] {
        var events = [#"{"type":"response.created","response":{"id":"r","output":[]}}"#]
        var items: [String] = []
        for (index, step) in steps.enumerated() {
            let (begin, deltas, end) = Self.responsesItem(step, index)
            events.append(
                #"{"type":"response.output_item.added","output_index":\#(index),"item":\#(begin)}"#)
            events += deltas
            events.append(
                #"{"type":"response.output_item.done","output_index":\#(index),"item":\#(end)}"#)
            items.append(end)
        }
        let usage =
            #""usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":3},"#
            + #""output_tokens":4,"output_tokens_details":{"reasoning_tokens":1},"#
            + #""total_tokens":14}"#
        let reasons = ["length": "max_output_tokens", "content_filter": "content_filter"]
        let word = reasons[finish].map { #""incomplete_details":{"reason":"\#($0)"},"# } ?? ""
        let type = word.isEmpty ? "completed" : "incomplete"
        events.append(
            #"{"type":"response.\#(type)","response":{"id":"r","status":"\#(type)","#
                + word + #""output":["# + items.joined(separator: ",") + "],\(usage)}}")
        return events
    }

    private static func responsesItem(
        _ step: Step, _ index: Int
    ) -> (begin: String, deltas: [String], end: String) {
        func delta(_ type: String, _ texts: [String]) -> [String] {
            texts.map { text in
                #"{"type":"response.\#(type).delta","output_index":\#(index),"delta":"\#(text)"}"#
            }
        }
        switch step {
        case .reasoning(let texts):
            return (
                #"{"id":"rs","type":"reasoning","summary":[]}"#,
                delta("reasoning_summary_text", texts),
                #"{"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"#
                    + "\"\(texts.joined())\"" + #"}],"encrypted_content":"gAAA"}"#
            )
        case .text(let texts):
            return (
                #"{"id":"m","type":"message","role":"assistant","content":[]}"#,
                delta("output_text", texts),
                #"{"id":"m","type":"message","role":"assistant","content":[{"type":"#
                    + #""output_text","text":"\#(texts.joined())","annotations":[]}]}"#
            )
        case .call(let id, let name, let arguments):
            let head = #"{"id":"fc","type":"function_call","call_id":"\#(id)","name":"\#(name)","#
            return (
                head + #""arguments":""}"#, delta("function_call_arguments", arguments),
                head + #""arguments":"\#(arguments.joined())"}"#
            )
        }
    }

    // MARK: Messages

    private var messages: [String] {
        let usage = #""input_tokens":7,"cache_read_input_tokens":3"#
        let output = #""output_tokens":4,"output_tokens_details":{"thinking_tokens":1}"#
        var events = [
            #"{"type":"message_start","message":{"id":"m","model":"m","content":[],"usage":{"#
                + usage + (isUsageEarly ? ",\(output)" : "") + "}}}", #"{"type":"ping"}"#,
        ]
        for (index, step) in steps.enumerated() {
            let (begin, deltas) = Self.block(step)
            events.append(
                #"{"type":"content_block_start","index":\#(index),"content_block":\#(begin)}"#)
            events += deltas.map { delta in
                #"{"type":"content_block_delta","index":\#(index),"delta":\#(delta)}"#
            }
            events.append(#"{"type":"content_block_stop","index":\#(index)}"#)
        }
        let words = [
            "stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens",
            "content_filter": "refusal",
        ]
        events.append(
            #"{"type":"message_delta","delta":{"stop_reason":"\#(words[finish] ?? "")"},"#
                + #""usage":{\#(isUsageEarly ? usage : output)}}"#)
        return events + [#"{"type":"message_stop"}"#]
    }

    private static func block(_ step: Step) -> (begin: String, deltas: [String]) {
        switch step {
        case .reasoning(let texts):
            return (
                #"{"type":"thinking","thinking":"","signature":""}"#,
                texts.map { #"{"type":"thinking_delta","thinking":"\#($0)"}"# }
                    + [#"{"type":"signature_delta","signature":"c2ln"}"#]
            )
        case .text(let texts):
            return (
                #"{"type":"text","text":""}"#,
                texts.map { #"{"type":"text_delta","text":"\#($0)"}"# }
            )
        case .call(let id, let name, let arguments):
            return (
                #"{"type":"tool_use","id":"\#(id)","name":"\#(name)","input":{}}"#,
                arguments.map { #"{"type":"input_json_delta","partial_json":"\#($0)"}"# }
            )
        }
    }

    // MARK: Gemini

    private var gemini: [String] {
        let usage =
            #""usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3,"#
            + #""thoughtsTokenCount":1,"cachedContentTokenCount":3,"totalTokenCount":14}"#
        func chunk(_ part: String, _ more: String = "") -> String {
            #"{"candidates":[{"index":0,"content":{"role":"model","parts":[\#(part)]}}]\#(more)}"#
        }
        var events: [String] = []
        for step in steps {
            switch step {
            case .reasoning(let texts):
                events += texts.map { chunk(#"{"text":"\#($0)","thought":true}"#) }
            case .text(let texts): events += texts.map { chunk(#"{"text":"\#($0)"}"#) }
            case .call(let id, let name, let arguments):
                let whole = EscapedText(inner: Array(arguments.joined().utf8)[...]).plain
                events.append(
                    chunk(
                        #"{"functionCall":{"id":"\#(id)","name":"\#(name)","args":"#
                            + (whole.isEmpty ? "{}" : whole) + "}}"))
            }
        }
        if isUsageEarly, !events.isEmpty { events[0] = String(events[0].dropLast()) + ",\(usage)}" }
        let words = ["length": "MAX_TOKENS", "content_filter": "SAFETY"]
        events.append(
            #"{"candidates":[{"index":0,"content":{"parts":[{"text":""}]},"finishReason":""#
                + (words[finish] ?? "STOP") + "\"}]" + (isUsageEarly ? "" : ",\(usage)") + "}")
        return events
    }
}
