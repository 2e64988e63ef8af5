import JSON

/// Reads a chat completions request.
struct ChatRequestReader {
    private var conversation = Conversation(.chat)

    private init() {}

    static func read(_ body: RawJSON) throws(Refusal) -> Conversation {
        var reader = ChatRequestReader()
        for member in body.members { try reader.take(member) }
        try reader.conversation.checkCallNames()
        return reader.conversation
    }

    private mutating func take(_ member: RawJSON.Member) throws(Refusal) {
        let value = member.value
        guard !value.isNull else { return }
        switch member.name {
        case "model": conversation.model = value.text
        case "stream": conversation.isStreamed = value.flag == true
        case "stream_options":
            conversation.wantsUsage = value["include_usage"]?.flag == true
        case "messages": try messages(value.elements)
        case "tools":
            for (index, tool) in value.elements.enumerated() { try self.tool(tool, index) }
        case "functions":
            for (index, function) in value.elements.enumerated() {
                try self.function(function, "functions[\(index)]", raw: nil)
            }
        case "web_search_options":
            conversation.tools.append(
                Tool(
                    kind: .builtin(type: "web_search"), name: member.name, path: member.name,
                    raw: value))
        case "tool_choice", "function_call": conversation.choice = try choice(value, member.name)
        case "parallel_tool_calls":
            conversation.parallel = value.flag.map { Stated(value: $0, path: member.name) }
        case "reasoning_effort":
            conversation.reasoning.effort = value.plain.map {
                Stated(value: $0, path: member.name)
            }
        case "response_format": conversation.format = try format(value)
        default: conversation.take(member, at: member.name)
        }
    }

    // MARK: Messages

    private mutating func messages(_ messages: [RawJSON]) throws(Refusal) {
        for (index, message) in messages.lazy.map(\.opened).enumerated() {
            let path = "messages[\(index)]"
            switch message["role"]?.plain {
            case "system", "developer":
                var turn = Turn(role: .system, parts: try content(message, path), path: path)
                turn.spelling = message["role"]?.plain
                turn.extras = message.extras(except: ["role", "content"], at: path)
                conversation.turns.append(turn)
            case "user":
                var turn = Turn(role: .user, parts: try content(message, path), path: path)
                turn.extras = message.extras(except: ["role", "content"], at: path)
                conversation.turns.append(turn)
            case "assistant": conversation.turns.append(try assistant(message, path))
            case "tool", "function":
                conversation.append(try result(message, path), merges: true)
            default: throw Refusal("\(path).role", "no role of this name is known")
            }
        }
    }

    private func content(_ message: RawJSON, _ path: String) throws(Refusal) -> [Part] {
        guard let content = message["content"] else { return [] }
        let path = "\(path).content"
        if let text = content.text { return [Part(kind: .text(text, isBare: true), path: path)] }
        var parts: [Part] = []
        for (index, part) in content.elements.enumerated() {
            parts.append(try self.part(part, "\(path)[\(index)]"))
        }
        return parts
    }

    private func part(_ part: RawJSON, _ path: String) throws(Refusal) -> Part {
        let part = part.opened
        let type = part["type"]?.plain ?? ""
        let kind: Part.Kind
        var extras = part.extras(except: ["type", type], at: path)
        switch type {
        case "text": kind = .text(try part.text("text", at: path), isBare: false)
        case "refusal": kind = .refusal(try part.text("refusal", at: path))
        case "image_url":
            let image = part["image_url"] ?? part
            let address = try image.text("url", at: "\(path).image_url")
            extras += image.extras(
                except: ["url", "detail", "type"], at: "\(path).image_url", isNested: true)
            kind = .media(
                Media(
                    kind: .image, source: Media.source(address), detail: image["detail"]?.text,
                    detailPath: "\(path).image_url.detail"))
        case "input_audio":
            let audio = part["input_audio"] ?? part
            let type = EscapedText("audio/\(audio["format"]?.plain ?? "wav")")
            let data = try audio.text("data", at: "\(path).input_audio")
            extras += audio.extras(
                except: ["data", "format", "type"], at: "\(path).input_audio", isNested: true)
            kind = .media(Media(kind: .audio, source: .inline(type: type, data: data)))
        case "file":
            let file = part["file"] ?? part
            kind = .media(try self.file(file, "\(path).file"))
            extras += file.extras(
                except: ["file_data", "file_id", "filename", "type"], at: "\(path).file",
                isNested: true)
        default: throw Refusal(path, "a part of this type has no form in other dialects")
        }
        return Part(kind: kind, path: path, extras: extras)
    }

    private func file(_ file: RawJSON, _ path: String) throws(Refusal) -> Media {
        let title = file["filename"]?.text
        let source: Media.Source
        if let id = file["file_id"]?.text {
            source = .file(id)
        } else {
            source = Media.source(try file.text("file_data", at: path), of: title)
        }
        return Media(
            kind: .document, source: source, title: title, titlePath: "\(path).filename")
    }

    private func assistant(_ message: RawJSON, _ path: String) throws(Refusal) -> Turn {
        var parts: [Part] = []
        for name in ["reasoning_content", "reasoning"] {
            guard let text = message[name]?.text, !text.isEmpty else { continue }
            let reasoning = Reasoning(visible: [text])
            parts.append(Part(kind: .reasoning(reasoning), path: "\(path).\(name)"))
            break
        }
        parts += try content(message, path)
        if let refusal = message["refusal"]?.text {
            parts.append(Part(kind: .refusal(refusal), path: "\(path).refusal"))
        }
        for (index, call) in (message["tool_calls"]?.elements ?? []).enumerated() {
            parts.append(try self.call(call, "\(path).tool_calls[\(index)]"))
        }
        if let function = message["function_call"] {
            let path = "\(path).function_call"
            var call = Call(
                id: function["name"]?.plain ?? "", name: function["name"]?.plain ?? "",
                arguments: .text(function["arguments"]?.spokenArguments ?? .empty))
            (call.idPath, call.argumentsPath) = (path, "\(path).arguments")
            parts.append(Part(kind: .call(call), path: path))
        }
        let known = [
            "role", "content", "reasoning_content", "reasoning", "refusal", "tool_calls",
            "function_call",
        ]
        return Turn(
            role: .assistant, parts: parts, path: path,
            extras: message.extras(except: known, at: path))
    }

