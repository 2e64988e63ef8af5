@testable import Translation

/// What a vendor refuses a request for: written from the vendors' rules, not from the writers.
enum VendorRules {
    /// The first rule that a body breaks; nil where it breaks none.
    static func fault(_ body: RawJSON, _ form: Form) -> String? {
        let text = String(decoding: body.bytes, as: UTF8.self)
        // An envelope of the gateway's goes to no vendor.
        if text.contains("weir1:") || text.contains("d2VpcjE6") { return "an envelope" }
        switch form {
        case .chat: return chat(body["messages"]?.elements ?? [])
        case .responses: return responses(body["input"]?.elements ?? [])
        case .messages: return messages(body["messages"]?.elements ?? [])
        case .gemini: return gemini(body["contents"]?.elements ?? [])
        }
    }

    private static func chat(_ messages: [RawJSON]) -> String? {
        var open: Set<String> = []
        for message in messages {
            switch message["role"]?.plain {
            case "tool":
                guard open.remove(message["tool_call_id"]?.plain ?? "") != nil else {
                    return "a result without its call"
                }
            case "assistant":
                guard open.isEmpty else { return "a call without its result" }
                open = Set((message["tool_calls"]?.elements ?? []).compactMap { $0["id"]?.plain })
            case "system", "user", "developer":
                guard open.isEmpty else { return "something between a call and its result" }
            default: return "a role"
            }
        }
        return open.isEmpty ? nil : "a call without its result"
    }

    private static func responses(_ items: [RawJSON]) -> String? {
        var open: Set<String> = []
        for (index, item) in items.enumerated() {
            switch item["type"]?.plain {
            case "function_call": open.insert(item["call_id"]?.plain ?? "")
            case "function_call_output":
                guard open.remove(item["call_id"]?.plain ?? "") != nil else {
                    return "a result without its call"
                }
            case "reasoning":
                let next = items.indices.contains(index + 1) ? items[index + 1] : nil
                let isLed =
                    next?["type"]?.plain == "function_call"
                    || next?["role"]?.plain == "assistant"
                guard isLed else { return "reasoning without its item" }
                guard item["encrypted_content"]?.plain == "gAAA" else { return "foreign reasoning" }
            default: break
            }
        }
        return open.isEmpty ? nil : "a call without its result"
    }

    private static func messages(_ messages: [RawJSON]) -> String? {
        var role = "assistant"
        var open: Set<String> = []
        for message in messages {
            guard let next = message["role"]?.plain, next != role else { return "roles" }
            role = next
            let blocks = message["content"]?.elements ?? []
            if message["content"]?.text == nil, blocks.isEmpty { return "no content" }
            var hasOther = false
            for block in blocks {
                switch block["type"]?.plain {
                case "tool_result":
                    if hasOther { return "a result behind something else" }
                    guard open.remove(block["tool_use_id"]?.plain ?? "") != nil else {
                        return "a result without its call"
                    }
                case "tool_use": open.insert(block["id"]?.plain ?? "")
                case "text":
                    hasOther = true
                    if block["text"]?.text?.isEmpty != false { return "an empty text" }
                case "thinking":
                    guard block["signature"]?.plain == "c2ln" else { return "a signature" }
                default: hasOther = true
                }
            }
            if role == "user", !open.isEmpty { return "a call without its result" }
        }
        return open.isEmpty ? nil : "a call without its result"
    }

    private static func gemini(_ contents: [RawJSON]) -> String? {
        guard contents.first?["role"]?.plain == "user" else { return "the first is not the user's" }
        var calls: [String] = []
        for content in contents {
            let parts = content["parts"]?.elements ?? []
            guard !parts.isEmpty else { return "no parts" }
            if content["role"]?.plain == "model" {
                let functions = parts.filter { $0["functionCall"] != nil }
                calls = functions.compactMap { $0["functionCall"]?["id"]?.plain }
                if let first = functions.first, first["thoughtSignature"] == nil {
                    return "a first call without a signature"
                }
            } else {
                let results = parts.compactMap { $0["functionResponse"]?["id"]?.plain }
                guard results == calls else { return "results unlike the calls" }
                calls = []
            }
        }
        return calls.isEmpty ? nil : "a call without its result"
    }
}
