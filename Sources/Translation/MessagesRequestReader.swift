import JSON

/// Reads a Messages request.
struct MessagesRequestReader {
    /// A line with a number that changes with each request, which spoils a vendor's prompt cache.
    private static let billing: StaticString = "x-anthropic-billing-header:"

    private var conversation = Conversation(.messages)
    private var system: Turn?

    private init() {}

    static func read(_ body: RawJSON) throws(Refusal) -> Conversation {
        var reader = MessagesRequestReader()
        for member in body.members { try reader.take(member) }
        if let system = reader.system { reader.conversation.turns.insert(system, at: 0) }
        try reader.conversation.checkCallNames()
        return reader.conversation
    }

    private mutating func take(_ member: RawJSON.Member) throws(Refusal) {
        let value = member.value
        guard !value.isNull else { return }
        switch member.name {
        case "model": conversation.model = value.text
        case "stream": conversation.isStreamed = value.flag == true
        case "system":
            var parts = try content(value, "system")
            for (index, block) in value.elements.enumerated()
            where parts[index].text?.hasPrefix(Self.billing) == true {
                parts[index].kind = .hosted(block)
            }
            system = Turn(role: .system, parts: parts, path: "system")
        case "messages": try messages(value.elements)
        case "tools":
            for (index, tool) in value.elements.enumerated() {
                conversation.tools.append(try Self.tool(tool, "tools[\(index)]"))
            }
        case "tool_choice": try choice(value)
        case "thinking": thinkingWish(value)
        case "output_config": output(value)
        case "metadata":
            for inner in value.members where !inner.value.isNull {
                guard inner.name == "user_id" else {
                    conversation.losses.drop("metadata.\(inner.name)")
                    continue
                }
                conversation.settings.append(
                    Setting(
                        field: .safetyUser, name: "metadata.user_id", path: "metadata.user_id",
                        value: inner.value, absent: .dropped))
            }
        default: conversation.take(member, at: member.name)
        }
    }

    // MARK: Messages

    private mutating func messages(_ messages: [RawJSON]) throws(Refusal) {
        for (index, message) in messages.lazy.map(\.opened).enumerated() {
            let path = "messages[\(index)]"
            let content = message["content"] ?? RawJSON(literal: "[]")
            let parts = try self.content(content, "\(path).content")
            let extras = message.extras(except: ["role", "content"], at: path)
            switch message["role"]?.plain {
            case "system":
                conversation.turns.append(
                    Turn(role: .system, parts: parts, path: path, extras: extras))
            case "assistant":
                conversation.turns.append(
                    Turn(role: .assistant, parts: parts, path: path, extras: extras))
            case "user":
                let results = parts.filter { $0.result != nil }
                let others = parts.filter { $0.result == nil }
                if !results.isEmpty {
                    conversation.append(
                        Turn(role: .results, parts: results, path: path, extras: extras),
                        merges: true)
                }
                if !others.isEmpty || results.isEmpty {
                    conversation.turns.append(
                        Turn(
                            role: .user, parts: others, path: path,
                            extras: results.isEmpty ? extras : []))
                }
            default: throw Refusal("\(path).role", "no role of this name is known")
            }
        }
    }

    private func content(_ content: RawJSON, _ path: String) throws(Refusal) -> [Part] {
        if let text = content.text { return [Part(kind: .text(text, isBare: true), path: path)] }
        var parts: [Part] = []
        for (index, block) in content.elements.enumerated() {
            parts.append(try part(block, "\(path)[\(index)]"))
        }
        return parts
    }

    private func part(_ block: RawJSON, _ path: String) throws(Refusal) -> Part {
        let block = block.opened
        let known: [String]
        let kind: Part.Kind
        var inner: [Extra] = []
        switch block["type"]?.plain {
        case "text":
            kind = .text(try block.text("text", at: path), isBare: false)
            known = ["type", "text"]
        case "image", "document":
            kind = try media(block, path)
            inner =
                block["source"]?.extras(
                    except: ["type", "media_type", "data", "url", "file_id"],
                    at: "\(path).source", isNested: true) ?? []
            known = ["type", "source", "title"]
        case "thinking":
            kind = .reasoning(thinking(block))
            known = ["type", "thinking", "signature"]
        case "redacted_thinking":
            kind = .reasoning(
                Reasoning(sealed: sealed(block["data"]?.text ?? .empty, .redacted)))
            known = ["type", "data"]
        case "tool_use":
            kind = .call(try call(block, path))
            known = ["type", "id", "name", "input"]
        case "tool_result":
            kind = .result(try result(block, path))
            known = ["type", "tool_use_id", "content", "is_error"]
        case "search_result":
            known = ["type", "title", "source", "content", "citations"]
            return Part(
                kind: .text(searchResult(block), isBare: false), path: path,
                extras: block.extras(except: known, at: path), raw: block)
        case .some: return Part(kind: .hosted(block), path: path)
        case nil: throw Refusal("\(path).type", "a block has no type")
        }
        return Part(
            kind: kind, path: path, extras: block.extras(except: known, at: path) + inner)
    }

