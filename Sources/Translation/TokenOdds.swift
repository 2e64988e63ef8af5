import JSON

/// How likely a token of an answer was, and which others were likely instead.
struct TokenOdds: Sendable {
    let token: EscapedText
    /// The logarithm of its probability, as the vendor spells it.
    let logarithm: RawJSON
    /// The token's bytes, which may be a part of a character; nil where the vendor says none.
    var bytes: RawJSON?
    var others: [TokenOdds] = []

    /// A token of OpenAI's; nil for what is none.
    init?(openAI value: RawJSON) {
        guard let token = value["token"]?.text, let logarithm = value["logprob"],
            logarithm.kind == .number
        else { return nil }
        (self.token, self.logarithm) = (token, logarithm)
        if let bytes = value["bytes"], bytes.kind == .array,
            bytes.elements.allSatisfy({ $0.integer != nil })
        {
            self.bytes = bytes
        }
        others = Self.list(openAI: value["top_logprobs"])
    }

    /// A token of Gemini's.
    private init?(gemini value: RawJSON) {
        guard let token = value["token"]?.text, let logarithm = value.camel("logProbability"),
            logarithm.kind == .number
        else { return nil }
        (self.token, self.logarithm) = (token, logarithm)
    }

    /// The tokens of a list of OpenAI's.
    static func list(openAI value: RawJSON?) -> [TokenOdds] {
        (value?.elements ?? []).compactMap { TokenOdds(openAI: $0) }
    }

    /// The tokens of Gemini's `logprobsResult`, which has the others in a list of their own.
    static func list(gemini value: RawJSON?) -> [TokenOdds] {
        let chosen = value?.camel("chosenCandidates")?.elements ?? []
        let tops = value?.camel("topCandidates")?.elements ?? []
        return chosen.enumerated().compactMap { index, entry in
            guard var odds = TokenOdds(gemini: entry) else { return nil }
            if index < tops.count {
                let others = tops[index]["candidates"]?.elements ?? []
                odds.others = others.compactMap { TokenOdds(gemini: $0) }
            }
            return odds
        }
    }

    // MARK: Writing

    /// Writes a list as chat and Responses have it.
    static func write(_ odds: [TokenOdds], to json: inout JSONWriter) {
        json.beginArray()
        for entry in odds {
            json.beginObject()
            entry.writeMembers(to: &json)
            json.key("top_logprobs")
            json.beginArray()
            for other in entry.others {
                json.beginObject()
                other.writeMembers(to: &json)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        json.endArray()
    }

    private func writeMembers(to json: inout JSONWriter) {
        json.member("token", token)
        json.member("logprob", logarithm)
        json.key("bytes")
        if let bytes {
            json.raw(bytes)
        } else {
            json.beginArray()
            for byte in token.unescaped { json.number(Int(byte)) }
            json.endArray()
        }
    }

    /// Writes the member of a chat answer's choice.
    static func writeChat(_ odds: [TokenOdds], to json: inout JSONWriter) {
        json.key("logprobs")
        json.beginObject()
        json.key("content")
        write(odds, to: &json)
        json.nullMember("refusal")
        json.endObject()
    }

    /// Writes the member of a generateContent answer's candidate.
    static func writeGemini(_ odds: [TokenOdds], to json: inout JSONWriter) {
        json.key("logprobsResult")
        json.beginObject()
        json.key("chosenCandidates")
        writeCandidates(odds, to: &json)
        if odds.contains(where: { !$0.others.isEmpty }) {
            json.key("topCandidates")
            json.beginArray()
            for entry in odds {
                json.beginObject()
                json.key("candidates")
                writeCandidates(entry.others, to: &json)
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    private static func writeCandidates(_ odds: [TokenOdds], to json: inout JSONWriter) {
        json.beginArray()
        for entry in odds {
            json.beginObject()
            json.member("token", entry.token)
            json.member("logProbability", entry.logarithm)
            json.endObject()
        }
        json.endArray()
    }
}
