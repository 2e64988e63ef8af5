import Translation

extension QuirkSettings {
    static func read(_ reader: inout TableReader) -> QuirkSettings {
        var quirks = QuirkSettings()
        reader.string("vendor", &quirks.vendor)
        reader.string("model", &quirks.model)
        for (key, pattern) in [("vendor", quirks.vendor), ("model", quirks.model)] {
            _ = reader.checkName(pattern, of: key)
        }
        quirks.limitField = reader.word("limit_field")
        quirks.takesSampling = reader.flag("sampling")
        quirks.systemRole = reader.word("system_role", ["system", "developer"])
        quirks.middleSystem = reader.word("middle_system")
        quirks.thinking = reader.word("thinking")
        quirks.budgets = reader.budgets("budgets")
        quirks.outputMax = reader.number("output_max", in: 1...10_000_000)
        quirks.outputMin = reader.number("output_min", in: 1...10_000_000)
        quirks.stopMax = reader.number("stop_max", in: 0...1000)
        quirks.reasoningField = reader.word("reasoning_field", ["reasoning_content", "reasoning"])
        quirks.replay = reader.word("reasoning_replay")
        quirks.schemaWords = reader.word("schema")
        quirks.samplesUnthinking = reader.flag("sampling_unthinking")
        quirks.samplesOnce = reader.flag("sampling_once")
        quirks.takesPenalties = reader.flag("penalties")
        quirks.mayRest = reader.flag("thinking_off")
        quirks.efforts = reader.efforts("efforts")
        quirks.toolEffort = reader.word("tool_effort")
        quirks.budgetMin = reader.number("budget_min", in: 0...1_000_000)
        quirks.takesSchema = reader.flag("answer_schema")
        quirks.callNameLength = reader.number("call_name_length", in: 8...32)
        quirks.geminiGeneration = reader.number("gemini_generation", in: 1...100)
        return quirks
    }
}

extension TableReader {
    /// One of a few words; nil where the key is not there.
    fileprivate mutating func word(_ key: String, _ allowed: [String]) -> String? {
        var text = ""
        choice(key, &text, allowed)
        return text.isEmpty ? nil : text
    }

    fileprivate mutating func word<Word: RawRepresentable & CaseIterable>(
        _ key: String
    ) -> Word? where Word.RawValue == String {
        word(key, Word.allCases.map(\.rawValue)).flatMap(Word.init(rawValue:))
    }

    fileprivate mutating func flag(_ key: String) -> Bool? {
        var flag = false
        bool(key, &flag)
        return has(key) ? flag : nil
    }

    fileprivate mutating func number(_ key: String, in range: ClosedRange<Int>) -> Int? {
        var number = range.lowerBound
        integer(key, &number, in: range)
        return has(key) ? number : nil
    }

    /// Words of efforts, one at least.
    fileprivate mutating func efforts(_ key: String) -> [String]? {
        guard let node = node(key) else { return nil }
        var words: [String] = []
        if case .array(let elements) = node {
            for element in elements {
                if case .string(let word) = element.content { words.append(word) }
            }
            if words.count < elements.count { words = [] }
        }
        guard !words.isEmpty, words.allSatisfy(Quirks.effortWords.contains) else {
            let known = Quirks.effortWords.joined(separator: ", ")
            error(key, "must be a list of some of \(known)")
            return nil
        }
        return words
    }

    /// Tokens that stand for minimal, low, medium and high effort.
    fileprivate mutating func budgets(_ key: String) -> [Int]? {
        guard let node = node(key) else { return nil }
        var numbers: [Int] = []
        if case .array(let elements) = node {
            for element in elements {
                if case .integer(let number) = element.content { numbers.append(number) }
            }
        }
        guard numbers.count == 4, numbers == numbers.sorted(), numbers[0] > 0 else {
            error(key, "must be a list of four rising numbers of tokens: [1024, 4096, 8192, 16384]")
            return nil
        }
        return numbers
    }
}