    private func call(_ value: RawJSON, _ path: String) throws(Refusal) -> Part {
        let value = value.opened
        let isCustom = value["type"]?.plain == "custom"
        let member = isCustom ? "custom" : "function"
        let function = (value[member] ?? RawJSON(literal: "{}")).opened
        let arguments = function[isCustom ? "input" : "arguments"]?.spokenArguments ?? .empty
        guard let name = function["name"]?.plain else {
            throw Refusal("\(path).\(member).name", "a call has no name")
        }
        var call = Call(
            id: value["id"]?.plain ?? "", name: name, kind: isCustom ? .custom : .function,
            arguments: .text(arguments))
        call.idPath = "\(path).id"
        call.argumentsPath = "\(path).\(member).\(isCustom ? "input" : "arguments")"
        if let signature = value["extra_content"]?["google"]?["thought_signature"]?.text {
            call.sealed = Sealed(form: .gemini, kind: .thought, value: signature)
        }
        return Part(
            kind: .call(call), path: path,
            extras: value.extras(
                except: ["id", "type", "function", "custom", "index", "extra_content"],
                at: path)
                + function.extras(
                    except: ["name", "arguments", "input"], at: "\(path).\(member)",
                    isNested: true))
    }

    private func result(_ message: RawJSON, _ path: String) throws(Refusal) -> Turn {
        let name = message["name"]?.plain
        // The deprecated role pairs by the name, and so did its call.
        let id = message["tool_call_id"]?.plain ?? name ?? ""
        let result = CallResult(id: id, name: name, parts: try content(message, path))
        let extras = message.extras(
            except: ["role", "content", "tool_call_id", "name"], at: path)
        return Turn(
            role: .results, parts: [Part(kind: .result(result), path: path, extras: extras)],
            path: path)
    }

    // MARK: Tools and the answer's form

    private mutating func tool(_ value: RawJSON, _ index: Int) throws(Refusal) {
        let path = "tools[\(index)]"
        let value = value.opened
        switch value["type"]?.plain {
        case "custom":
            let custom = value["custom"] ?? value
            var tool = Tool(
                kind: .custom(format: custom["format"]), name: custom["name"]?.plain ?? "",
                path: path)
            tool.description = custom["description"]?.text
            tool.raw = value
            tool.changedPath = path
            conversation.tools.append(tool)
        case "function", nil:
            try function(value["function"] ?? value, path, raw: value)
        case .some(let type):
            conversation.tools.append(
                Tool(kind: .builtin(type: type), name: type, path: path, raw: value))
        }
    }

    private mutating func function(
        _ function: RawJSON, _ path: String, raw: RawJSON?
    ) throws(Refusal) {
        let function = function.opened
        guard let name = function["name"]?.plain else {
            throw Refusal("\(path).function.name", "a tool has no name")
        }
        var tool = Tool(kind: .function, name: name, path: path)
        tool.description = function["description"]?.text
        tool.schema = function["parameters"]
        tool.schemaPath = raw == nil ? "\(path).parameters" : "\(path).function.parameters"
        tool.strict = function["strict"]?.flag
        tool.extras =
            (raw?.extras(except: ["type", "function"], at: path) ?? [])
            + function.extras(
                except: ["name", "description", "parameters", "strict", "type"],
                at: "\(path).function")
        conversation.tools.append(tool)
    }

    private func choice(_ value: RawJSON, _ path: String) throws(Refusal) -> ToolChoice {
        switch value.plain {
        case "auto": return ToolChoice(kind: .auto, path: path)
        case "none": return ToolChoice(kind: .none, path: path)
        case "required": return ToolChoice(kind: .required, path: path)
        case .some: throw Refusal(path, "no choice of this name is known")
        case nil: break
        }
        if let subset = value["allowed_tools"] {
            let names = (subset["tools"]?.elements ?? []).compactMap { tool in
                (tool["function"] ?? tool["custom"] ?? tool)["name"]?.plain
            }
            return ToolChoice(
                kind: .subset(
                    isRequired: subset["mode"]?.plain == "required",
                    names.map { ToolName(name: $0) }),
                path: path)
        }
        let named = value["function"] ?? value["custom"] ?? value
        guard let name = named["name"]?.plain else {
            return ToolChoice(kind: .builtin(value), path: path)
        }
        return ToolChoice(kind: .one(ToolName(name: name)), path: path)
    }

    private func format(_ value: RawJSON) throws(Refusal) -> OutputFormat {
        let path = "response_format"
        switch value["type"]?.plain {
        case "text": return OutputFormat(kind: .text, path: path)
        case "json_object": return OutputFormat(kind: .object, path: path)
        case "json_schema":
            let inner = value["json_schema"] ?? value
            guard let schema = inner["schema"] else {
                throw Refusal("\(path).json_schema.schema", "a schema is missing")
            }
            return OutputFormat(
                kind: .schema(schema), path: path, name: inner["name"]?.text,
                description: inner["description"]?.text,
                descriptionPath: "\(path).json_schema.description",
                strict: inner["strict"]?.flag)
        default: throw Refusal("\(path).type", "no format of this type is known")
        }
    }
}
