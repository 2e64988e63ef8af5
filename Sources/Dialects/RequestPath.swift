import Primitives

/// A request's path, read as the vendors read it.
///
/// Some of them join duplicate slashes, undo escapes and resolve dot segments, and some do not care
/// about case. So a path is matched by every form that a server may read: it stays the
/// same vendor's. What is sent on is always the client's own spelling.
public enum RequestPath {
    /// The vendor of a path.
    enum Owner: Equatable {
        case openai, anthropic, gemini
        /// Google's endpoint for clients of OpenAI's: `/v1beta/openai/…`.
        case geminiCompatible
        /// A path of several vendors, such as `/v1/models`.
        case shared
        /// A path of no vendor that is known here.
        case noVendor
    }

    /// The vendor of a path.
    static func owner(of path: Span<UInt8>) -> Owner {
        if isCanonical(path) { return classify(path) }
        let canonical = canonical(path)
        return classify(canonical.span)
    }

    /// Whether vendors speak WebSocket on a path.
    public static func speaksWebSocket(_ path: Span<UInt8>) -> Bool {
        if isCanonical(path) { return isSocket(path) }
        let canonical = canonical(path)
        return isSocket(canonical.span)
    }

    private static func isSocket(_ path: Span<UInt8>) -> Bool {
        path.matches("/v1/responses") || path.hasSegments("/v1/realtime")
            || path.hasPrefix("/ws/google.ai.generativelanguage.")
            || path.hasPrefix("/ws/google.cloud.aiplatform.")
    }

    /// Whether a path holds a segment `.` or `..`, plain or escaped.
    public static func hasDotSegments(_ path: Span<UInt8>) -> Bool {
        if path.firstIndex(below: 0, or: UInt8(ascii: "."), or: UInt8(ascii: "%")) == path.count {
            return false
        }
        var plain = path.indices.map { path[$0] }
        for _ in 0..<3 {
            if containsDotSegment(plain.span) { return true }
            let next = plain.span.percentDecoded()
            if next.count == plain.count { return false }
            plain = next
        }
        return containsDotSegment(plain.span)
    }

    private static func containsDotSegment(_ path: Span<UInt8>) -> Bool {
        var start = 0
        while start <= path.count {
            var end = start
            while end < path.count, !path[end].isPathSeparator { end += 1 }
            let segment = path.extracting(start..<end)
            // "..;a" is ".." to some.
            let name = segment.extracting(
                0..<(segment.firstIndex(of: UInt8(ascii: ";")) ?? segment.count))
            if name.matches(".") || name.matches("..") { return true }
            start = end + 1
        }
        return false
    }

    /// Whether a path takes files, whose requests name no model however large they are.
    public static func takesFiles(_ path: Span<UInt8>) -> Bool {
        path.hasSegments("/v1/files") || path.hasSegments("/v1/uploads")
            || path.hasSegments("/upload") || path.hasSegments("/v1beta/openai/files")
    }

    /// A path as the most lenient server reads it, in small letters; nil where it is written so.
    public static func loosest(_ path: Span<UInt8>) -> [UInt8]? {
        let isWritten =
            isCanonical(path) && path.firstIndex(of: UInt8(ascii: ";")) == nil
            && (path.count < 2 || path[path.count - 1] != UInt8(ascii: "/"))
        return isWritten ? nil : Array(PathSpelling.resolved(path.text).lowercased().utf8)
    }

