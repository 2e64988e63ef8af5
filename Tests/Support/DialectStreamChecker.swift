import JSON

extension DialectChecker {
    /// What a client would stumble over in a stream, given as the data of its events; nil where
    /// nothing.
    ///
    /// A stream that is cut off is one without its end, and right as far as it goes.
    public func fault(ofStream data: [String]) -> String? {
        var events: [JSONValue] = []
        for (index, text) in data.enumerated() {
            if self == .chat, text == "[DONE]" {
                guard index == data.count - 1 else { return "something follows the end" }
                continue
            }
            guard let event = try? JSONValue(parsing: text) else {
                return "event \(index) is no JSON: \(text.prefix(200))"
            }
            events.append(event)
        }
        return switch self {
        case .chat: Self.chat(events, isEnded: data.last == "[DONE]")
        case .responses: Self.responses(events)
        case .messages: Self.messages(events)
        case .gemini: Self.gemini(events)
        }
    }

    private static func isObject(_ text: String) -> Bool {
        guard case .object? = try? JSONValue(parsing: text) else { return false }
        return true
    }

    // MARK: Chat completions

    private static func chat(_ events: [JSONValue], isEnded: Bool) -> String? {
        var arguments: [String] = []
        var finish: String?
        for (index, event) in events.enumerated() {
            if event["error"] != nil {
                if let fault = DialectAnswerShape.openAIError.fault(event) { return fault }
                return index == events.count - 1 && !isEnded ? nil : "something follows an error"
            }
            if let fault = DialectAnswerShape.chatChunk.fault(event, at: "[\(index)]") {
                return fault
            }
            guard let choice = event["choices"]?.elements?.first else {
                guard finish != nil, event["usage"] != nil else { return "a chunk of nothing" }
                continue
            }
            if finish != nil { return "[\(index)] follows the finish" }
            let delta = choice["delta"]
            if (index == 0) != (delta?["role"] != nil) { return "[\(index)].role" }
            for call in delta?["tool_calls"]?.elements ?? [] {
                let position = Int(call["index"]?.double ?? -1)
                // Free text comes whole, and may be anything.
                let custom = call["custom"]
                let text = custom == nil ? call["function"]?["arguments"]?.text ?? "" : "{}"
                if position == arguments.count {
                    guard call["id"] != nil, (custom ?? call["function"])?["name"] != nil,
                        call["type"] != nil
                    else { return "[\(index)] begins a call without its names" }
                    arguments.append(text)
                } else {
                    guard arguments.indices.contains(position) else { return "[\(index)].index" }
                    if call["id"] != nil { return "[\(index)] has an id twice" }
                    arguments[position] += text
                }
            }
            finish = choice["finish_reason"]?.text ?? finish
        }
        guard isEnded else { return nil }
        guard let finish else { return "the end without a finish" }
        if finish == "tool_calls" || finish == "stop", !arguments.allSatisfy(isObject) {
            return "a call is not whole: \(arguments)"
        }
        return finish == "tool_calls" && arguments.isEmpty ? "tool_calls without one" : nil
    }

    // MARK: Responses

    private struct OpenItem {
        let item: JSONValue
        var text = ""
        var hasPart = false
        var isDone = false
    }

    private static func responses(_ events: [JSONValue]) -> String? {
        var items: [OpenItem] = []
        for (index, event) in events.enumerated() {
            if let fault = DialectAnswerShape.responsesEvent.fault(event, at: "[\(index)]") {
                return fault
            }
            guard event["sequence_number"]?.double == Double(index) else {
                return "[\(index)] has another number"
            }
            let type = event["type"]?.text ?? ""
            if (index == 0) != (type == "response.created") { return "[\(index)] is \(type)" }
            if ["response.completed", "response.incomplete", "response.failed"].contains(type) {
                guard index == events.count - 1 else { return "something follows the end" }
                return end(event, type, items)
            }
            if let fault = item(event, type, &items) { return "[\(index)] \(type): \(fault)" }
        }
        return nil
    }

