import JSON

extension ResponsesRequestReader {
    /// Each tool in the conversation is compared with those before it.
    private static let toolsMax = 4096

    mutating func input(_ value: RawJSON) throws(Refusal) {
        if let text = value.text {
            let part = Part(kind: .text(text, isBare: true), path: "input")
            return conversation.turns.append(Turn(role: .user, parts: [part], path: "input"))
        }
        for (index, item) in value.elements.enumerated() {
            try self.item(item, "input[\(index)]")
        }
    }

    private mutating func item(_ item: RawJSON, _ path: String) throws(Refusal) {
        let item = item.opened
        let type = item["type"]?.plain ?? "message"
        switch type {
        case "message": try message(item, path)
        case "reasoning": append(.assistant, reasoning(item, path))
        case "function_call", "custom_tool_call":
            append(.assistant, try call(item, path, isCustom: type == "custom_tool_call"))
        case "local_shell_call", "shell_call", "apply_patch_call", "tool_search_call",
            "computer_call":
            append(.assistant, try clientCall(item, path, type))
        case "function_call_output", "custom_tool_call_output", "local_shell_call_output",
            "shell_call_output", "apply_patch_call_output", "computer_call_output":
            append(.results, try result(item, path, type))
        case "tool_search_output":
            append(.results, try result(item, path, type))
            try additional(item, path)
        case "additional_tools": try additional(item, path)
        case "item_reference", "compaction", "compaction_trigger":
            throw Refusal(path, "only the vendor that keeps the conversation has what it names")
        case "configuration_update": updates.append((item, path))
        default: append(.assistant, Part(kind: .hosted(item), path: path))
        }
    }

    private mutating func append(_ role: Turn.Role, _ part: Part) {
        conversation.append(Turn(role: role, parts: [part], path: part.path), merges: true)
    }

    private mutating func message(_ item: RawJSON, _ path: String) throws(Refusal) {
        let parts = try content(item["content"] ?? RawJSON(literal: "[]"), "\(path).content")
        let known = ["type", "role", "content", "id", "status"]
        let extras = item.extras(except: known, at: path)
        switch item["role"]?.plain {
        case "system", "developer":
            var turn = Turn(role: .system, parts: parts, path: path, extras: extras)
            turn.spelling = item["role"]?.plain
            conversation.turns.append(turn)
        case "user":
            conversation.turns.append(
                Turn(role: .user, parts: parts, path: path, extras: extras))
        case "assistant":
            conversation.append(
                Turn(role: .assistant, parts: parts, path: path, extras: extras), merges: true)
        default: throw Refusal("\(path).role", "no role of this name is known")
        }
    }

    private func content(_ content: RawJSON, _ path: String) throws(Refusal) -> [Part] {
        if let text = content.text { return [Part(kind: .text(text, isBare: true), path: path)] }
        var parts: [Part] = []
        for (index, part) in content.elements.enumerated() {
            parts.append(try self.part(part, "\(path)[\(index)]"))
        }
        return parts
    }

    private func part(_ part: RawJSON, _ path: String) throws(Refusal) -> Part {
        let part = part.opened
        let known: [String]
        let kind: Part.Kind
        switch part["type"]?.plain {
        case "input_text", "output_text", "text", "summary_text":
            kind = .text(try part.text("text", at: path), isBare: false)
            known = ["type", "text"]
        case "refusal":
            kind = .refusal(try part.text("refusal", at: path))
            known = ["type", "refusal"]
        case "input_image", "computer_screenshot":
            known = ["type", "image_url", "file_id", "detail"]
            let source: Media.Source
            if let address = part["image_url"]?.text {
                source = Media.source(address)
            } else {
                source = .file(try part.text("file_id", at: path))
            }
            kind = .media(
                Media(
                    kind: .image, source: source, detail: part["detail"]?.text,
                    detailPath: "\(path).detail"))
        case "input_file":
            known = ["type", "file_data", "file_url", "file_id", "filename"]
            let source: Media.Source
            if let data = part["file_data"]?.text {
                source = Media.source(data, of: part["filename"]?.text)
            } else if let address = part["file_url"]?.text {
                source = .url(address)
            } else {
                source = .file(try part.text("file_id", at: path))
            }
            kind = .media(
                Media(
                    kind: .document, source: source, title: part["filename"]?.text,
                    titlePath: "\(path).filename"))
        default: throw Refusal(path, "a part of this type has no form in other dialects")
        }
        return Part(kind: kind, path: path, extras: part.extras(except: known, at: path))
    }

    private func reasoning(_ item: RawJSON, _ path: String) -> Part {
        let texts = (item["summary"]?.elements ?? []) + (item["content"]?.elements ?? [])
        var reasoning = Reasoning(
            visible: texts.compactMap { $0["text"]?.text }.filter { !$0.isEmpty })
        if let value = item["encrypted_content"]?.text {
            reasoning.sealed =
                ReasoningEnvelope.open(value)
                ?? Sealed(
                    form: .responses, kind: .encrypted, value: value, item: item["id"]?.text)
        }
        return Part(kind: .reasoning(reasoning), path: path)
    }

