import Primitives

/// Whether a request makes a model work, and so is what a vendor bills.
///
/// Only such requests have a cost. A background response is billed where it is created; that it is
/// asked for again, be it a hundred times, shows the same tokens and costs nothing. What is not
/// known here may be any vendor's own, and is billed if its answer reports tokens.
public enum RequestWork {
    /// Whether a request of a method and a target, with or without a chain's prefix, is billed: so
    /// it is where any server may read it as one that is.
    public static func isBilled(method: String, target: String) -> Bool {
        isBilledAsWritten(method, target)
            || PathSpelling.loosest(target).map { isBilledAsWritten(method, $0) } ?? false
    }

    private static func isBilledAsWritten(_ method: String, _ target: String) -> Bool {
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
        let resource = resource(of: segments)
        guard let name = resource.first else { return true }
        // A model that was tuned works like another one: what is asked for stands behind the colon.
        if last.split(separator: ":").dropFirst().contains(where: isPlainWorkVerb) { return true }
        if quietResources.contains(name) { return false }
        // What is no plain name some server drops or cuts, and then another resource is meant.
        guard resource.allSatisfy(isPlain) else { return !isCount(last) }
        if isCount(last) { return false }
        if quietEndings.contains(last), !isWork(resource) { return false }
        if let colon = last.lastIndex(of: ":") {
            let verb = last[last.index(after: colon)...]
            let isOther = last[..<colon].split(separator: ":").contains { isWorkVerb($0) }
            if !isOther, quietVerbs.contains(verb) { return false }
        }
        return !isStored(resource)
    }

    /// Whether a path names one conversation, which is one prompt.
    public static func isConversation(target: String) -> Bool {
        isConversationAsWritten(target)
            && PathSpelling.loosest(target).map(isConversationAsWritten) ?? true
    }

    private static func isConversationAsWritten(_ target: String) -> Bool {
        let path = target.prefix { $0 != "?" && $0 != "#" }.lowercased()
        let segments = path.split(separator: "/")
        guard let last = segments.last else { return false }
        return last.hasSuffix("generatecontent") || last == "messages" || last == "responses"
            || segments.suffix(2) == ["chat", "completions"]
    }

    /// Whether a path names a conversation that the vendor keeps, which is a part of the prompt,
    /// and whose runs go on when their client leaves.
    public static func readsStored(target: String) -> Bool {
        names("threads", in: target)
    }

    /// Whether a request makes a conversation that the vendor keeps, or adds to one.
    public static func keepsConversation(method: String, target: String) -> Bool {
        method == "POST" && names("conversations", in: target)
    }

    /// Whether some server may read a resource in a target.
    private static func names(_ name: Substring, in target: String) -> Bool {
        [target, PathSpelling.loosest(target)].contains { reading in
            guard let path = reading?.prefix(while: { $0 != "?" && $0 != "#" }) else {
                return false
            }
            return resource(of: path.lowercased().split(separator: "/")).first == name
        }
    }

    /// Whether a segment ends with a verb that counts, whatever stands before it.
    private static func isCount(_ last: Substring) -> Bool {
        countEndings.contains(
            last[(last.lastIndex(of: ":").map(last.index(after:)) ?? last.startIndex)...])
    }

