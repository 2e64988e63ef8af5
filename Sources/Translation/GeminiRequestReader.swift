import JSON

/// Reads a generateContent request; its members may be spelled with capitals or underscores.
struct GeminiRequestReader {
    private var conversation = Conversation(.gemini)
    private var system: Turn?
    private var calls = GeminiCalls()

    private init() {}

    static func read(_ body: RawJSON) throws(Refusal) -> Conversation {
        var reader = GeminiRequestReader()
        for member in body.camelMembers { try reader.take(member) }
        if let system = reader.system { reader.conversation.turns.insert(system, at: 0) }
        try reader.conversation.checkCallNames()
        return reader.conversation
    }

    private mutating func take(_ member: RawJSON.Member) throws(Refusal) {
        let value = member.value
        guard !value.isNull else { return }
        switch member.name {
        case "model": conversation.model = value.text
        case "contents": try contents(value.isObject ? [value] : value.elements)
        case "systemInstruction":
            let parts: [Part]
            if let text = value.text {
                parts = [Part(kind: .text(text, isBare: true), path: member.name)]
            } else {
                parts = try self.parts(value, member.name)
                if let result = parts.first(where: { $0.result != nil }) {
                    throw Refusal(result.path, "a result stands outside of the user's turn")
                }
            }
            system = Turn(role: .system, parts: parts, path: member.name)
        case "tools":
            for (index, tool) in value.elements.enumerated() { tools(tool, "tools[\(index)]") }
        case "toolConfig": try toolConfig(value)
        case "generationConfig": try generation(value)
        default: conversation.take(member, at: member.name)
        }
    }

    // MARK: Contents

    private mutating func contents(_ contents: [RawJSON]) throws(Refusal) {
        for (index, content) in contents.enumerated() {
            let path = "contents[\(index)]"
            let content = content.openedInCamel
            var parts = try self.parts(content, path)
            try calls.pair(&parts)
            guard content["role"]?.plain != "model" else {
                // The SDK keeps the empty text that ended a stream.
                let said = parts.filter { $0.text?.isEmpty != true }
                guard !said.isEmpty else { continue }
                conversation.turns.append(Turn(role: .assistant, parts: said, path: path))
                continue
            }
            let results = parts.filter { $0.result != nil }
            let others = parts.filter { $0.result == nil }
            if !results.isEmpty {
                conversation.append(
                    Turn(role: .results, parts: results, path: path), merges: true)
            }
            if !others.isEmpty || results.isEmpty {
                conversation.turns.append(Turn(role: .user, parts: others, path: path))
            }
        }
    }

    private mutating func parts(_ content: RawJSON, _ path: String) throws(Refusal) -> [Part] {
        let list = content.camel("parts")
        let values = list?.isObject == true ? [list].compactMap { $0 } : list?.elements ?? []
        var parts: [Part] = []
        for (index, value) in values.enumerated() {
            parts += try part(value, "\(path).parts[\(index)]")
        }
        return parts
    }

    private mutating func part(_ value: RawJSON, _ path: String) throws(Refusal) -> [Part] {
        let value = value.openedInCamel
        let signature = value["thoughtSignature"]?.text.map { text in
            ReasoningEnvelope.open(text) ?? Sealed(form: .gemini, kind: .thought, value: text)
        }
        var parts: [Part] = []
        var known = ["thoughtSignature", "thought"]
        var nested: [Extra] = []
        if let text = value["text"]?.text {
            known.append("text")
            if value["thought"]?.flag == true {
                let reasoning = Reasoning(visible: text.isEmpty ? [] : [text], sealed: signature)
                parts = [Part(kind: .reasoning(reasoning), path: path)]
            } else {
                if let signature {
                    let reasoning = Reasoning(sealed: signature)
                    parts.append(
                        Part(kind: .reasoning(reasoning), path: "\(path).thoughtSignature"))
                }
                parts.append(Part(kind: .text(text, isBare: false), path: path))
            }
        } else if let call = value["functionCall"] {
            known.append("functionCall")
            // A call's mark that it is another vendor's says nothing to any.
            if let signature, signature.form != .gemini, signature.kind != .none {
                parts.append(
                    Part(kind: .reasoning(Reasoning(sealed: signature)), path: path))
            }
            parts.append(Part(kind: .call(try self.call(call, path, signature)), path: path))
            nested = call.openedInCamel.extras(
                except: ["id", "name", "args"], at: "\(path).functionCall", isNested: true)
        } else if let response = value["functionResponse"] {
            known.append("functionResponse")
            parts = [Part(kind: .result(try result(response, path)), path: path)]
            nested = response.openedInCamel.extras(
                except: ["id", "name", "response", "parts"], at: "\(path).functionResponse",
                isNested: true)
        } else if let media = try media(value, path) {
            known += ["inlineData", "fileData"]
            parts = [Part(kind: .media(media), path: path)]
            nested = Self.names(of: value, media, path)
        } else {
            return [Part(kind: .hosted(value), path: path)]
        }
        parts[parts.count - 1].extras = value.extras(except: known, at: path) + nested
        return parts
    }

