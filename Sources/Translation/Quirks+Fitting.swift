extension Conversation {
    /// Takes out what the target's model does not take, and declares it.
    ///
    /// The writer of Anthropic's requests does this itself, because there thinking, its
    /// budget and what else may be set depend on each other.
    mutating func fit(to quirks: Quirks, _ target: Form) throws(Refusal) {
        guard target != .messages else { return }
        nameProbabilities(for: target)
        if quirks.thinking == .none { dropReasoning() }
        if target == .chat { fitEffortToTools(quirks.toolEffort) }
        if target == .gemini {
            reasoning.effort = reasoning.effort.map { known($0, quirks.efforts) }
        } else {
            fitEffort(to: quirks)
        }
        let isUnthinking = reasoning.effort?.value == "none" || reasoning.mode?.value == .disabled
        var kept: [Setting] = []
        for setting in settings {
            if quirks.takes(setting.field, isUnthinking: isUnthinking) {
                kept.append(setting)
            } else {
                try losses.lack(setting)
            }
        }
        settings = kept
    }

    /// An effort that OpenAI's model knows, whatever words the wish is in.
    private mutating func fitEffort(to quirks: Quirks) {
        guard quirks.efforts != nil || !quirks.mayRest else { return }
        let wish = reasoning
        guard let path = wish.effort?.path ?? wish.mode?.path ?? wish.budget?.path,
            let word = effort(quirks.ladder, &losses)
        else { return }
        var fit = known(Stated(value: word, path: path), quirks.efforts)
        if word == "none", !quirks.mayRest {
            losses.change(path)
            let least = Quirks.effortWords.first { quirks.efforts?.contains($0) ?? true }
            fit = Stated(value: least ?? word, path: path)
        }
        (reasoning.effort, reasoning.budget, reasoning.mode) = (fit, nil, nil)
    }

    /// Every wish of thinking, for a model that does not; that it shall not is no loss.
    mutating func dropReasoning() {
        let wish = reasoning
        let isOff = wish.effort.map { $0.value == "none" } ?? (wish.mode?.value == .disabled)
        defer { reasoning = ReasoningWish() }
        guard !isOff else { return }
        for path in [wish.effort?.path, wish.budget?.path, wish.mode?.path, wish.isShown?.path] {
            if let path { losses.drop(path) }
        }
    }

    /// Whether a model with a budget would refuse to think: where a tool is forced, and in a round
    /// of calls that does not begin with thinking of its own.
    var refusesThinking: Bool {
        switch choice?.kind {
        case .required, .one, .subset(isRequired: true, _): return true
        default: break
        }
        guard let last = turns.lastIndex(where: { $0.role == .assistant }),
            turns.indices.contains(last + 1), turns[last + 1].role == .results
        else { return false }
        return !turns[last].parts.contains { part in
            guard case .reasoning(let reasoning) = part.kind else { return false }
            return reasoning.sealed?.isFor(.messages) ?? false
        }
    }

    /// Says that probabilities are wanted where only their number is: other forms want both.
    private mutating func nameProbabilities(for target: Form) {
        guard form == .responses, target != .responses, setting(.logprobs) == nil,
            let count = setting(.topLogprobs)
        else { return }
        if count.value.integer == 0 {
            settings.removeAll { $0.field == .topLogprobs }
            return
        }
        settings.append(
            Setting(
                field: .logprobs, name: count.name, path: count.path,
                value: RawJSON(literal: "true"), absent: .nothing))
    }

    /// No effort, where a model takes none beside functions.
    private mutating func fitEffortToTools(_ effort: Quirks.ToolEffort) {
        guard effort != .any, tools.contains(where: { !$0.isBuiltin }) else { return }
        if let wish = reasoning.effort {
            guard wish.value != "none" else { return }
            losses.change(wish.path)
            reasoning.effort = Stated(value: "none", path: wish.path)
        } else if reasoning.mode?.value == .disabled {
            return
        } else if let path = reasoning.budget?.path ?? reasoning.mode?.path {
            losses.change(path)
            reasoning.effort = Stated(value: "none", path: path)
        } else if effort == .namedNone {
            losses.invent("reasoning_effort")
            reasoning.effort = Stated(value: "none", path: "")
        }
        (reasoning.budget, reasoning.mode) = (nil, nil)
    }

    /// An effort that the target's model knows: the next lower one, or the lowest.
    mutating func known(_ effort: Stated<String>, _ efforts: [String]?) -> Stated<String> {
        guard let efforts, effort.value != "none", !efforts.contains(effort.value) else {
            return effort
        }
        losses.change(effort.path)
        let words = Quirks.effortWords
        let rung = words.firstIndex(of: effort.value) ?? 0
        let below = words.prefix(rung).last(where: efforts.contains)
        let word = below ?? words.dropFirst(rung).first(where: efforts.contains)
        return Stated(value: word ?? effort.value, path: effort.path)
    }
}

extension Quirks {
    /// The words of efforts, from the least to the most; `none` is known everywhere.
    public static let effortWords = ["minimal", "low", "medium", "high", "xhigh", "max"]

    /// Whether a setting is taken.
    fileprivate func takes(_ field: Field, isUnthinking: Bool) -> Bool {
        if isUnthinking, samplesUnthinking { return true }
        return switch field {
        case .temperature, .topP, .topK: takesSampling ?? true
        case .frequencyPenalty, .presencePenalty, .logprobs, .topLogprobs: takesPenalties
        case .stop: stopMax != 0
        default: true
        }
    }
}
