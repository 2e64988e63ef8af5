public import JSON

/// Holds what is sent in a dialect to the dialect: shapes, and what no shape says.
///
/// Written from the vendors' types and refusals and from what their clients stumble over, and not
/// from any writer of this project.
public enum DialectChecker: String, CaseIterable, Sendable {
    case chat, responses, messages, gemini

    /// What a vendor would refuse a request for; nil where nothing.
    public func fault(ofRequest body: JSONValue) -> String? {
        let shape =
            switch self {
            case .chat: DialectRequestShape.chat
            case .responses: DialectRequestShape.responses
            case .messages: DialectRequestShape.messages
            case .gemini: DialectRequestShape.gemini
            }
        if let fault = shape.fault(body) { return fault }
        return switch self {
        case .chat: Self.chat(body["messages"]?.elements ?? [])
        case .responses: Self.responses(body["input"]?.elements ?? [])
        case .messages: Self.messages(body)
        case .gemini: Self.gemini(body["contents"]?.elements ?? [])
        }
    }

    /// What a client would stumble over in a whole answer; nil where nothing.
    public func fault(ofAnswer body: JSONValue, status: Int) -> String? {
        guard status == 200 else { return errorShape.fault(body) }
        let shape =
            switch self {
            case .chat: DialectAnswerShape.chat
            case .responses: DialectAnswerShape.responses
            case .messages: DialectAnswerShape.messages
            case .gemini: DialectAnswerShape.gemini
            }
        return shape.fault(body)
    }

    var errorShape: JSONShape {
        switch self {
        case .chat, .responses: DialectAnswerShape.openAIError
        case .messages: DialectAnswerShape.messagesError
        case .gemini: DialectAnswerShape.geminiError
        }
    }

    // MARK: What no shape of a request says

    private static func chat(_ messages: [JSONValue]) -> String? {
        var open: Set<String> = []
        for (index, message) in messages.enumerated() {
            let path = "messages[\(index)]"
            if message["role"]?.text == "tool" {
                guard open.remove(message["tool_call_id"]?.text ?? "") != nil else {
                    return "\(path) is a result without its call"
                }
                continue
            }
            guard open.isEmpty else { return "\(path) stands between a call and its result" }
            let calls = (message["tool_calls"]?.elements ?? []).compactMap { $0["id"]?.text }
            open = Set(calls)
            if open.count < calls.count { return "\(path) has one id twice" }
            if calls.contains(where: { $0.utf8.count > 64 }) { return "\(path) has a long id" }
            let isEmpty = message["content"]?.text == nil && message["content"]?.elements == nil
            if message["role"]?.text == "assistant", calls.isEmpty, isEmpty,
                message["refusal"]?.text == nil
            {
                return "\(path) says nothing"
            }
        }
        return open.isEmpty ? nil : "the last calls have no results"
    }

    private static func responses(_ items: [JSONValue]) -> String? {
        var open: Set<String> = []
        for (index, item) in items.enumerated() {
            let path = "input[\(index)]"
            switch item["type"]?.text {
            case "function_call", "custom_tool_call":
                guard open.insert(item["call_id"]?.text ?? "").inserted else {
                    return "\(path) has an id twice"
                }
            case "function_call_output", "custom_tool_call_output":
                guard open.remove(item["call_id"]?.text ?? "") != nil else {
                    return "\(path) is a result without its call"
                }
            case "reasoning":
                let next = index + 1 < items.count ? items[index + 1] : nil
                let isLed =
                    ["function_call", "custom_tool_call", "reasoning"].contains(next?["type"]?.text)
                    || next?["role"]?.text == "assistant"
                guard isLed else { return "\(path) is reasoning without its item" }
            default: break
            }
        }
        return open.isEmpty ? nil : "calls have no results"
    }

    private static func messages(_ body: JSONValue) -> String? {
        // The vendor itself joins messages of one role that follow each other.
        var open: Set<String> = []
        for (index, message) in (body["messages"]?.elements ?? []).enumerated() {
            let path = "messages[\(index)]"
            let role = message["role"]?.text ?? ""
            if index == 0, role != "user" { return "\(path) is not the user's" }
            let blocks = message["content"]?.elements ?? []
            var hasOther = false
            let results = blocks.compactMap { $0["tool_use_id"]?.text }
            if !open.isEmpty, Set(results) != open { return "\(path) lacks results" }
            for block in blocks {
                guard block["type"]?.text == "tool_result" else {
                    hasOther = true
                    continue
                }
                if hasOther { return "\(path) has a result behind something else" }
                guard open.remove(block["tool_use_id"]?.text ?? "") != nil else {
                    return "\(path) has a result without its call"
                }
            }
            let calls = blocks.filter { $0["type"]?.text == "tool_use" }.compactMap {
                $0["id"]?.text
            }
            open = Set(calls)
            if open.count < calls.count { return "\(path) has one id twice" }
            let isFit = calls.allSatisfy { id in
                id.utf8.allSatisfy { byte in
                    0x61...0x7A ~= byte | 0x20 || 0x30...0x39 ~= byte || byte == 0x5F
                        || byte == 0x2D
                }
            }
            if !isFit { return "\(path) has an id that the vendor refuses" }
        }
        if !open.isEmpty { return "the last calls have no results" }
        if let choice = body["tool_choice"]?["name"]?.text {
            let names = (body["tools"]?.elements ?? []).compactMap { $0["name"]?.text }
            if !names.contains(choice) { return "tool_choice names no tool" }
        }
        return nil
    }

    private static func gemini(_ contents: [JSONValue]) -> String? {
        guard contents.first?["role"]?.text == "user" else {
            return "contents[0] is not the user's"
        }
        var calls = 0
        for (index, content) in contents.enumerated() {
            let parts = content["parts"]?.elements ?? []
            let results = parts.count { $0["functionResponse"] != nil }
            guard results == calls else { return "contents[\(index)] has \(results) of \(calls)" }
            calls = parts.count { $0["functionCall"] != nil }
            if calls > 0, content["role"]?.text != "model" { return "contents[\(index)] calls" }
        }
        return calls == 0 ? nil : "the last calls have no results"
    }
}
