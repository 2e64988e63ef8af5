import JSON
import Primitives

/// Writes a Responses request.
struct ResponsesRequestWriter: ~Copyable {
    var json = JSONWriter()
    var conversation: Conversation
    let names: TargetNames
    let quirks: Quirks
    /// The calls of tools that take free text: their results say so, too.
    let customCalls: Set<String>
    var isOwn: Bool { conversation.form == .responses }

    static func write(
        _ conversation: Conversation, _ names: TargetNames, _ quirks: Quirks, model: String?
    ) throws(Refusal) -> (body: [UInt8], losses: LossList) {
        var writer = ResponsesRequestWriter(
            conversation: conversation, names: names, quirks: quirks)
        try writer.write(model)
        return (writer.json.bytes, writer.conversation.losses)
    }

    private init(conversation: Conversation, names: TargetNames, quirks: Quirks) {
        self.conversation = conversation
        self.names = names
        self.quirks = quirks
        let calls = conversation.turns.lazy.flatMap(\.parts).compactMap(\.call)
        customCalls = Set(calls.filter { $0.kind == .custom }.map(\.id))
    }

    private mutating func write(_ model: String?) throws(Refusal) {
        json.beginObject()
        if let model { json.member("model", model) }
        if conversation.isStreamed { json.member("stream", true) }
        instructions()
        json.key("input")
        json.beginArray()
        let empty = json.mark
        try input()
        if json.mark == empty, !isOwn {
            // The vendor takes no conversation of nothing but instructions.
            conversation.losses.invent("input[0]")
            json.beginObject()
            json.member("role", literal: "user")
            json.member("content", literal: ".")
            json.endObject()
        }
        json.endArray()
        try tools()
        try choice()
        try text()
        reasoning()
        for setting in conversation.settings { try self.setting(setting) }
        if !isOwn {
            // Nothing is fetched later, and the reasoning must come back in the request.
            json.member("store", false)
        }
        include()
        json.endObject()
    }

    // MARK: Settings

    private mutating func setting(_ setting: Setting) throws(Refusal) {
        switch setting.field {
        case .limit:
            guard let value = setting.value.integer, value < quirks.outputMin else {
                return json.member("max_output_tokens", setting.value)
            }
            conversation.losses.change(setting.path)
            json.member("max_output_tokens", quirks.outputMin)
        case .tier:
            let tier = ServiceTierWord(setting, conversation.form)
            if tier.isShifted(in: .responses) { conversation.losses.change(setting.path) }
            if let word = tier.word(in: .responses) { json.member("service_tier", word) }
        case .safetyUser:
            guard let text = setting.value.plain, text.utf8.count > 128 else {
                return json.member("safety_identifier", setting.value)
            }
            conversation.losses.change(setting.path)
            json.member("safety_identifier", TargetNames.digest(text))
        case .store:
            guard isOwn else { return try conversation.losses.lack(setting) }
            json.member("store", setting.value)
        // Both stand in another member's object.
        case .verbosity, .logprobs: break
        case .metadata where conversation.form == .gemini:
            if setting.value.isEmptyValue { return }
            conversation.losses.change(setting.path)
            json.member("metadata", setting.value)
        case .own:
            guard isOwn else { return try conversation.losses.lack(setting) }
            json.key(named: setting.name)
            json.raw(setting.value)
        default:
            guard let row = Form.responses.fields.first(where: { $0.field == setting.field })
            else { return try conversation.losses.lack(setting) }
            json.key(named: row.name)
            json.raw(setting.value)
        }
    }

    private mutating func include() {
        let wantsProbabilities = conversation.setting(.logprobs)?.value.flag == true
        // A model that does not think has nothing of the kind.
        let wantsReasoning = !isOwn && quirks.thinking != .none
        guard wantsReasoning || wantsProbabilities else { return }
        json.key("include")
        json.beginArray()
        if wantsReasoning { json.literal("reasoning.encrypted_content") }
        if wantsProbabilities { json.literal("message.output_text.logprobs") }
        json.endArray()
    }

