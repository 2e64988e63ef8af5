import JSON

extension Conversation {
    /// Refuses what no dialect takes: a vendor would say less about it, and not where it stands.
    mutating func check(for target: Form) throws(Refusal) {
        guard !turns.isEmpty else { throw withoutMessages }
        for setting in settings where !setting.field.takes(setting.value) {
            throw Refusal(setting.path, "no value of this kind stands here in any dialect")
        }
        for tool in tools where !tool.isBuiltin {
            guard !tool.name.isEmpty else {
                throw Refusal("\(tool.path).name", "a tool has no name")
            }
            if let schema = tool.schema, !schema.isObject {
                throw Refusal(tool.schemaPath, "a schema is an object")
            }
        }
        if case .schema(let schema)? = format?.kind, !schema.isObject, let path = format?.path {
            throw Refusal(path, "a schema is an object")
        }
        let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
        if let effort = reasoning.effort, !efforts.contains(effort.value) {
            losses.drop(effort.path)
            reasoning.effort = nil
        }
        for turn in turns.indices {
            for part in turns[turn].parts.indices {
                try turns[turn].parts[part].check(in: turns[turn].role, for: target)
            }
        }
        try checkChoice(for: target)
        try checkPairs()
    }

    private var withoutMessages: Refusal {
        let names: [Form: String] = [
            .chat: "messages", .responses: "input", .messages: "messages", .gemini: "contents",
        ]
        return Refusal(names[form] ?? "", "a conversation needs a message")
    }

    /// Takes out of a user's and the system's turns what has no form there elsewhere: what only the
    /// source's vendor reads, and reasoning, which is the assistant's.
    ///
    /// Refuses what is left without a word: no dialect takes a conversation of nothing.
    mutating func dropUnsayable() throws(Refusal) {
        for index in turns.indices {
            if turns[index].role == .user || turns[index].role == .system {
                for part in turns[index].parts where part.isUnsayable { losses.drop(part.path) }
                turns[index].parts.removeAll(where: \.isUnsayable)
            }
            for part in turns[index].parts.indices {
                turns[index].parts[part].dropUnknownDetail(&losses)
            }
        }
        let isSaid = turns.contains { turn in
            turn.role != .system || turn.parts.contains { $0.text?.isEmpty != true }
        }
        guard isSaid else { throw withoutMessages }
    }

    /// Refuses a choice of tools that there are not, and takes out of a choice of some what is no
    /// function.
    private mutating func checkChoice(for target: Form) throws(Refusal) {
        guard let choice else { return }
        let known = Set(tools.lazy.filter { !$0.isBuiltin }.map(\.fullName))
        switch choice.kind {
        case .auto, .none:
            // What is so without a word, and refused by some vendors.
            if tools.isEmpty { self.choice = nil }
        case .required:
            guard !tools.isEmpty else {
                throw Refusal(choice.path, "a tool is chosen where there is none")
            }
        case .one(let name):
            // One that the vendor runs is refused where the target has none like it.
            guard !tools.contains(where: { $0.fullName == name }) else { return }
            // A tool of a group may be chosen without the group's name.
            let grouped = name.namespace == nil ? tools.filter { $0.name == name.name } : []
            guard grouped.count == 1, let tool = grouped.first else {
                throw Refusal(choice.path, "a tool is chosen that there is not")
            }
            self.choice = ToolChoice(kind: .one(tool.fullName), path: choice.path)
        case .subset(let isRequired, let names):
            let fit = names.filter(known.contains)
            guard fit.count < names.count else { return }
            guard !fit.isEmpty || !isRequired else {
                throw Refusal(choice.path, "the target has no tool of this kind")
            }
            losses.change(choice.path)
            self.choice = ToolChoice(
                kind: fit.isEmpty ? .none : .subset(isRequired: isRequired, fit),
                path: choice.path)
        case .builtin: return
        }
    }

    /// Refuses results without their call, and calls whose result does not follow at once.
    private func checkPairs() throws(Refusal) {
        var open: [String: String] = [:]
        var isAnswering = false
        for turn in turns {
            let isNext =
                switch turn.role {
                case .user: true
                // Turns of the assistant become one until a result comes; an empty one is none.
                case .assistant: isAnswering && !turn.parts.isEmpty
                case .system: isAnswering
                case .results: false
                }
            if isNext, let first = open.values.min() {
                throw Refusal(first, "a call has no result before the next turn")
            }
            for part in turn.parts {
                if let call = part.call {
                    isAnswering = false
                    guard open.updateValue(call.idPath, forKey: call.id) == nil else {
                        throw Refusal(call.idPath, "another call without a result has this id")
                    }
                } else if let result = part.result {
                    isAnswering = true
                    guard open.removeValue(forKey: result.id) != nil else {
                        throw Refusal(part.path, "a result answers no call before it")
                    }
                }
            }
        }
        if let first = open.values.min() { throw Refusal(first, "a call has no result") }
    }
}
