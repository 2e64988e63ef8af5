import JSON
import Primitives

/// Writes a Messages request.
struct MessagesRequestWriter: ~Copyable {
    /// The smallest number of tokens that may be thought.
    private static let budgetMin = 1024

    var json = JSONWriter()
    var conversation: Conversation
    let names: TargetNames
    let quirks: Quirks
    private var limit = 0
    private var isThinking = false
    var isOwn: Bool { conversation.form == .messages }

    static func write(
        _ conversation: Conversation, _ names: TargetNames, _ quirks: Quirks, model: String?
    ) throws(Refusal) -> (body: [UInt8], losses: LossList) {
        var writer = MessagesRequestWriter(
            conversation: conversation, names: names, quirks: quirks)
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
        if conversation.isStreamed { json.member("stream", true) }
        try limits()
        let leading = conversation.takeLeadingSystem()
        try system(leading)
        if !isOwn, quirks.middleSystem != .keep { conversation.foldSystem() }
        json.key("messages")
        json.beginArray()
        try messages()
        json.endArray()
        try tools()
        try reasoning()
        user()
        for setting in conversation.settings { try self.setting(setting) }
        json.endObject()
    }

    // MARK: Settings

    private mutating func limits() throws(Refusal) {
        guard let setting = conversation.setting(.limit) else {
            limit = quirks.outputMax
            conversation.losses.invent("max_tokens")
            return json.member("max_tokens", limit)
        }
        limit = setting.value.integer ?? quirks.outputMax
        json.member("max_tokens", setting.value)
    }

    private mutating func setting(_ setting: Setting) throws(Refusal) {
        switch setting.field {
        case .limit, .user, .safetyUser: break
        case .temperature, .topP, .topK:
            guard quirks.takesSampling ?? isOwn, !isRuledOut(setting) else {
                return try conversation.losses.lack(setting)
            }
            sampling(setting)
        case .stop: stop(setting)
        case .tier:
            let tier = ServiceTierWord(setting, conversation.form)
            if tier.isShifted(in: .messages) { conversation.losses.change(setting.path) }
            if let word = tier.word(in: .messages) { json.member("service_tier", word) }
        case .own where isOwn:
            json.key(named: setting.name)
            json.raw(setting.value)
        default: try conversation.losses.lack(setting)
        }
    }

    /// Whether something else that is set keeps a setting away: thinking, or the temperature.
    private func isRuledOut(_ setting: Setting) -> Bool {
        let field = setting.field
        // Nothing is known of an own model that no row is for. A temperature of 1 is what it has
        // anyway.
        if isThinking, !isOwn || quirks.takesSampling != nil {
            return field != .temperature || Double(setting.value.spelling) != 1
        }
        return field == .topP && quirks.samplesOnce && conversation.setting(.temperature) != nil
    }

    private mutating func sampling(_ setting: Setting) {
        switch setting.field {
        case .temperature:
            guard let value = Double(setting.value.spelling), value > 1 else {
                return json.member("temperature", setting.value)
            }
            conversation.losses.change(setting.path)
            json.member("temperature", 1)
        case .topP: json.member("top_p", setting.value)
        default: json.member("top_k", setting.value)
        }
    }

    private mutating func stop(_ setting: Setting) {
        let words = setting.value.text == nil ? setting.value.elements : [setting.value]
        // One of white space alone is refused.
        let fit = words.filter { $0.text.map { !$0.isBlank } ?? false }.prefix(
            quirks.stopMax ?? .max)
        guard !fit.isEmpty else {
            return words.isEmpty ? () : conversation.losses.drop(setting.path)
        }
        if fit.count < words.count { conversation.losses.change(setting.path) }
        json.key("stop_sequences")
        json.beginArray()
        for word in fit { json.raw(word) }
        json.endArray()
    }

    /// The user, as far as the vendor takes it: no address and no number of a telephone.
    private mutating func user() {
        let candidates = [conversation.setting(.safetyUser), conversation.setting(.user)].compactMap
        { $0 }
        guard let setting = candidates.first else { return }
        for other in candidates.dropFirst() { conversation.losses.drop(other.path) }
        let text = setting.value.plain ?? ""
        guard isOwn || !text.utf8.contains(UInt8(ascii: "@")), text.utf8.count <= 512 else {
            return conversation.losses.drop(setting.path)
        }
        json.key("metadata")
        json.beginObject()
        json.member("user_id", setting.value)
        json.endObject()
    }

    // MARK: Reasoning and the answer's form

    private mutating func reasoning() throws(Refusal) {
        let effort = effortWord()
        thinking()
        let format = try schema()
        guard effort != nil || format != nil else { return }
        json.key("output_config")
        json.beginObject()
        if let effort { json.member("effort", effort) }
        if let format {
            json.key("format")
            json.beginObject()
            json.member("type", literal: "json_schema")
            json.key("schema")
            json.tree(format)
            json.endObject()
        }
        json.endObject()
    }