    private static func isCanonical(_ path: Span<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for index in path.indices {
            let byte = path[index]
            let isPlain =
                byte != UInt8(ascii: "%") && byte != UInt8(ascii: "\\") && byte.lowercased == byte
            let isJoined = byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".")
            guard isPlain, !(isJoined && previous == UInt8(ascii: "/")) else { return false }
            previous = byte
        }
        return true
    }

    /// A path with escapes undone, in lower case, its segments resolved.
    static func canonical(_ path: Span<UInt8>) -> [UInt8] {
        let plain = path.percentDecoded().map { $0.lowercased }
        var segments: [ArraySlice<UInt8>] = []
        for segment in plain.split(whereSeparator: { $0.isPathSeparator }) {
            if segment.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else if !segment.elementsEqual(".".utf8) {
                segments.append(segment)
            }
        }
        return segments.flatMap { [UInt8(ascii: "/")] + $0 }
    }

    private static func classify(_ path: Span<UInt8>) -> Owner {
        if path.hasSegments("/v1beta/openai") { return .geminiCompatible }
        for version: StaticString in ["/v1beta", "/v1alpha"] where path.hasSegments(version) {
            let rest = path.extracting(version.utf8CodeUnitCount..<path.count)
            return rest.hasSegments("/projects") ? .noVendor : .gemini
        }
        for folder: StaticString in ["/upload", "/download"] where path.hasSegments(folder) {
            let rest = path.extracting(folder.utf8CodeUnitCount..<path.count)
            return rest.hasSegments("/v1beta") || rest.hasSegments("/v1alpha")
                || rest.hasSegments("/v1") ? .gemini : .noVendor
        }
        if path.hasPrefix("/ws/google.ai.generativelanguage.") { return .gemini }
        guard path.hasSegments("/v1") else { return .noVendor }
        let rest = path.extracting(3..<path.count)
        // Paths of Vertex, of Bedrock and of health probes.
        for folder: StaticString in [
            "/projects", "/publishers", "/locations", "/model", "/api", "/health", "/healthz",
        ] where rest.hasSegments(folder) { return .noVendor }
        // A name that some server may read as another: no API has one like it.
        guard isPlainFolder(rest) else { return .noVendor }
        if rest.hasSegments("/messages") || rest.hasSegments("/complete") { return .anthropic }
        if isModelVerb(rest) { return .gemini }
        return isOpenAIsAlone(rest) ? .openai : .shared
    }

    /// Whether the first segment of a path is written in letters, digits, dashes and colons.
    private static func isPlainFolder(_ rest: Span<UInt8>) -> Bool {
        for index in rest.indices.dropFirst() where rest[index] != UInt8(ascii: "/") {
            let byte = rest[index]
            let isWord =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || byte == UInt8(ascii: "_")
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: ":")
            if !isWord { return false }
            if index + 1 < rest.count, rest[index + 1] == UInt8(ascii: "/") { return true }
        }
        return true
    }

    /// Whether the rest of a path is one that only OpenAI's API has, whatever fields come with it.
    private static func isOpenAIsAlone(_ rest: Span<UInt8>) -> Bool {
        for folder: StaticString in [
            "/chat", "/responses", "/completions", "/embeddings", "/audio", "/images",
            "/moderations", "/realtime", "/fine_tuning", "/assistants", "/threads",
            "/vector_stores", "/uploads", "/batches", "/evals", "/containers", "/conversations",
            "/videos", "/edits", "/engines",
        ] where rest.hasSegments(folder) { return true }
        return false
    }

    /// Whether the rest of a path is `/models/NAME:verb` with a verb of Gemini's: other names hold
    /// colons, too, `ft:gpt-4o::x` and `llama3:8b` among them.
    private static func isModelVerb(_ rest: Span<UInt8>) -> Bool {
        guard rest.hasSegments("/models") || rest.hasSegments("/tunedmodels"),
            let colon = rest.lastIndex(of: UInt8(ascii: ":"))
        else { return false }
        let verb = rest.extracting(colon + 1..<rest.count)
        for known: StaticString in [
            "generatecontent", "streamgeneratecontent", "counttokens", "embedcontent",
            "batchembedcontents", "batchgeneratecontent", "asyncbatchembedcontent", "predict",
            "predictlongrunning", "generateanswer", "generatemessage", "generatetext",
            "embedtext", "batchembedtext", "countmessagetokens", "counttexttokens",
            "computetokens", "bidigeneratecontent", "transferownership",
        ] where verb.matches(known) { return true }
        return false
    }
}

extension Span where Element == UInt8 {
    /// Whether a path begins with whole segments.
    func hasSegments(_ prefix: StaticString) -> Bool {
        guard hasPrefix(prefix) else { return false }
        let length = prefix.utf8CodeUnitCount
        return count == length || self[length] == UInt8(ascii: "/")
            || self[length] == UInt8(ascii: "?")
    }

    fileprivate func lastIndex(of byte: UInt8) -> Int? {
        var index = count
        while index > 0 {
            index -= 1
            if self[index] == byte { return index }
        }
        return nil
    }
}

extension UInt8 {
    fileprivate var isPathSeparator: Bool {
        self == UInt8(ascii: "/") || self == UInt8(ascii: "\\")
    }
}