    private static func item(
        _ event: JSONValue, _ type: String, _ items: inout [OpenItem]
    ) -> String? {
        guard let number = event["output_index"]?.double.map({ Int($0) }) else { return nil }
        if type == "response.output_item.added" {
            guard number == items.count, let item = event["item"] else { return "its index" }
            items.append(OpenItem(item: item))
            return nil
        }
        guard items.indices.contains(number), !items[number].isDone else { return "no such item" }
        if let id = event["item_id"], id != items[number].item["id"] { return "another id" }
        switch type {
        case "response.output_item.done":
            items[number].isDone = true
            if event["item"]?["id"] != items[number].item["id"] { return "another id" }
        case "response.content_part.added": items[number].hasPart = true
        case "response.output_text.delta", "response.refusal.delta":
            guard items[number].hasPart else { return "a text before its part" }
            items[number].text += event["delta"]?.text ?? ""
        case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
            items[number].text += event["delta"]?.text ?? ""
        case "response.output_text.done", "response.refusal.done",
            "response.function_call_arguments.done", "response.custom_tool_call_input.done":
            let names = ["text", "refusal", "arguments", "input"]
            let whole = names.compactMap { event[$0]?.text }.first
            guard whole == items[number].text else { return "\(whole ?? "") is another text" }
            if type.contains("function_call"), !isObject(items[number].text) { return "no object" }
        default: break
        }
        return nil
    }

    private static func end(
        _ event: JSONValue, _ type: String, _ items: [OpenItem]
    ) -> String? {
        let response = event["response"]
        guard response?["status"]?.text.map({ "response.\($0)" }) == type else { return "status" }
        let output = response?["output"]?.elements ?? []
        let known = Set(items.compactMap { $0.item["id"]?.text })
        let ids = output.compactMap { $0["id"]?.text }
        guard Set(ids).isSubset(of: known) else { return "an item that was never there" }
        guard type != "response.failed" else {
            return response?["error"] == .null ? "a failure without an error" : nil
        }
        guard output.count == items.count else { return "the end lacks items" }
        return nil
    }

    // MARK: Messages

    private static func messages(_ events: [JSONValue]) -> String? {
        var (next, open): (Int, JSONValue?) = (0, nil)
        var arguments = ""
        var isFinished = false
        for (index, event) in events.enumerated() {
            if let fault = DialectAnswerShape.messagesEvent.fault(event, at: "[\(index)]") {
                return fault
            }
            let type = event["type"]?.text ?? ""
            if type == "ping" { continue }
            if type == "error" {
                return index == events.count - 1 ? nil : "something follows an error"
            }
            if (index == 0) != (type == "message_start") { return "[\(index)] is \(type)" }
            if isFinished, type != "message_stop" { return "[\(index)] follows the finish" }
            switch type {
            case "content_block_start":
                guard open == nil, event["index"]?.double == Double(next) else {
                    return "[\(index)] begins beside another one"
                }
                open = event["content_block"]
                arguments = ""
            case "content_block_delta":
                guard let block = open, event["index"]?.double == Double(next) else {
                    return "[\(index)] belongs to no block"
                }
                let kind = event["delta"]?["type"]?.text ?? ""
                let fits: [String: [String]] = [
                    "text": ["text_delta"], "thinking": ["thinking_delta", "signature_delta"],
                    "tool_use": ["input_json_delta"],
                ]
                guard fits[block["type"]?.text ?? ""]?.contains(kind) == true else {
                    return "[\(index)] is of another kind"
                }
                arguments += event["delta"]?["partial_json"]?.text ?? ""
            case "content_block_stop":
                guard open != nil, event["index"]?.double == Double(next) else {
                    return "[\(index)] ends no block"
                }
                (next, open) = (next + 1, nil)
            case "message_delta":
                guard open == nil else { return "[\(index)] finishes inside of a block" }
                isFinished = true
                let reason = event["delta"]?["stop_reason"]?.text
                if reason == "tool_use", !arguments.isEmpty, !isObject(arguments) {
                    return "a call is not whole"
                }
            case "message_stop":
                guard isFinished, index == events.count - 1 else { return "[\(index)] is no end" }
            default: break
            }
        }
        return nil
    }

    // MARK: Gemini

    private static func gemini(_ events: [JSONValue]) -> String? {
        var isFinished = false
        for (index, event) in events.enumerated() {
            if event["error"] != nil {
                if let fault = DialectAnswerShape.geminiError.fault(event) { return fault }
                return index == events.count - 1 ? nil : "something follows an error"
            }
            if isFinished { return "[\(index)] follows the finish" }
            if let fault = DialectAnswerShape.gemini.fault(event, at: "[\(index)]") { return fault }
            isFinished = event["candidates"]?.elements?.first?["finishReason"] != nil
        }
        return nil
    }
}
