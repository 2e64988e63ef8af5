import JSON

/// Reads a generateContent request; its members may be spelled with capitals or underscores.
struct GeminiRequestReader {
    private var conversation = Conversation(.gemini)
    private var system: Turn?
    /// Calls without an id of the client's, by their tool's name, that have no result so far.
    private var unanswered: [String: (ids: [String], next: Int)] = [:]
    private var callCount = 0

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
            let parts = try self.parts(content, path)
            guard content.camel("role")?.plain != "model" else {
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
        let value = value.opened
        let signature = value.camel("thoughtSignature")?.text.map { text in
            ReasoningEnvelope.open(text) ?? Sealed(form: .gemini, kind: .thought, value: text)
        }
        var parts: [Part] = []
        var known: Set = ["thoughtSignature", "thought"]
        if let text = value.camel("text")?.text {
            known.insert("text")
            if value.camel("thought")?.flag == true {
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
        } else if let call = value.camel("functionCall") {
            known.insert("functionCall")
            // A call's mark that it is another vendor's says nothing to any.
            if let signature, signature.form != .gemini, signature.kind != .none {
                parts.append(
                    Part(kind: .reasoning(Reasoning(sealed: signature)), path: path))
            }
            parts.append(Part(kind: .call(try self.call(call, path, signature)), path: path))
        } else if let response = value.camel("functionResponse") {
            known.insert("functionResponse")
            parts = [Part(kind: .result(try result(response, path)), path: path)]
        } else if let media = try media(value, path) {
            known.formUnion(["inlineData", "fileData"])
            parts = [Part(kind: .media(media), path: path)]
        } else {
            return [Part(kind: .hosted(value), path: path)]
        }
        let extras = value.camelMembers.filter {
            !known.contains($0.name) && !$0.value.isEmptyValue
        }
        parts[parts.count - 1].extras = extras.map { member in
            Extra(name: member.name, path: "\(path).\(member.name)", value: member.value)
        }
        return parts
    }

    private mutating func call(
        _ value: RawJSON, _ path: String, _ signature: Sealed?
    ) throws(Refusal) -> Call {
        guard let name = value.camel("name")?.plain else {
            throw Refusal("\(path).functionCall.name", "a call has no name")
        }
        callCount += 1
        var id = "call_\(callCount)"
        if let own = value.camel("id")?.plain {
            id = own
        } else {
            unanswered[name, default: ([], 0)].ids.append(id)
        }
        var call = Call(
            id: id, name: name,
            arguments: .object(value.camel("args") ?? RawJSON(literal: "{}")))
        call.sealed = signature?.isFor(.gemini) == true ? signature : nil
        (call.idPath, call.argumentsPath) = (
            "\(path).functionCall.id", "\(path).functionCall.args"
        )
        return call
    }

    private mutating func result(_ value: RawJSON, _ path: String) throws(Refusal) -> CallResult {
        let path = "\(path).functionResponse"
        let name = value.camel("name")?.plain ?? ""
        var id = value.camel("id")?.plain
        if id == nil, let open = unanswered[name], open.next < open.ids.count {
            id = open.ids[open.next]
            unanswered[name]?.next += 1
        }
        guard let id else { throw Refusal(path, "a result answers no call") }
        let object = value.camel("response") ?? RawJSON(literal: "{}")
        var result = CallResult(id: id, name: name, parts: [])
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
        for (index, part) in (value.camel("parts")?.elements ?? []).enumerated() {
            let partPath = "\(path).parts[\(index)]"
            guard let media = try media(part, partPath) else { continue }
            result.parts.append(Part(kind: .media(media), path: partPath))
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
                title: inline.camel("displayName")?.text)
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
                var tool = Tool(
                    kind: .function, name: function.camel("name")?.plain ?? "", path: path)
                tool.description = function.camel("description")?.text
                let isJSON = function.camel("parametersJsonSchema") != nil
                tool.schema =
                    function.camel("parametersJsonSchema")
                    ?? function.camel("parameters").map(GeminiSchema.jsonSchema)
                tool.schemaPath = "\(path).\(isJSON ? "parametersJsonSchema" : "parameters")"
                tool.extras = function.camelMembers.filter { member in
                    !["name", "description", "parameters", "parametersJsonSchema"].contains(
                        member.name) && !member.value.isEmptyValue
                }.map { member in
                    Extra(name: member.name, path: "\(path).\(member.name)", value: member.value)
                }
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
        if let schema {
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
            guard member.name.utf8.contains(UInt8(ascii: "_")), !member.name.hasPrefix("_") else {
                return member
            }
            let words = member.name.split(separator: "_")
            let rest = words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }
            return Member(
                name: (words.prefix(1).map(String.init) + rest).joined(), value: member.value)
        }
    }

    /// The value of a member in camel case; nil without one, and for null.
    func camel(_ name: String) -> RawJSON? {
        camelMembers.last { $0.name == name }.flatMap { $0.value.isNull ? nil : $0.value }
    }
}
