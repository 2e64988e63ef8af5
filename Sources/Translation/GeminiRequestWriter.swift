import JSON
import Primitives

/// Writes a generateContent request; its model stands in the path.
struct GeminiRequestWriter: ~Copyable {
    private static let stopMax = 5

    var json = JSONWriter()
    var conversation: Conversation
    let names: TargetNames
    let quirks: Quirks
    /// The tool of each call, for its result.
    var callNames: [String: String] = [:]
    var isOwn: Bool { conversation.form == .gemini }

    static func write(
        _ conversation: Conversation, _ names: TargetNames, _ quirks: Quirks
    ) throws(Refusal) -> (body: [UInt8], losses: LossList) {
        var writer = GeminiRequestWriter(
            conversation: conversation, names: names, quirks: quirks)
        try writer.write()
        return (writer.json.bytes, writer.conversation.losses)
    }

    private init(conversation: Conversation, names: TargetNames, quirks: Quirks) {
        self.conversation = conversation
        self.names = names
        self.quirks = quirks
    }

    private mutating func write() throws(Refusal) {
        json.beginObject()
        try system(conversation.takeLeadingSystem())
        conversation.foldSystem()
        json.key("contents")
        json.beginArray()
        try contents()
        json.endArray()
        try tools()
        try choice()
        try generation()
        for setting in conversation.settings {
            if !isGeneration(setting) { try self.setting(setting) }
        }
        json.endObject()
    }

    // MARK: Settings

    private func isGeneration(_ setting: Setting) -> Bool {
        name(of: setting).hasPrefix("generationConfig.")
    }

    /// The name of a setting here; empty where it has none.
    private func name(of setting: Setting) -> String {
        // Several answers cannot be distinguished on their way back.
        if setting.field == .own || setting.field == .candidates {
            return isOwn ? setting.name : ""
        }
        return Form.gemini.fields.first { $0.field == setting.field }?.name ?? ""
    }

    private mutating func setting(_ setting: Setting) throws(Refusal) {
        let name = name(of: setting)
        switch setting.field {
        case .tier:
            let tier = ServiceTierWord(setting, conversation.form)
            if tier.isShifted(in: .gemini) { conversation.losses.change(setting.path) }
            if let word = tier.word(in: .gemini) { json.member("serviceTier", word) }
        case .metadata where !isOwn, .store where !isOwn:
            try conversation.losses.lack(setting)
        default:
            guard !name.isEmpty else { return try conversation.losses.lack(setting) }
            json.key(named: name)
            json.raw(setting.value)
        }
    }

    private mutating func generation() throws(Refusal) {
        var settings: [Setting] = []
        for setting in conversation.settings {
            if isGeneration(setting) { settings.append(setting) }
        }
        guard !settings.isEmpty || conversation.format != nil || !conversation.reasoning.isEmpty
        else { return }
        var inner = JSONWriter()
        swap(&inner, &json)
        json.beginObject()
        for setting in settings { generation(setting) }
        try format()
        thinking()
        json.endObject()
        swap(&inner, &json)
        let value = inner.value
        if !value.isEmptyValue { json.member("generationConfig", value) }
    }

    private mutating func generation(_ setting: Setting) {
        let name = String(name(of: setting).dropFirst("generationConfig.".count))
        json.key(named: name)
        guard setting.field == .stop else { return json.raw(setting.value) }
        let words = setting.value.text == nil ? setting.value.elements : [setting.value]
        let most = quirks.stopMax ?? Self.stopMax
        if words.count > most { conversation.losses.change(setting.path) }
        json.beginArray()
        for word in words.prefix(most) { json.raw(word) }
        json.endArray()
    }

    private mutating func format() throws(Refusal) {
        guard let format = conversation.format else { return }
        if isOwn {
            for member in format.members {
                json.key(named: member.name)
                json.raw(member.value)
            }
            return
        }
        switch format.kind {
        case .text, .other: break
        case .object: json.member("responseMimeType", literal: "application/json")
        case .schema(let schema):
            json.member("responseMimeType", literal: "application/json")
            if format.description != nil { conversation.losses.drop(format.descriptionPath) }
            conversation.losses.change(format.path)
            if quirks.schemaWords == .openapi {
                json.key("responseSchema")
                json.tree(GeminiSchema.openAPI(schema.tree))
            } else {
                json.member("responseJsonSchema", GeminiSchema.withLoneReferences(schema))
            }
        }
    }

    private mutating func thinking() {
        let wish = conversation.reasoning
        guard !wish.isEmpty else { return }
        var inner = JSONWriter()
        swap(&inner, &json)
        json.beginObject()
        if isOwn || quirks.geminiGeneration < 3 { budget(wish) } else { level(wish) }
        let isOff = wish.effort?.value == "none" || wish.mode?.value == .disabled
        // Anthropic's clients are shown it unless they say otherwise.
        let isShown = wish.isShown?.value ?? (conversation.form == .messages && !isOff)
        if isShown { json.member("includeThoughts", true) }
        json.endObject()
        swap(&inner, &json)
        let value = inner.value
        if !value.isEmptyValue { json.member("thinkingConfig", value) }
    }