    private mutating func effortWord() -> String? {
        guard quirks.thinking != .none, quirks.thinking != .budget || isOwn,
            let wish = conversation.reasoning.effort, wish.value != "none"
        else { return nil }
        let effort = conversation.known(wish, quirks.efforts)
        guard effort.value == "minimal" else { return effort.value }
        conversation.losses.change(effort.path)
        return "low"
    }

    private mutating func thinking() {
        let wish = conversation.reasoning
        guard !wish.isEmpty else { return }
        guard quirks.thinking != .none else { return conversation.dropReasoning() }
        let isOff = wish.effort?.value == "none" || wish.mode?.value == .disabled
        if isOff, !quirks.mayRest {
            if let path = wish.effort?.path ?? wish.mode?.path { conversation.losses.drop(path) }
            return
        }
        let asksForBudget = quirks.thinking == .budget && wish.mode?.value == .adaptive
        if isOwn, isOff || !asksForBudget { return ownThinking(wish) }
        if isOff {
            json.key("thinking")
            json.beginObject()
            json.member("type", literal: "disabled")
            return json.endObject()
        }
        if quirks.thinking == .budget {
            guard conversation.refusesThinking else { return budget(wish) }
            let paths = [wish.effort?.path, wish.budget?.path].compactMap { $0 }
            let lost = paths.isEmpty ? [wish.mode?.path].compactMap { $0 } : paths
            for path in lost { conversation.losses.drop(path) }
            return
        }
        if let budget = wish.budget { conversation.losses.change(budget.path) }
        // The least effort asks for no thinking at all.
        let isLeast = wish.effort?.value == "minimal"
        guard !isLeast || wish.isShown?.value == true else { return }
        isThinking = true
        json.key("thinking")
        json.beginObject()
        json.member("type", literal: "adaptive")
        // A chat client has no word for it, and shows what it gets.
        let isShown = wish.isShown?.value ?? (conversation.form == .chat)
        if isShown { json.member("display", literal: "summarized") }
        json.endObject()
    }

    private mutating func ownThinking(_ wish: ReasoningWish) {
        guard let mode = wish.mode else { return }
        let isChanged = quirks.thinking == .adaptive && mode.value == .enabled
        isThinking = mode.value != .disabled
        json.key("thinking")
        json.beginObject()
        switch mode.value {
        case .enabled where !isChanged: json.member("type", literal: "enabled")
        case .enabled, .adaptive: json.member("type", literal: "adaptive")
        case .disabled: json.member("type", literal: "disabled")
        }
        if let budget = wish.budget {
            if isChanged {
                conversation.losses.change(budget.path)
            } else {
                json.member("budget_tokens", budget.value)
            }
        }
        if let shown = wish.isShown {
            json.member("display", shown.value ? "summarized" : "omitted")
        }
        json.endObject()
    }

    private mutating func budget(_ wish: ReasoningWish) {
        var tokens = wish.budget.map(\.value)
        if let effort = wish.effort {
            let words = ["minimal", "low", "medium", "high"]
            let rung = words.firstIndex(of: effort.value) ?? words.count - 1
            tokens = quirks.ladder.indices.contains(rung) ? quirks.ladder[rung] : quirks.ladder.last
            conversation.losses.change(effort.path)
        }
        if tokens == nil, let mode = wish.mode, mode.value == .adaptive {
            // It decides itself, up to as much as the highest effort gets.
            tokens = quirks.ladder.last
            conversation.losses.change(mode.path)
        }
        guard let wanted = tokens else { return }
        let most = wanted < 0 ? (quirks.ladder.last ?? Self.budgetMin) : wanted
        let fit = min(max(most, Self.budgetMin), limit - 1)
        if let budget = wish.budget, fit != budget.value { conversation.losses.change(budget.path) }
        guard fit >= Self.budgetMin else {
            // The answer is too short to think first.
            let path = wish.effort?.path ?? wish.budget?.path ?? wish.mode?.path
            if let path { conversation.losses.change(path) }
            return
        }
        isThinking = true
        json.key("thinking")
        json.beginObject()
        json.member("type", literal: "enabled")
        json.member("budget_tokens", fit)
        json.endObject()
    }

    private mutating func schema() throws(Refusal) -> JSONValue? {
        guard let format = conversation.format else { return nil }
        switch format.kind {
        case .text: return nil
        case .object, .other:
            throw Refusal(format.path, "the target writes by a schema alone")
        case .schema where !quirks.takesSchema:
            throw Refusal(format.path, "the model writes by no schema")
        case .schema(let schema):
            if isOwn { return schema.tree }
            conversation.losses.change(format.path)
            if format.description != nil { conversation.losses.drop(format.descriptionPath) }
            return AnthropicSchema.output(schema.tree)
        }
    }
}
