import Primitives

/// Whether a request makes a model work, and so is what a vendor bills.
///
/// Only such requests have a cost. A background response is billed where it is created; that it is
/// asked for again, be it a hundred times, shows the same tokens and costs nothing. What is not
/// known here may be any vendor's own, and is billed if its answer reports tokens.
public enum RequestWork {
    /// Whether a request of a method and a target, with or without a chain's prefix, is billed.
    public static func isBilled(method: String, target: String) -> Bool {
        // To ask, to take away and to change what is kept makes no model work. A record whose
        // beginning is lost has no method, and may have been anything. A response in a WebSocket is
        // asked for by a message.
        guard method == "POST" || method == "WEBSOCKET" || method.isEmpty else { return false }
        // Most are, and this is asked of every record.
        for ending in ["/chat/completions", "/v1/messages", "/v1/responses"] {
            if target.utf8.count < 128, target.hasSuffix(ending) { return true }
        }
        let path = target.prefix { $0 != "?" && $0 != "#" }.lowercased()
        let segments = path.split(separator: "/")
        guard let last = segments.last else { return true }
        if quietEndings.contains(last) { return false }
        if let colon = last.lastIndex(of: ":"),
            quietVerbs.contains(last[last.index(after: colon)...])
        {
            return false
        }
        let resource = resource(of: segments)
        guard let name = resource.first else { return true }
        if quietResources.contains(name) { return false }
        return !isStored(resource)
    }

    /// Whether a request has a vendor work where nothing here can count it: later, in a batch or a
    /// training, or for the holder of a credential that the vendor answers with.
    ///
    /// Neither its body nor its answer says what it costs, and none of it passes here again.
    public static func isOutOfSight(method: String, target: String) -> Bool {
        guard method == "POST" else { return false }
        // As servers read it: what is written in escapes is the same resource.
        let path = target.prefix { $0 != "?" && $0 != "#" }
        let plain = String(decoding: Array(path.utf8).span.percentDecoded(), as: UTF8.self)
        let segments = plain.lowercased().split { $0 == "/" || $0 == "\\" }
        guard let last = segments.last else { return false }
        if let colon = last.lastIndex(of: ":"),
            batchVerbs.contains(last[last.index(after: colon)...])
        {
            return true
        }
        if credentialEndings.contains(last) { return true }
        let resource = Array(resource(of: segments))
        switch resource.first {
        case "batches", "tunedmodels", "auth_tokens": return resource.count == 1
        case "messages": return resource.dropFirst() == ["batches"]
        case "evals": return last == "runs"
        case "fine_tuning": return last != "cancel" && last != "pause"
        // A call over WebRTC goes to the vendor itself, and so does a chat's session.
        case "realtime", "chatkit": return resource.count == 2
        default: return false
        }
    }

    /// Verbs that start a batch.
    private static let batchVerbs: Set<Substring> = [
        "batchgeneratecontent", "asyncbatchembedcontent",
    ]

    /// What a path ends in whose answer holds a credential of the vendor's.
    private static let credentialEndings: Set<Substring> = ["client_secrets"]

    /// What a path ends in that counts, stops or only prepares.
    private static let quietEndings: Set<Substring> = [
        "cancel", "count_tokens", "count-tokens", "input_tokens", "tokenize", "detokenize",
        "apply-template", "client_secrets", "search",
    ]

    /// The same as verbs behind a colon.
    private static let quietVerbs: Set<Substring> = [
        "counttokens", "computetokens", "countmessagetokens", "counttexttokens", "cancel",
        "batchgeneratecontent", "asyncbatchembedcontent", "transferownership", "import", "upload",
    ]

    /// Resources that are kept, or are work of another time with a bill of its own.
    private static let quietResources: Set<Substring> = [
        "assistants", "batches", "cachedcontents", "containers", "conversations", "corpora",
        "evals", "files", "filesearchstores", "fine_tuning", "organization", "skills",
        "tunedmodels", "uploads", "vector_stores",
    ]

    /// The segments from the resource on: behind the last version, or behind `openai`, which Azure
    /// and Google have there.
    private static func resource(of segments: [Substring]) -> ArraySlice<Substring> {
        let root = segments.lastIndex { isVersion($0) || $0 == "openai" }
        return segments[(root.map { $0 + 1 } ?? 0)...]
    }

    private static func isVersion(_ segment: Substring) -> Bool {
        guard segment.first == "v" else { return false }
        let rest = segment.dropFirst()
        guard let first = rest.first, first.isNumber else { return false }
        let word = rest.drop { $0.isNumber }
        return word.isEmpty || word.hasPrefix("alpha") || word.hasPrefix("beta")
    }

    /// Whether what is named is kept already: a response, a completion, a message, a run.
    private static func isStored(_ resource: ArraySlice<Substring>) -> Bool {
        func rest(behind name: Substring) -> ArraySlice<Substring>? {
            resource.lastIndex(of: name).map { resource[($0 + 1)...] }
        }
        switch resource.first {
        case "responses": return resource.count > 1 && resource.dropFirst() != ["compact"]
        case "messages": return resource.count > 1
        case "chat": return !(rest(behind: "completions")?.isEmpty ?? true)
        case "threads":
            // To start a run and to hand it what it waits for make a model work.
            guard let run = rest(behind: "runs") else { return true }
            return !(run.isEmpty || run.last == "submit_tool_outputs")
        default: return false
        }
    }
}
