import JSON
import Primitives

/// Walks over a request's body once, for what bounds its use.
struct PromptWalk {
    /// What an object is a part of, as far as the meaning of its members depends on it.
    private enum Context {
        case root
        /// Gemini's `generationConfig`.
        case settings
        /// Part of a message.
        case content
        /// A list of messages and of what is kept at the vendor: the `input` of OpenAI's responses.
        case items
        /// A picture or a file: its `url` is one.
        case source
        /// A list of tools, or one of them.
        case tools
        /// Text of the caller's own making, in which no name means anything.
        case opaque
    }

    /// The limit of an answer under a name that the request's API has.
    var output: Int? { answerLimit.tokens }
    /// The limit under a name of another API: a vendor may pay no attention to it.
    var foreignOutput: Int { answerLimit.foreignTokens }
    private(set) var answers = 1
    /// How many texts are to be completed, each of them on its own.
    private(set) var prompts = 1
    /// How many prompts the body has at most, each of which may be as long as a model takes; nil
    /// where it has none under a name that is known here.
    private(set) var promptsMax: Int?
    /// A number that is not written as one, so that vendors may read different ones in it.
    private(set) var unclearNumber: String?
    /// The models that are named beside the request's own, as far as names mean something.
    var models: Set<String> = []
    private(set) var pictures = 0
    private(set) var pictureBytes = 0
    /// How many texts of its own the vendor puts before the prompt, for the tools that it has.
    private(set) var toolTexts = 0
    private(set) var isOpenEnded = false
    private(set) var writesCache = false
    /// Whether the vendor goes on when its client leaves.
    private(set) var isInBackground = false
    /// Whether it has inputs beside those of a dialect that is known here.
    private(set) var hasInputs = false
    private let limits: AnswerLimits
    private var answerLimit = AnswerLimit()
    /// Numbers, words and texts so far that are not empty.
    private var leaves = 0

    /// A walk over the body of a request whose API has these limits.
    init(_ limits: AnswerLimits) {
        self.limits = limits
    }

    /// Walks over a body; throws where it is not JSON.
    mutating func run(_ body: Span<UInt8>) throws(JSONScanner.Malformed) {
        var scanner = JSONScanner(body)
        try walk(&scanner, .root)
        try scanner.end()
    }

