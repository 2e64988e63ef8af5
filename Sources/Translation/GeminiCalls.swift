/// The calls of a Gemini conversation that have no result so far.
///
/// The dialect's clients send a result with its call's id, with one of their own, or with none. A
/// result that no id pairs belongs to the first open call of its tool.
struct GeminiCalls {
    private var count = 0
    /// The tool of each open call.
    private var tools: [String: String] = [:]
    /// The calls of each tool in their order, and how far all have their result.
    private var queues: [String: (ids: [String], next: Int)] = [:]

    /// Notes a call, and returns its id: the client's, or one by its index in the conversation.
    mutating func open(_ id: String?, tool: String) -> String {
        var id = id ?? ""
        if id.isEmpty {
            repeat {
                count += 1
                id = "call_\(count)"
            } while tools[id] != nil
        }
        tools[id] = tool
        queues[tool, default: ([], 0)].ids.append(id)
        return id
    }

    /// Gives each result of a content the id of its call.
    mutating func pair(_ parts: inout [Part]) throws(Refusal) {
        var rest: [(index: Int, result: CallResult)] = []
        for (index, part) in parts.enumerated() {
            guard let result = part.result, tools.removeValue(forKey: result.id) == nil else {
                continue
            }
            rest.append((index, result))
        }
        for (index, var result) in rest {
            guard let id = first(of: result.name ?? "") else {
                throw Refusal(
                    "\(parts[index].path).functionResponse", "a result answers no call before it")
            }
            result.id = id
            parts[index].kind = .result(result)
        }
    }

    private mutating func first(of tool: String) -> String? {
        guard var queue = queues.removeValue(forKey: tool) else { return nil }
        defer { queues[tool] = queue }
        while queue.next < queue.ids.count {
            let first = queue.ids[queue.next]
            queue.next += 1
            if tools.removeValue(forKey: first) != nil { return first }
        }
        return nil
    }
}