    // MARK: Calls and results

    private func call(
        _ item: RawJSON, _ path: String, isCustom: Bool
    ) throws(Refusal) -> Part {
        guard let id = item["call_id"]?.plain, let name = item["name"]?.plain else {
            throw Refusal(path, "a call has no id or no name")
        }
        let member = isCustom ? "input" : "arguments"
        var call = Call(
            id: id, name: name, namespace: item["namespace"]?.plain,
            kind: isCustom ? .custom : .function,
            arguments: .text(item[member]?.spokenArguments ?? .empty))
        (call.idPath, call.argumentsPath) = ("\(path).call_id", "\(path).\(member)")
        let known = [
            "type", "id", "call_id", "name", "namespace", "input", "arguments", "status",
        ]
        return Part(
            kind: .call(call), path: path, extras: item.extras(except: known, at: path))
    }

    /// A call of a tool of OpenAI's that the client runs: a function for other vendors.
    private func clientCall(
        _ item: RawJSON, _ path: String, _ type: String
    ) throws(Refusal) -> Part {
        guard let id = (item["call_id"] ?? item["id"])?.plain else {
            throw Refusal("\(path).call_id", "a call has no id")
        }
        let name = String(type.dropLast("_call".count))
        let members: [String]
        switch type {
        case "local_shell_call": members = ["command", "working_directory", "timeout_ms"]
        case "shell_call": members = ["commands", "timeout_ms", "max_output_length"]
        default: members = []
        }
        let action = item["action"] ?? item["operation"] ?? item["arguments"]
        var extras: [Extra] = []
        var arguments = action ?? RawJSON(literal: "{}")
        if !members.isEmpty, let action {
            var writer = JSONWriter()
            writer.beginObject()
            for member in members {
                guard let value = action[member] else { continue }
                writer.key(named: member)
                writer.raw(value)
            }
            writer.endObject()
            arguments = writer.value
            extras = action.extras(except: members + ["type"], at: "\(path).action")
        }
        var call = Call(id: id, name: name, arguments: .object(arguments))
        (call.idPath, call.argumentsPath, call.raw) = ("\(path).call_id", path, item)
        extras += item.extras(
            except: [
                "type", "id", "call_id", "status", "action", "operation", "arguments", "execution",
            ], at: path)
        return Part(kind: .call(call), path: path, extras: extras)
    }

    private func result(
        _ item: RawJSON, _ path: String, _ type: String
    ) throws(Refusal) -> Part {
        guard let id = (item["call_id"] ?? item["id"])?.plain else {
            throw Refusal("\(path).call_id", "a result names no call")
        }
        let output = item["output"] ?? RawJSON(literal: "\"\"")
        let isText = output.text != nil
        let isList = output.elements.contains { $0["type"] != nil }
        var parts: [Part] = []
        if isText || isList {
            parts = try content(output, "\(path).output")
        } else if output["type"]?.plain == "computer_screenshot" {
            parts = [try part(output, "\(path).output")]
        } else if type == "tool_search_output" || !output.isEmptyValue {
            let value = type == "tool_search_output" ? item["tools"] ?? output : output
            let text = EscapedText(bytes: value.compact[...])
            parts = [Part(kind: .text(text, isBare: true), path: "\(path).output")]
        }
        var result = CallResult(id: id, parts: parts)
        let known = ["type", "id", "call_id", "status", "output", "tools", "execution"]
        var extras = item.extras(except: known, at: path)
        // The call that it answers says these, too.
        for index in extras.indices where ["name", "namespace"].contains(extras[index].name) {
            extras[index].isTrivial = true
        }
        if let status = item["status"], status.plain != "completed" {
            let isFailed = type == "apply_patch_call_output" && status.plain == "failed"
            if isFailed { result.failed = Stated(value: true, path: "\(path).status") }
            if !isFailed {
                extras.append(Extra(name: "status", path: "\(path).status", value: status))
            }
        }
        result.isCustom = type == "custom_tool_call_output"
        if type != "function_call_output" && type != "custom_tool_call_output" {
            result.raw = item
        }
        return Part(kind: .result(result), path: path, extras: extras)
    }

    /// Tools that stand in the conversation: of two of a name the newer one counts, where the first
    /// one stood.
    private mutating func additional(_ item: RawJSON, _ path: String) throws(Refusal) {
        guard conversation.tools.count <= Self.toolsMax else {
            throw Refusal(path, "there are more than \(Self.toolsMax) tools")
        }
        var reader = self
        reader.conversation.tools = []
        for tool in item["tools"]?.elements ?? [] { try reader.tool(tool, path) }
        for var tool in reader.conversation.tools {
            tool.isInTurns = true
            tool.changedPath = path
            if let index = conversation.tools.firstIndex(where: { $0.fullName == tool.fullName }) {
                conversation.tools[index] = tool
            } else {
                conversation.tools.append(tool)
            }
        }
    }
}
