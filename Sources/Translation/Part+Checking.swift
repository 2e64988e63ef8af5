import JSON

extension Part {
    /// Whether no other dialect has the part in a turn of the user's.
    var isUnsayable: Bool {
        switch kind {
        case .hosted, .reasoning: true
        default: false
        }
    }

    /// Takes out how closely a picture is to be looked at, where no dialect has that word.
    mutating func dropUnknownDetail(_ losses: inout LossList) {
        switch kind {
        case .media(var media):
            guard let detail = media.detail,
                !["auto", "low", "high", "original"].contains(detail.plain)
            else { return }
            losses.drop(media.detailPath)
            media.detail = nil
            kind = .media(media)
        case .result(var result):
            for index in result.parts.indices { result.parts[index].dropUnknownDetail(&losses) }
            kind = .result(result)
        default: return
        }
    }

    /// Refuses what no dialect takes, and brings bytes and arguments to what all take.
    mutating func check(in role: Turn.Role, for target: Form) throws(Refusal) {
        if call != nil, role != .assistant {
            throw Refusal(path, "a call stands outside of the assistant's turn")
        }
        if result != nil, role != .results {
            throw Refusal(path, "a result stands outside of the user's turn")
        }
        switch kind {
        case .hosted(let raw) where raw["type"]?.plain == "compaction":
            throw Refusal(path, "only the vendor that keeps the conversation has what it names")
        case .media(var media):
            try media.check(path, for: target)
            kind = .media(media)
        case .call(var call):
            if call.name.isEmpty { throw Refusal(path, "a call has no name") }
            if case .object(let object) = call.arguments, !object.isObject {
                throw Refusal(call.argumentsPath, "the arguments are no JSON object")
            }
            if case .text(let text) = call.arguments, call.kind == .function, !text.isEmpty {
                guard let object = RawJSON.object(of: text) else {
                    throw Refusal(call.argumentsPath, "the arguments are no JSON object")
                }
                call.object = object
                kind = .call(call)
            }
        case .result(var result):
            for index in result.parts.indices {
                try result.parts[index].check(in: role, for: target)
            }
            kind = .result(result)
        default: break
        }
    }
}

extension Field {
    /// Whether a value is of the kind that all dialects have here.
    func takes(_ value: RawJSON) -> Bool {
        switch self {
        case .limit: (value.integer ?? 0) > 0
        case .temperature, .topP, .topK, .frequencyPenalty, .presencePenalty:
            value.kind == .number
        case .seed, .topLogprobs, .candidates: value.integer != nil
        case .logprobs, .store: value.flag != nil
        case .stop:
            value.text != nil
                || value.kind == .array && value.elements.allSatisfy { $0.text != nil }
        case .verbosity: ["low", "medium", "high"].contains(value.plain)
        case .user, .safetyUser, .cacheKey, .cacheRetention, .tier: value.text != nil
        case .logitBias, .cacheOptions, .metadata, .moderation: value.isObject
        case .own: true
        }
    }
}

extension Part {
    /// Whether the part is what a model thought.
    var isReasoning: Bool {
        if case .reasoning = kind { true } else { false }
    }

    /// Whether an answer of before may hold the part at Anthropic.
    var isAnthropics: Bool {
        switch kind {
        case .reasoning(let reasoning): reasoning.sealed?.isFor(.messages) ?? false
        case .hosted: false
        case .media(let media): media.kind == .image || media.kind == .document
        default: true
        }
    }

    /// Whether the part is a text that stood without a list around it.
    var isBareText: Bool {
        if case .text(_, true) = kind { true } else { false }
    }
}

extension Conversation {
    /// Takes out texts of white space alone, which the vendor refuses as it does empty ones.
    mutating func dropBlankTexts() {
        var turns = self.turns
        self.turns = []
        for turn in turns.indices {
            dropBlankTexts(&turns[turn].parts)
            for index in turns[turn].parts.indices {
                guard var result = turns[turn].parts[index].result else { continue }
                if dropBlankTexts(&result.parts) {
                    turns[turn].parts[index].kind = .result(result)
                }
            }
        }
        self.turns = turns
    }

    /// The same for some parts; false where there are none.
    @discardableResult
    private mutating func dropBlankTexts(_ parts: inout [Part]) -> Bool {
        guard parts.contains(where: { $0.text?.isBlank == true }) else { return false }
        var kept: [Part] = []
        for part in parts where isSaid(part) { kept.append(part) }
        parts = kept
        return true
    }

    /// Whether a part says something; a text that does not is declared, but for an empty one.
    mutating func isSaid(_ part: Part) -> Bool {
        guard let text = part.text else { return true }
        guard !text.isEmpty, text.isBlank else { return !text.isEmpty }
        losses.drop(part.path)
        return false
    }
}