    private static func isPlain(_ segment: Substring) -> Bool {
        segment.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"),
                UInt8(ascii: "@"):
                true
            default: false
            }
        }
    }

    /// Whether a word behind a colon has a model work now: to count, or to begin a batch, has not.
    private static func isPlainWorkVerb(_ word: Substring) -> Bool {
        isWorkVerb(word) && !batchVerbs.contains(word)
    }

    private static func isWorkVerb(_ word: Substring) -> Bool {
        for part in ["generate", "predict", "embed"] where word.contains(part) { return true }
        return false
    }

    /// Whether a request has a vendor work where nothing here can count it: later, in a batch or a
    /// training, or for the holder of a credential that the vendor answers with.
    ///
    /// Neither its body nor its answer says what it costs, and none of it passes here again.
    ///
    /// `hasBody`: whether a body comes with it, which may be a prompt by whatever method it comes.
    public static func isOutOfSight(
        method: String, target: String, hasBody: Bool
    ) -> Bool {
        guard method == "POST" else {
            // Some server pays no attention to the method.
            return hasBody && isBilled(method: "POST", target: target)
        }
        // What is written in escapes is the same resource to servers.
        return isOutOfSightAsWritten(target)
            || PathSpelling.loosest(target).map(isOutOfSightAsWritten) ?? false
    }

    private static func isOutOfSightAsWritten(_ target: String) -> Bool {
        let path = target.prefix { $0 != "?" && $0 != "#" }.lowercased()
        let segments = path.split(separator: "/")
        guard let last = segments.last else { return false }
        if let colon = last.lastIndex(of: ":") {
            let verb = last[last.index(after: colon)...]
            if batchVerbs.contains(verb) || storingVerbs.contains(verb) { return true }
        }
        if credentialEndings.contains(last) { return true }
        let resource = Array(resource(of: segments))
        switch resource.first {
        case "batches", "tunedmodels", "auth_tokens": return resource.count == 1
        // What is made there is billed by the hour.
        case "cachedcontents", "containers": return resource.count == 1
        // A store is billed by the hour, what is put into it is read by a model, and each search
        // has a price of its own. What is changed there, or given up, costs nothing.
        case "vector_stores": return resource.count == 1 || resource.count == 3
        case "messages": return resource.dropFirst() == ["batches"]
        case "evals": return last == "runs"
        case "fine_tuning": return last != "cancel" && last != "pause"
        // A call over WebRTC goes to the vendor itself, and so does a chat's session.
        case "realtime": return resource.count <= 2
        case "chatkit": return resource.count == 2
        default: return false
        }
    }

    /// Verbs that start a batch.
    private static let batchVerbs: Set<Substring> = [
        "batchgeneratecontent", "asyncbatchembedcontent",
    ]

    /// Verbs that have a model read what is put into a store.
    private static let storingVerbs: Set<Substring> = ["importfile", "uploadtofilesearchstore"]

    /// What a path ends in whose answer holds a credential of the vendor's.
    private static let credentialEndings: Set<Substring> = ["client_secrets"]

    /// What a path ends in that counts, stops or only prepares.
    private static let quietEndings: Set<Substring> = [
        "cancel", "tokenize", "detokenize", "apply-template", "client_secrets",
    ]

    /// What a path ends in that counts tokens, as a segment or as a verb.
    private static let countEndings: Set<Substring> = [
        "count_tokens", "count-tokens", "input_tokens", "counttokens", "computetokens",
        "countmessagetokens", "counttexttokens",
    ]

    /// The same as verbs behind a colon.
    private static let quietVerbs: Set<Substring> = [
        "cancel", "batchgeneratecontent", "asyncbatchembedcontent", "transferownership", "import",
        "upload",
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

    /// Whether a resource makes a model work whatever is appended to its path: a lenient server
    /// pays no attention to that.
    private static func isWork(_ resource: ArraySlice<Substring>) -> Bool {
        switch resource.first {
        case "chat", "completions", "embeddings", "images", "audio": true
        case "messages": resource.dropFirst().first != "batches"
        default: false
        }
    }

    /// Whether what is named is kept already: a response, a completion, a run.
    private static func isStored(_ resource: ArraySlice<Substring>) -> Bool {
        func rest(behind name: Substring) -> ArraySlice<Substring>? {
            resource.lastIndex(of: name).map { resource[($0 + 1)...] }
        }
        switch resource.first {
        // Each is known by its name: another word may be dropped by some server in between.
        case "responses": return resource.dropFirst().first?.hasPrefix("resp_") ?? false
        case "messages": return resource.dropFirst().first == "batches"
        case "chat":
            return rest(behind: "completions")?.first?.hasPrefix("chatcmpl-") ?? false
        case "threads":
            // To start a run and to hand it what it waits for make a model work.
            guard let run = rest(behind: "runs") else { return true }
            return !(run.isEmpty || run.last == "submit_tool_outputs")
        default: return false
        }
    }
}