    private mutating func text() throws(Refusal) {
        let verbosity = conversation.setting(.verbosity)
        let format = try conversation.knownFormat()
        guard verbosity != nil || format != nil else { return }
        json.key("text")
        json.beginObject()
        if let verbosity { json.member("verbosity", verbosity.value) }
        if let format {
            json.key("format")
            json.beginObject()
            switch format.kind {
            case .text, .other: json.member("type", literal: "text")
            case .object: json.member("type", literal: "json_object")
            case .schema(let schema):
                json.member("type", literal: "json_schema")
                json.member("name", format.name ?? EscapedText("output"))
                if let text = format.description { json.member("description", text) }
                if let strict = conversation.isStrict(format, schema) {
                    json.member("strict", strict)
                }
                json.member("schema", schema)
            }
            json.endObject()
        }
        json.endObject()
    }

    private mutating func reasoning() {
        let wish = conversation.reasoning
        let effort = conversation.effort(quirks.ladder, &conversation.losses)
        let isShown = wish.isShown?.value == true
        if let shown = wish.isShown, !shown.value, conversation.form == .messages {
            conversation.losses.drop(shown.path)
        }
        guard effort != nil || isShown else { return }
        json.key("reasoning")
        json.beginObject()
        if let effort { json.member("effort", effort) }
        if isShown { json.member("summary", literal: "auto") }
        json.endObject()
    }

    // MARK: Tools

    private mutating func tools() throws(Refusal) {
        let tools = try conversation.clientTools(of: .responses).filter { !(isOwn && $0.isInTurns) }
        guard !tools.isEmpty else { return }
        json.key("tools")
        json.beginArray()
        for tool in tools {
            if isOwn || tool.isBuiltin, let raw = tool.raw {
                if !raw.isNull { json.raw(raw) }
                continue
            }
            json.beginObject()
            if case .custom(let format) = tool.kind {
                json.member("type", literal: "custom")
                json.member("name", names.tool(tool.fullName))
                if let text = tool.description { json.member("description", text) }
                customFormat(format)
            } else {
                json.member("type", literal: "function")
                json.member("name", names.tool(tool.fullName))
                tool.writeFunction(
                    schema: "parameters", to: &json, &conversation.losses, isOwn: isOwn,
                    default: RawJSON(literal: "{\"type\":\"object\",\"properties\":{}}"))
                // Without it the vendor tries to hold the model to a schema that may not allow it.
                let strict = conversation.isStrict(tool)
                if strict != nil || !isOwn { json.member("strict", strict ?? false) }
            }
            json.endObject()
        }
        json.endArray()
        if let parallel = conversation.parallel {
            json.member("parallel_tool_calls", parallel.value)
        }
    }

    private mutating func customFormat(_ format: RawJSON?) {
        guard let format else { return }
        // Chat has the grammar in an object of its own.
        guard let grammar = format["grammar"] else { return json.member("format", format) }
        json.key("format")
        json.beginObject()
        json.member("type", literal: "grammar")
        if let syntax = grammar["syntax"] { json.member("syntax", syntax) }
        if let definition = grammar["definition"] { json.member("definition", definition) }
        json.endObject()
    }

    private mutating func choice() throws(Refusal) {
        guard let choice = conversation.choice else { return }
        if case .builtin(let raw) = choice.kind {
            guard isOwn else {
                throw Refusal(choice.path, "the target has no tool of this kind")
            }
            return json.member("tool_choice", raw)
        }
        json.key("tool_choice")
        switch choice.kind {
        case .auto, .builtin: json.literal("auto")
        case .none: json.literal("none")
        case .required: json.literal("required")
        case .one(let name): function(name)
        case .subset(let isRequired, let names):
            json.beginObject()
            json.member("type", literal: "allowed_tools")
            json.member("mode", isRequired ? "required" : "auto")
            json.key("tools")
            json.beginArray()
            for name in names { function(name) }
            json.endArray()
            json.endObject()
        }
    }

    private mutating func function(_ name: ToolName) {
        let tool = conversation.tools.first { $0.fullName == name }
        json.beginObject()
        json.member("type", tool?.isCustom == true ? "custom" : "function")
        json.member("name", isOwn ? name.name : names.tool(name))
        if isOwn, let group = name.namespace { json.member("namespace", group) }
        json.endObject()
    }
}
