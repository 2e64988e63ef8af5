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
        /// A list of tools.
        case tools
        /// Text of the caller's own making, in which no name means anything.
        case opaque
    }

    /// The limit of an answer under a name that the request's API has.
    private(set) var output: Int?
    /// The limit under a name of another API: a vendor may pay no attention to it.
    private(set) var foreignOutput = 0
    private(set) var answers = 1
    /// How many texts are to be completed, each of them on its own.
    private(set) var prompts = 1
    private(set) var pictures = 0
    private(set) var pictureBytes = 0
    /// How many texts of its own the vendor puts before the prompt, for the tools that it has.
    private(set) var toolTexts = 0
    private(set) var isOpenEnded = false
    private(set) var writesCache = false
    private let limits: AnswerLimits

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
            _ = try scanner.value()
            return
        }
        switch try scanner.kind() {
        case .object: try walkObject(&scanner, context)
        case .array:
            try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                try walk(&scanner, context)
            }
        case .string, .number, .bool, .null: _ = try scanner.value()
        }
    }

    private mutating func walkObject(
        _ scanner: inout JSONScanner, _ context: Context
    ) throws(JSONScanner.Malformed) {
        // Anthropic and Google write the type of a picture beside its bytes, in any order.
        var data: Range<Int>?
        var media = Media.unnamed
        var members = 0
        var isNamed = false
        try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            let kind = try scanner.kind()
            let name = Self.name(scanner.bytes(at: key.lowerBound + 1..<key.upperBound - 1))
            if name != "type" { members += 1 }
            guard kind == .string else {
                let isNumber = kind == .number
                if !isNumber { readStructure(name, kind, context) }
                if isNumber {
                    let range = try scanner.value()
                    return readLimit(name, scanner.bytes(at: range).text, context)
                }
                if name == "prompt", kind == .array, context == .root {
                    return try walkPrompts(&scanner)
                }
                return try walk(&scanner, Self.context(of: name, kind, in: context))
            }
            let range = try scanner.value()
            let text = scanner.bytes(at: range.lowerBound + 1..<range.upperBound - 1)
            switch name {
            case "data": data = range
            case "media_type", "mime_type", "mimeType": media = Media(text)
            case "id": isNamed = true
            default: readText(name, text, context)
            }
        }
        // A message that has nothing but a name is kept at the vendor.
        if context == .items, isNamed, members == 1 { isOpenEnded = true }
        guard let data else { return }
        switch media {
        case .picture: addPicture(data.count)
        case .packed: isOpenEnded = true
        case .plain, .unnamed: break
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

    /// Walks over the texts of a completion, each of which gets answers of its own.
    private mutating func walkPrompts(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Malformed) {
        var count = 0
        try scanner.array { (scanner) throws(JSONScanner.Malformed) in
            // A list of numbers is one text, as tokens.
            if try scanner.kind() != .number { count += 1 }
            try walk(&scanner, .content)
        }
        prompts = max(prompts, count)
    }

    /// The name of a member as a vendor reads it: one that is written in escapes is no other name.
    private static func name(_ bytes: Span<UInt8>) -> String {
        bytes.indices.contains { bytes[$0] == UInt8(ascii: "\\") }
            ? JSONText.unescape(bytes) : bytes.text
    }

    private mutating func addPicture(_ bytes: Int) {
        pictures += 1
        pictureBytes += bytes
    }

    private static func context(
        of name: String, _ kind: JSONScanner.Kind, in outer: Context
    ) -> Context {
        switch name {
        case "tools": return outer == .root ? .tools : outer
        case "generationConfig", "generation_config": return .settings
        case "image_url", "imageUrl", "source", "file", "fileData", "file_data": return .source
        case "args", "response", "arguments", "input_schema", "parameters", "properties",
            "json_schema", "schema", "metadata":
            return .opaque
        // A tool's input is an object; the input of OpenAI's responses is a list.
        case "input": return kind == .object ? .opaque : outer == .root ? .items : .content
        default: return outer == .root || outer == .items ? .content : outer
        }
    }

    /// A number, or a text in which some vendors accept one.
    private mutating func readLimit(_ name: String, _ text: String, _ context: Context) {
        guard context == .root || context == .settings else { return }
        switch name {
        case "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens",
            "max_tokens_to_sample":
            guard let number = Double(text), number >= 0 else { return }
            let tokens = Int(min(number, 1e15).rounded(.up))
            // Of several limits the largest: which of them a vendor obeys is its own affair.
            if limits.have(name, inSettings: context == .settings) {
                output = max(output ?? 0, tokens)
            } else {
                foreignOutput = max(foreignOutput, tokens)
            }
        case "n", "best_of", "candidateCount", "candidate_count":
            guard let number = Double(text), number >= 1 else { return }
            answers = max(answers, Int(min(number, 1e9).rounded(.up)))
        default: break
        }
    }

    private mutating func readText(_ name: String, _ text: Span<UInt8>, _ context: Context) {
        readLimit(name, text.count < 24 ? text.text : "", context)
        switch name {
        case "url", "image_url", "imageUrl", "file_url":
            guard name != "url" || context == .source else { return }
            readAddress(text)
        case "file_data": readAddress(text)
        case "file_id", "file_uri", "fileUri", "previous_response_id", "conversation",
            "cachedContent", "cached_content", "container":
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
        case "cache_control": writesCache = true
        case "tools": if context == .root { toolTexts += 1 }
        case "mcp_servers", "web_search_options", "plugins", "conversation", "prompt":
            // A text is a prompt; an object names one that the vendor keeps.
            if context == .root, name != "prompt" || kind == .object { isOpenEnded = true }
        case "googleSearch", "google_search", "googleSearchRetrieval", "urlContext",
            "url_context", "codeExecution", "code_execution", "googleMaps", "fileSearch",
            "file_search":
            if context == .tools { isOpenEnded = true }
        default: break
        }
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