    private mutating func level(_ wish: ReasoningWish) {
        guard let effort = conversation.effort(quirks.ladder, &conversation.losses) else { return }
        let path = wish.effort?.path ?? wish.mode?.path
        switch effort {
        case "minimal", "low", "medium", "high":
            json.member("thinkingLevel", effort.uppercased())
        case "none":
            if let path { conversation.losses.change(path) }
            json.member("thinkingLevel", literal: "MINIMAL")
        default:
            if let path { conversation.losses.change(path) }
            json.member("thinkingLevel", literal: "HIGH")
        }
    }

    private mutating func budget(_ wish: ReasoningWish) {
        if isOwn, let effort = wish.effort {
            return json.member("thinkingLevel", effort.value.uppercased())
        }
        if let budget = wish.budget { return self.budget(budget.value, budget.path) }
        if let mode = wish.mode, mode.value == .disabled { return budget(0, mode.path) }
        guard let effort = wish.effort else {
            if wish.mode != nil { json.member("thinkingBudget", -1) }
            return
        }
        guard effort.value != "none" else { return budget(0, effort.path) }
        conversation.losses.change(effort.path)
        let words = ["minimal", "low", "medium", "high"]
        let rung = words.firstIndex(of: effort.value) ?? words.count - 1
        json.member("thinkingBudget", quirks.ladder.dropFirst(rung).first ?? -1)
    }

    /// A budget that the model takes; below zero it decides.
    private mutating func budget(_ tokens: Int, _ path: String) {
        let fit = tokens < 0 ? tokens : max(tokens, quirks.budgetMin)
        if fit != tokens { conversation.losses.change(path) }
        json.member("thinkingBudget", fit)
    }

    // MARK: Tools

    private mutating func tools() throws(Refusal) {
        let tools = try conversation.clientTools(of: .gemini)
        let functions = tools.filter { !$0.isBuiltin }
        let builtins = tools.filter(\.isBuiltin)
        guard !tools.isEmpty else { return }
        json.key("tools")
        json.beginArray()
        if !functions.isEmpty {
            json.beginObject()
            json.key("functionDeclarations")
            json.beginArray()
            for tool in functions { function(tool) }
            json.endArray()
            json.endObject()
        }
        for tool in builtins {
            guard let raw = tool.raw else { continue }
            json.beginObject()
            json.key(named: tool.name)
            json.raw(raw)
            json.endObject()
        }
        json.endArray()
        if let parallel = conversation.parallel, !parallel.value {
            conversation.losses.drop(parallel.path)
        }
    }

    private mutating func function(_ tool: Tool) {
        var tool = tool
        json.beginObject()
        json.member("name", names.tool(tool.fullName))
        // An object without members is refused; a function without a schema is the same.
        if let schema = tool.schema, schema["type"]?.plain == "object",
            schema["properties"]?.isEmptyValue ?? true, schema.members.count <= 2
        {
            tool.schema = nil
        }
        if quirks.schemaWords == .openapi, let schema = tool.schema {
            tool.schema = RawJSON(literal: GeminiSchema.openAPI(schema.tree).description)
            conversation.losses.change(tool.schemaPath)
            tool.writeFunction(
                schema: "parameters", to: &json, &conversation.losses, isOwn: isOwn)
        } else {
            if !isOwn { tool.schema = tool.schema.map(GeminiSchema.withLoneReferences) }
            tool.writeFunction(
                schema: "parametersJsonSchema", to: &json, &conversation.losses, isOwn: isOwn)
        }
        json.endObject()
    }

    private mutating func choice() throws(Refusal) {
        let isStrict =
            conversation.tools.contains { $0.strict == true }
            || isOwn && conversation.choice?.changedPath != nil
        guard conversation.choice != nil || isStrict, !conversation.tools.isEmpty else { return }
        let choice = conversation.choice
        var allowed: [ToolName] = []
        let mode: StaticString
        switch choice?.kind {
        case .builtin: throw Refusal(choice?.path ?? "", "the target has no tool of this kind")
        case .some(.none): mode = "NONE"
        case .required: mode = "ANY"
        case .one(let name): (mode, allowed) = ("ANY", [name])
        case .subset(let isRequired, let names):
            (mode, allowed) = (isRequired ? "ANY" : "VALIDATED", names)
        case .auto, nil: mode = isStrict ? "VALIDATED" : "AUTO"
        }
        json.key("toolConfig")
        json.beginObject()
        json.key("functionCallingConfig")
        json.beginObject()
        json.member("mode", literal: mode)
        if !allowed.isEmpty {
            json.key("allowedFunctionNames")
            json.beginArray()
            for name in allowed { json.text(names.tool(name)) }
            json.endArray()
        }
        json.endObject()
        json.endObject()
    }
}
