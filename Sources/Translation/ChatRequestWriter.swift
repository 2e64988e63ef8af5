import JSON
import Primitives

/// Writes a chat completions request.
struct ChatRequestWriter: ~Copyable {
    private static let stopMax = 4

    var json = JSONWriter()
    var conversation: Conversation
    let names: TargetNames
    let quirks: Quirks
    var isOwn: Bool { conversation.form == .chat }

    static func write(
        _ conversation: Conversation, _ names: TargetNames, _ quirks: Quirks, model: String?
    ) throws(Refusal) -> (body: [UInt8], losses: LossList) {
        var writer = ChatRequestWriter(conversation: conversation, names: names, quirks: quirks)
        try writer.write(model)
        return (writer.json.bytes, writer.conversation.losses)
    }

    private init(conversation: Conversation, names: TargetNames, quirks: Quirks) {
        self.conversation = conversation
        self.names = names
        self.quirks = quirks
    }

    private mutating func write(_ model: String?) throws(Refusal) {
        json.beginObject()
        if let model { json.member("model", model) }
        if conversation.isStreamed {
            json.member("stream", true)
            json.key("stream_options")
            json.beginObject()
            json.member("include_usage", true)
            json.endObject()
        }
        json.key("messages")
        json.beginArray()
        try messages()
        json.endArray()
        try tools()
        try choice()
        try format()
        reasoning()
        for setting in conversation.settings { try self.setting(setting) }
        json.endObject()
    }

    // MARK: Settings

    private mutating func setting(_ setting: Setting) throws(Refusal) {
        switch setting.field {
        case .limit: json.member(limitName, setting.value)
        case .stop: stop(setting)
        case .tier: tier(setting)
        case .safetyUser:
            guard let text = setting.value.plain, text.utf8.count > 128 else {
                return json.member("safety_identifier", setting.value)
            }
            conversation.losses.change(setting.path)
            json.member("safety_identifier", TargetNames.digest(text))
        case .metadata where conversation.form == .gemini:
            if setting.value.isEmptyValue { return }
            conversation.losses.change(setting.path)
            json.member("metadata", setting.value)
        case .store where conversation.form != .chat:
            // What is stored is another thing there, and cannot be fetched by this client.
            try conversation.losses.lack(setting)
        // Several answers cannot be distinguished on their way back.
        case .topK where !isOwn, .candidates where !isOwn:
            try conversation.losses.lack(setting)
        case .cacheOptions where !isOwn: cacheOptions(setting)
        case .own:
            guard isOwn else { return try conversation.losses.lack(setting) }
            json.key(named: setting.name)
            json.raw(setting.value)
        default:
            guard let row = Form.chat.fields.first(where: { $0.field == setting.field }) else {
                return try conversation.losses.lack(setting)
            }
            json.key(named: row.name)
            json.raw(setting.value)
        }
    }

    private var limitName: StaticString {
        switch quirks.limitField {
        case .completion: "max_completion_tokens"
        case .plain: "max_tokens"
        }
    }

    /// The options that chat has, too.
    private mutating func cacheOptions(_ setting: Setting) {
        let known = setting.value.members.filter { ["mode", "ttl"].contains($0.name) }
        conversation.losses.drop(
            setting.value.extras(except: ["mode", "ttl"], at: setting.path))
        guard !known.isEmpty else { return }
        json.key("prompt_cache_options")
        json.beginObject()
        for member in known {
            json.key(named: member.name)
            json.raw(member.value)
        }
        json.endObject()
    }

    private mutating func stop(_ setting: Setting) {
        let words = setting.value.elements
        // The vendor takes no list of none.
        if setting.value.isEmptyValue, setting.value.text == nil, !isOwn { return }
        guard words.count > quirks.stopMax ?? Self.stopMax else {
            return json.member("stop", setting.value)
        }
        conversation.losses.change(setting.path)
        json.key("stop")
        json.beginArray()
        for word in words.prefix(quirks.stopMax ?? Self.stopMax) { json.raw(word) }
        json.endArray()
    }

    private mutating func tier(_ setting: Setting) {
        let tier = ServiceTierWord(setting, conversation.form)
        if tier.isShifted(in: .chat) { conversation.losses.change(setting.path) }
        guard !tier.isUnknown(in: .chat) else { return conversation.losses.drop(setting.path) }
        if let word = tier.word(in: .chat) { json.member("service_tier", word) }
    }

    private mutating func reasoning() {
        let wish = conversation.reasoning
        if let shown = wish.isShown, conversation.form != .chat {
            conversation.losses.drop(shown.path)
        }
        if let effort = conversation.effort(quirks.ladder, &conversation.losses) {
            json.member("reasoning_effort", effort)
        }
    }

    // MARK: Tools and the answer's form

    private mutating func tools() throws(Refusal) {
        var tools = try conversation.clientTools(of: .chat)
        if isOwn, let index = tools.firstIndex(where: { $0.path == "web_search_options" }) {
            if let raw = tools.remove(at: index).raw { json.member("web_search_options", raw) }
        }
        guard !tools.isEmpty else { return }
        json.key("tools")
        json.beginArray()
        for tool in tools {
            if isOwn, let raw = tool.raw {
                json.raw(raw)
                continue
            }
            json.beginObject()
            json.member("type", literal: "function")
            json.key("function")
            json.beginObject()
            json.member("name", names.tool(tool.fullName))
            tool.writeFunction(schema: "parameters", to: &json, &conversation.losses, isOwn: isOwn)
            if let strict = conversation.isStrict(tool) { json.member("strict", strict) }
            json.endObject()
            json.endObject()
        }
        json.endArray()
        if let parallel = conversation.parallel {
            json.member("parallel_tool_calls", parallel.value)
        }
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
            json.key("allowed_tools")
            json.beginObject()
            json.member("mode", isRequired ? "required" : "auto")
            json.key("tools")
            json.beginArray()
            for name in names { function(name) }
            json.endArray()
            json.endObject()
            json.endObject()
        }
    }

    private mutating func function(_ name: ToolName) {
        json.beginObject()
        json.member("type", literal: "function")
        json.key("function")
        json.beginObject()
        json.member("name", names.tool(name))
        json.endObject()
        json.endObject()
    }

    private mutating func format() throws(Refusal) {
        guard let format = try conversation.knownFormat() else { return }
        json.key("response_format")
        json.beginObject()
        switch format.kind {
        case .text, .other: json.member("type", literal: "text")
        case .object: json.member("type", literal: "json_object")
        case .schema(let schema):
            json.member("type", literal: "json_schema")
            json.key("json_schema")
            json.beginObject()
            json.member("name", format.name ?? EscapedText("output"))
            if let text = format.description { json.member("description", text) }
            if let strict = conversation.isStrict(format, schema) { json.member("strict", strict) }
            json.member("schema", schema)
            json.endObject()
        }
        json.endObject()
    }
}