    private func thinking(_ block: RawJSON) -> Reasoning {
        let signature = block["signature"]?.text ?? .empty
        let text = block["thinking"]?.text ?? .empty
        return Reasoning(
            visible: text.isEmpty ? [] : [text],
            sealed: signature.isEmpty ? nil : sealed(signature, .signature))
    }

    /// What a signature seals: a vendor's own, or another dialect's in an envelope.
    private func sealed(_ value: EscapedText, _ kind: Sealed.Kind) -> Sealed {
        ReasoningEnvelope.open(value) ?? Sealed(form: .messages, kind: kind, value: value)
    }

    private func media(_ block: RawJSON, _ path: String) throws(Refusal) -> Part.Kind {
        let kind: Media.Kind = block["type"]?.plain == "image" ? .image : .document
        guard let source = block["source"]?.opened else {
            throw Refusal("\(path).source", "a source is missing")
        }
        let title = block["title"]?.text
        let sourcePath = "\(path).source"
        let address: Media.Source
        switch source["type"]?.plain {
        case "base64":
            let type = try source.text("media_type", at: sourcePath)
            address = .inline(type: type, data: try source.text("data", at: sourcePath))
        case "url": address = .url(try source.text("url", at: sourcePath))
        case "file": address = .file(try source.text("file_id", at: sourcePath))
        case "text": address = .text(try source.text("data", at: sourcePath))
        default: throw Refusal(sourcePath, "a source of this type has no form in other dialects")
        }
        return .media(
            Media(kind: kind, source: address, title: title, titlePath: "\(path).title"))
    }

    private func searchResult(_ block: RawJSON) -> EscapedText {
        let texts = (block["content"]?.elements ?? []).compactMap { $0["text"]?.text }
        return EscapedText.joined(
            [block["title"]?.text, block["source"]?.text].compactMap { $0 } + texts)
    }

    private func call(_ block: RawJSON, _ path: String) throws(Refusal) -> Call {
        guard let id = block["id"]?.plain, let name = block["name"]?.plain else {
            throw Refusal(path, "a call has no id or no name")
        }
        var call = Call(
            id: id, name: name, arguments: .object(block["input"] ?? RawJSON(literal: "{}")))
        (call.idPath, call.argumentsPath) = ("\(path).id", "\(path).input")
        return call
    }

    private func result(_ block: RawJSON, _ path: String) throws(Refusal) -> CallResult {
        guard let id = block["tool_use_id"]?.plain else {
            throw Refusal("\(path).tool_use_id", "a result names no call")
        }
        let content = block["content"] ?? RawJSON(literal: "\"\"")
        var result = CallResult(id: id, parts: try self.content(content, "\(path).content"))
        if let failed = block["is_error"]?.flag, failed {
            result.failed = Stated(value: true, path: "\(path).is_error")
        }
        return result
    }

    // MARK: Thinking and the answer's form

    private mutating func thinkingWish(_ value: RawJSON) {
        switch value["type"]?.plain {
        case "enabled": conversation.reasoning.mode = Stated(value: .enabled, path: "thinking")
        case "adaptive": conversation.reasoning.mode = Stated(value: .adaptive, path: "thinking")
        case "disabled": conversation.reasoning.mode = Stated(value: .disabled, path: "thinking")
        default: conversation.losses.drop("thinking.type")
        }
        for member in value.members where !member.value.isNull {
            let path = "thinking.\(member.name)"
            switch member.name {
            case "type": break
            case "budget_tokens":
                conversation.reasoning.budget = member.value.integer.map {
                    Stated(value: $0, path: path)
                }
            case "display":
                conversation.reasoning.isShown = Stated(
                    value: member.value.plain != "omitted", path: path)
            // It binds signatures to a conversation, and signatures stay with their vendor.
            case "block_binding": break
            default: conversation.losses.drop(path)
            }
        }
    }

    private mutating func output(_ value: RawJSON) {
        for member in value.members where !member.value.isNull {
            let path = "output_config.\(member.name)"
            switch member.name {
            case "effort":
                conversation.reasoning.effort = member.value.plain.map {
                    Stated(value: $0, path: path)
                }
            case "format":
                guard let schema = member.value["schema"] else {
                    conversation.losses.drop(path)
                    continue
                }
                conversation.format = OutputFormat(kind: .schema(schema), path: path)
            default: conversation.losses.drop(path)
            }
        }
    }

    private mutating func choice(_ value: RawJSON) throws(Refusal) {
        let path = "tool_choice"
        if let isSerial = value["disable_parallel_tool_use"]?.flag {
            conversation.parallel = Stated(
                value: !isSerial, path: "\(path).disable_parallel_tool_use")
        }
        switch value["type"]?.plain {
        case "auto": conversation.choice = ToolChoice(kind: .auto, path: path)
        case "any": conversation.choice = ToolChoice(kind: .required, path: path)
        case "none": conversation.choice = ToolChoice(kind: .none, path: path)
        case "tool":
            guard let name = value["name"]?.plain else {
                throw Refusal("\(path).name", "a chosen tool has no name")
            }
            conversation.choice = ToolChoice(kind: .one(ToolName(name: name)), path: path)
        default: throw Refusal("\(path).type", "no choice of this type is known")
        }
    }
}