    private mutating func walk(
        _ scanner: inout JSONScanner, _ context: Context
    ) throws(JSONScanner.Malformed) {
        // Nothing in it means anything, and it may be most of a request.
        if context == .opaque {
            if try scanner.value().count > 2 { leaves += 1 }
            return
        }
        switch try scanner.kind() {
        case .object: try walkObject(&scanner, context)
        case .array:
            try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                try walk(&scanner, context)
            }
        case .string:
            let range = try scanner.value()
            if range.count > 2 { leaves += 1 }
            // One of several addresses.
            guard context == .source else { return }
            readAddress(scanner.bytes(at: range.lowerBound + 1..<range.upperBound - 1))
        case .number, .bool:
            leaves += 1
            _ = try scanner.value()
        case .null: _ = try scanner.value()
        }
    }

    private mutating func walkObject(
        _ scanner: inout JSONScanner, _ context: Context
    ) throws(JSONScanner.Malformed) {
        // Anthropic and Google write the type of a picture beside its bytes, in any order.
        var data: Range<Int>?
        var media = Media.unnamed
        var item = KeptItem()
        try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            let kind = try scanner.kind()
            let letters = scanner.bytes(at: key.lowerBound + 1..<key.upperBound - 1)
            let name = Self.name(letters)
            let isExact = AnswerLimit.isExact(letters, name)
            if context == .root { takeRoot(name) }
            guard kind == .string else {
                if kind == .number || kind == .bool || kind == .null {
                    let range = try scanner.value()
                    if kind != .null { item.hasContent = true }
                    let text = scanner.bytes(at: range).text
                    return readLimit(name, text, kind, context, isExact: isExact)
                }
                // Neither is a limit to who reads the last of two members.
                if AnswerLimit.isName(name) { answerLimit.takeNull(name) }
                readStructure(name, kind, context)
                let before = leaves
                if kind == .array, context == .root, hasList(name) {
                    try walkPrompts(&scanner, name)
                } else if Self.namesModels(name), context != .tools {
                    try walkModels(&scanner)
                } else {
                    try walk(&scanner, Self.context(of: name, kind, in: context))
                }
                if leaves > before { item.hasContent = true }
                return
            }
            let range = try scanner.value()
            let text = scanner.bytes(at: range.lowerBound + 1..<range.upperBound - 1)
            leaves += text.isEmpty ? 0 : 1
            item.take(name, text)
            switch name {
            case "data": data = range
            case "media_type", "mime_type", "mimetype": media = Media(text)
            // The one at the root is the request's own, which its path may name instead.
            case "model": if context != .root { models.insert(JSONText.unescape(text)) }
            case _ where Self.namesModels(name): models.insert(JSONText.unescape(text))
            default: readText(name, text, context, isExact: isExact)
            }
        }
        if context == .items, item.isKept { isOpenEnded = true }
        // What has a name and no bytes is kept at the vendor, such as an earlier answer's sound.
        if context == .source, item.isNamed, data == nil { isOpenEnded = true }
        guard let data else { return }
        switch media {
        case .picture: addPicture(data.count)
        case .packed: isOpenEnded = true
        // A vendor looks into bytes whose kind is not said.
        case .unnamed: if context == .source { isOpenEnded = true }
        case .plain: break
        }
    }

    private mutating func takeRoot(_ name: String) {
        answerLimit.takeSettings(name)
        if name == "inputs" { hasInputs = true }
    }

    /// An item of a list, as far as it says whether the vendor keeps what it stands for.
    private struct KeptItem {
        var isNamed = false
        var hasContent = false
        private var isReasoning = false
        private var isSealed = false

        mutating func take(_ name: String, _ text: Span<UInt8>) {
            guard !text.isEmpty else { return }
            switch name {
            case "id": isNamed = true
            case "type": isReasoning = text.matches("reasoning")
            case "status", "role", "object": break
            case "encrypted_content":
                isSealed = true
                hasContent = true
            default: hasContent = true
            }
        }

        /// A message that has nothing but a name is kept at the vendor; so is reasoning whose
        /// content does not come along, whatever stands in its summary.
        var isKept: Bool { isNamed && (!hasContent || isReasoning && !isSealed) }
    }

    /// Whether a list at the root holds prompts, each of which gets an answer of its own.
    private func hasList(_ name: String) -> Bool {
        switch name {
        case "prompt", "requests", "instances", "inputs", "texts", "documents", "queries": true
        // The input of responses is one conversation.
        case "input": limits == .chat || limits == .none
        default: false
        }
    }

    /// What a vendor makes of bytes that are no text of the prompt.
    private enum Media {
        case picture
        /// A text or a sound, which is no more tokens than bytes.
        case plain
        /// Pages and films: a few bytes may be many tokens.
        case packed
        case unnamed

        init(_ type: Span<UInt8>) {
            if type.hasPrefix("image/") {
                self = .picture
            } else {
                self = type.hasPrefix("text/") || type.hasPrefix("audio/") ? .plain : .packed
            }
        }
    }

    /// Walks over prompts, each of which gets an answer of its own.
    private mutating func walkPrompts(
        _ scanner: inout JSONScanner, _ name: String
    ) throws(JSONScanner.Malformed) {
        var count = 0
        try scanner.array { (scanner) throws(JSONScanner.Malformed) in
            // A list of numbers is one text, as tokens.
            if try scanner.kind() != .number { count += 1 }
            try walk(&scanner, name == "input" ? .items : .content)
        }
        if name == "prompt" { prompts = max(prompts, count) }
        promptsMax = max(promptsMax ?? 1, count)
    }

    /// The name of a member as some vendor reads it: one that is written in escapes is no other
    /// name, and there are readers of JSON to which large and small letters are the same.
    private static func name(_ bytes: Span<UInt8>) -> String {
        var isPlain = true
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "\\"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
                isPlain = false
            default: break
            }
        }
        guard !isPlain else { return bytes.text }
        // A reader in C ends a name at a NUL.
        let name = JSONText.unescape(bytes).prefix { $0 != "\0" }
        // The long s is the same letter to those.
        return name.lowercased().replacingScalars("\u{17F}", with: "s")
    }

    private mutating func addPicture(_ bytes: Int) {
        pictures += 1
        pictureBytes += bytes
    }

    private static func context(
        of name: String, _ kind: JSONScanner.Kind, in outer: Context
    ) -> Context {
        switch name {
        // A turn may add some, and one may hold others.
        case _ where name.hasSuffix("tools") || name == "tool": return .tools
        case "generationconfig", "generation_config": return .settings
        case "image_url", "imageurl", "source", "file", "filedata", "file_data", "audio",
            "inlinedata", "inline_data", "video", "image", "document":
            return .source
        case "args", "response", "arguments", "input_schema", "parameters", "properties",
            "json_schema", "schema", "metadata":
            return .opaque
        // A tool's input is an object; the input of OpenAI's responses is a list.
        case "input": return kind == .object ? .opaque : outer == .root ? .items : .content
        case _ where isAddress(name): return .source
        // What is a part of a tool is none.
        default: return outer == .source || outer == .opaque ? outer : .content
        }
    }

    /// Whether a member holds an address, or several.
    private static func isAddress(_ name: String) -> Bool {
        for ending in ["url", "uri", "urls", "uris"] where name.hasSuffix(ending) { return true }
        return false
    }

    /// A number, or a text in which some vendors accept one.
    ///
    /// Of a text that is no plain number each vendor may make another number, so none is believed.
    private mutating func readLimit(
        _ name: String, _ text: String, _ kind: JSONScanner.Kind, _ context: Context,
        isExact: Bool
    ) {
        guard context == .root || context == .settings else { return }
        if name == "background", kind == .string ? !text.isEmpty : text == "true" {
            isInBackground = true
        }
        let isLimit = AnswerLimit.isName(name)
        let isOwn = isExact && limits.have(name, inSettings: context == .settings)
        guard kind != .null else {
            if isLimit { answerLimit.takeNull(name) }
            return
        }
        let number = kind == .bool ? nil : Double(text)
        let isClear =
            number != nil && (kind == .number || text.utf8.allSatisfy { 0x30...0x39 ~= $0 })
        switch name {
        case _ where isLimit:
            guard isClear, let number else { return unclearNumber = name }
            guard number >= 0 else { return answerLimit.takeNull(name) }
            answerLimit.take(name, Int(min(number, 1e15).rounded(.up)), isOwn: isOwn)
        case "n", "best_of", "candidatecount", "candidate_count":
            guard isClear, let number else { return unclearNumber = name }
            guard number >= 1 else { return }
            answers = max(answers, Int(min(number, 1e9).rounded(.up)))
        default: break
        }
    }

    private mutating func readText(
        _ name: String, _ text: Span<UInt8>, _ context: Context, isExact: Bool
    ) {
        let short = text.count < 16 ? text.text : "?"
        readLimit(name, short, .string, context, isExact: isExact)
        switch name {
        case "prompt", "input":
            if context == .root { promptsMax = promptsMax ?? 1 }
        // Elsewhere it may be a citation's.
        case "url": if context == .source || context == .root { readAddress(text) }
        case "file_data": readAddress(text)
        case "file_id", "file_uri", "fileuri", "conversation", "cachedcontent",
            "cached_content", "container":
            isOpenEnded = true
        case _ where Self.isAddress(name): readAddress(text)
        case "agent": if context == .root { isOpenEnded = true }
        case _ where name.hasPrefix("previous") && name.hasSuffix("id") && !text.isEmpty:
            isOpenEnded = true
        case "type" where context == .tools:
            if !Self.isClientTool(text) { isOpenEnded = true }
            if !text.matches("function"), !text.matches("custom") { toolTexts += 1 }
        case "type" where context == .items:
            if text.matches("item_reference") { isOpenEnded = true }
        default: break
        }
    }

    /// The address of a picture or a file, or its bytes.
    private mutating func readAddress(_ text: Span<UInt8>) {
        guard text.hasPrefix("data:") else {
            isOpenEnded = true
            return
        }
        switch Media(text.extracting(5..<text.count)) {
        case .picture: addPicture(text.count)
        case .packed: isOpenEnded = true
        case .plain, .unnamed: break
        }
    }

    private mutating func readStructure(
        _ name: String, _ kind: JSONScanner.Kind, _ context: Context
    ) {
        guard kind == .object || kind == .array else { return }
        switch name {
        case "messages", "contents", "content", "input":
            if context == .root { promptsMax = promptsMax ?? 1 }
        case "cache_control": writesCache = true
        case _ where name.hasSuffix("tools"): if context == .root { toolTexts += 1 }
        case "mcp_servers", "web_search_options", "plugins", "conversation", "container", "prompt",
            "data_sources", "search_parameters":
            // A text is a prompt; an object names one that the vendor keeps.
            if context == .root, name != "prompt" || kind == .object { isOpenEnded = true }
        case _ where context == .tools && Self.isVendorsTool(name): isOpenEnded = true
        default: break
        }
    }

    /// Whether a member of a tool names one that the vendor runs.
    ///
    /// Google has a member for each kind, and new ones come. A function's parameters are not looked
    /// into.
    private static func isVendorsTool(_ name: String) -> Bool {
        for part in [
            "search", "retriev", "maps", "context", "execution", "grounding", "mcp", "server",
            "store",
        ] where name.contains(part) { return true }
        return false
    }

    /// Whether a tool is run by the client, so that what it finds comes in a request of its own.
    private static func isClientTool(_ type: Span<UInt8>) -> Bool {
        for known: StaticString in [
            "function", "custom", "bash_", "text_editor_", "computer", "memory_", "local_shell",
            "shell", "apply_patch", "namespace",
        ] where type.hasPrefix(known) { return true }
        return false
    }
}