    /// The names of things that have one in no other dialect, and what no reader knows of them.
    private static func names(of part: RawJSON, _ media: Media, _ path: String) -> [Extra] {
        var known = ["mimeType", "data", "fileUri"]
        if media.title != nil, media.kind == .document { known.append("displayName") }
        var names: [Extra] = []
        for name in ["inlineData", "fileData"] {
            guard let inner = part.camel(name)?.openedInCamel else { continue }
            names += inner.extras(except: known, at: "\(path).\(name)", isNested: true)
        }
        for index in names.indices where names[index].name == "displayName" {
            names[index].isHarmless = true
        }
        return names
    }

    private mutating func call(
        _ value: RawJSON, _ path: String, _ signature: Sealed?
    ) throws(Refusal) -> Call {
        let value = value.openedInCamel
        guard let name = value["name"]?.plain else {
            throw Refusal("\(path).functionCall.name", "a call has no name")
        }
        let id = calls.open(value["id"]?.plain, tool: name)
        var call = Call(
            id: id, name: name,
            arguments: .object(value["args"] ?? RawJSON(literal: "{}")))
        call.sealed = signature?.isFor(.gemini) == true ? signature : nil
        (call.idPath, call.argumentsPath) = (
            "\(path).functionCall.id", "\(path).functionCall.args"
        )
        return call
    }

    private mutating func result(_ value: RawJSON, _ path: String) throws(Refusal) -> CallResult {
        let path = "\(path).functionResponse"
        let value = value.openedInCamel
        let name = value["name"]?.plain ?? ""
        let object = value["response"] ?? RawJSON(literal: "{}")
        // Which call it answers is known when all results of the content are.
        var result = CallResult(id: value["id"]?.plain ?? "", name: name, parts: [])
        result.object = object
        let members = object.members
        if members.count == 1, members[0].name == "error" {
            result.failed = Stated(value: true, path: "\(path).response.error")
        }
        let isWrapped = members.count == 1 && ["output", "error"].contains(members[0].name)
        let inner = isWrapped ? members[0].value : object
        if !object.isEmptyValue {
            let text = inner.text ?? EscapedText(bytes: inner.compact[...])
            result.parts.append(
                Part(kind: .text(text, isBare: true), path: "\(path).response"))
        }
        for (index, part) in (value["parts"]?.elements ?? []).enumerated() {
            let partPath = "\(path).parts[\(index)]"
            guard let media = try media(part, partPath) else { continue }
            let known = ["inlineData", "fileData"]
            result.parts.append(
                Part(
                    kind: .media(media), path: partPath,
                    extras: part.openedInCamel.extras(except: known, at: partPath)
                        + Self.names(of: part, media, partPath)))
        }
        return result
    }

    private func media(_ value: RawJSON, _ path: String) throws(Refusal) -> Media? {
        if let inline = value.camel("inlineData") {
            let path = "\(path).inlineData"
            guard let type = inline.camel("mimeType")?.text else {
                throw Refusal("\(path).mimeType", "a type is missing")
            }
            let source = Media.Source.inline(type: type, data: try inline.text("data", at: path))
            return Media(
                kind: Media.kind(ofType: type), source: source,
                title: inline.camel("displayName")?.text, titlePath: "\(path).displayName")
        }
        guard let file = value.camel("fileData") else { return nil }
        guard let address = file.camel("fileUri")?.text else {
            throw Refusal("\(path).fileData.fileUri", "an address is missing")
        }
        let type = file.camel("mimeType")?.text
        let kind = type.map(Media.kind(ofType:)) ?? .document
        var media = Media(kind: kind, source: .url(address))
        media.type = type
        return media
    }

    // MARK: Tools

    private mutating func tools(_ value: RawJSON, _ path: String) {
        for member in value.camelMembers where !member.value.isNull {
            guard member.name == "functionDeclarations" else {
                conversation.tools.append(
                    Tool(
                        kind: .builtin(type: member.name), name: member.name,
                        path: "\(path).\(member.name)", raw: member.value))
                continue
            }
            for (index, function) in member.value.elements.enumerated() {
                let path = "\(path).functionDeclarations[\(index)]"
                let function = function.openedInCamel
                var tool = Tool(
                    kind: .function, name: function["name"]?.plain ?? "", path: path)
                tool.description = function["description"]?.text
                let isJSON = function["parametersJsonSchema"] != nil
                tool.schema =
                    function["parametersJsonSchema"]
                    ?? function["parameters"].map(GeminiSchema.jsonSchema)
                tool.schemaPath = "\(path).\(isJSON ? "parametersJsonSchema" : "parameters")"
                tool.extras = function.extras(
                    except: ["name", "description", "parameters", "parametersJsonSchema"],
                    at: path)
                conversation.tools.append(tool)
            }
        }
    }

    private mutating func toolConfig(_ value: RawJSON) throws(Refusal) {
        for member in value.camelMembers where !member.value.isNull {
            let path = "toolConfig.\(member.name)"
            guard member.name == "functionCallingConfig" else {
                conversation.losses.drop(path)
                continue
            }
            let names = (member.value.camel("allowedFunctionNames")?.elements ?? [])
                .compactMap(\.plain).map { ToolName(name: $0) }
            let mode = member.value.camel("mode")?.plain?.uppercased()
            let kind: ToolChoice.Kind
            switch mode {
            case "NONE": kind = .none
            case "ANY" where names.count == 1: kind = .one(names[0])
            case "ANY" where !names.isEmpty: kind = .subset(isRequired: true, names)
            case "ANY": kind = .required
            case "VALIDATED" where !names.isEmpty: kind = .subset(isRequired: false, names)
            case "AUTO", "VALIDATED", "MODE_UNSPECIFIED", nil: kind = .auto
            default: throw Refusal("\(path).mode", "no mode of this name is known")
            }
            var choice = ToolChoice(kind: kind, path: path)
            // Arguments held to their schema need a schema that the other vendors' rules allow.
            if mode == "VALIDATED" { choice.changedPath = "\(path).mode" }
            conversation.choice = choice
            if member.value.camel("streamFunctionCallArguments")?.flag == true {
                conversation.losses.drop("\(path).streamFunctionCallArguments")
            }
        }
    }

    // MARK: Generation

    private mutating func generation(_ value: RawJSON) throws(Refusal) {
        var type: String?
        var spelled: [RawJSON.Member] = []
        var schema: (value: RawJSON, path: String)?
        for member in value.camelMembers where !member.value.isNull {
            let path = "generationConfig.\(member.name)"
            if member.name.hasPrefix("response"), member.name != "responseModalities",
                member.name != "responseLogprobs", member.name != "responseFormat"
            {
                spelled.append(member)
            }
            switch member.name {
            case "responseMimeType": type = member.value.plain
            case "responseSchema":
                schema = schema ?? (GeminiSchema.jsonSchema(member.value), path)
            case "responseJsonSchema", "_responseJsonSchema": schema = (member.value, path)
            case "thinkingConfig": thinking(member.value, path)
            default: conversation.take(member, at: path)
            }
        }
        let path = "generationConfig.responseMimeType"
        if let schema, type != "text/x.enum" {
            conversation.format = OutputFormat(kind: .schema(schema.value), path: schema.path)
        } else if type == "application/json" {
            conversation.format = OutputFormat(kind: .object, path: path)
        } else if let type {
            let isText = type == "text/plain"
            conversation.format = OutputFormat(kind: isText ? .text : .other, path: path)
        }
        conversation.format?.members = spelled
    }

    private mutating func thinking(_ value: RawJSON, _ path: String) {
        for member in value.camelMembers where !member.value.isNull {
            let path = "\(path).\(member.name)"
            switch member.name {
            case "thinkingBudget":
                guard let tokens = member.value.integer else { continue }
                if tokens == 0 {
                    conversation.reasoning.mode = Stated(value: .disabled, path: path)
                } else {
                    conversation.reasoning.budget = Stated(value: tokens, path: path)
                }
            case "thinkingLevel":
                conversation.reasoning.effort = member.value.plain.map {
                    Stated(value: $0.lowercased(), path: path)
                }
            case "includeThoughts":
                conversation.reasoning.isShown = member.value.flag.map {
                    Stated(value: $0, path: path)
                }
            default: conversation.losses.drop(path)
            }
        }
    }
}

extension RawJSON {
    /// The members, each name in camel case, as Gemini's servers read them.
    var camelMembers: [Member] {
        members.map { member in
            guard let name = Self.camelCase(member.name) else { return member }
            return Member(name: name, value: member.value)
        }
    }

    /// A name with underscores in camel case; nil for any other.
    private static func camelCase(_ name: String) -> String? {
        guard name.utf8.contains(UInt8(ascii: "_")), !name.hasPrefix("_") else { return nil }
        let words = name.split(separator: "_")
        let rest = words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }
        return (words.prefix(1).map(String.init) + rest).joined()
    }

    /// The value of a member in camel case; nil without one, and for null.
    func camel(_ name: String) -> RawJSON? {
        let found = members.last { $0.name == name || Self.camelCase($0.name) == name }
        return found.flatMap { $0.value.isNull ? nil : $0.value }
    }
}
