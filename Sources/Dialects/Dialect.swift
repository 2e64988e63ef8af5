public import HTTP
public import Primitives

/// The shape in which a vendor is spoken to.
public enum Dialect: String, CaseIterable, Sendable {
    /// OpenAI's API and the many that follow it.
    case openai
    /// Anthropic's Messages API.
    case anthropic
    /// Google's Gemini API.
    case gemini

    /// The dialect of a request, from its path; where the path is common to several (`/v1/models`,
    /// `/v1/files`), from the fields that only one vendor's SDKs send.
    ///
    /// Taking such a path for OpenAI's whatever its fields say would send an Anthropic key to
    /// OpenAI.
    public init(of head: borrowing RequestHead, path: Span<UInt8>) {
        if path.hasSegments("/v1/messages") || path.hasSegments("/v1/complete") {
            self = .anthropic
        } else if path.hasSegments("/v1beta") || path.hasSegments("/v1alpha")
            || path.hasSegments("/upload/v1beta") || path.isModelVerb
        {
            self = .gemini
        } else if path.isOpenAIsAlone {
            self = .openai
        } else if head.has(.anthropicVersion) {
            self = .anthropic
        } else if head.has(.xGoogAPIKey) || head.has(.xGoogAPIClient) {
            self = .gemini
        } else {
            self = .openai
        }
    }

    /// The dialect's place in the list of all.
    public var place: Int {
        switch self {
        case .openai: 0
        case .anthropic: 1
        case .gemini: 2
        }
    }

    /// Appends the target to ask a vendor of this dialect for: the client's path led to the
    /// vendor's base, its query as it was, without a `key` of the client's where that is to be
    /// dropped.
    public func writeTarget(
        _ pathAndQuery: Span<UInt8>, basePath: String, droppingKey: Bool, model: String? = nil,
        to output: inout ByteBuffer
    ) {
        output.append(text: basePath)
        let question = pathAndQuery.firstIndex(of: UInt8(ascii: "?")) ?? pathAndQuery.count
        let path = pathAndQuery.extracting(0..<question)
        // The base of an OpenAI vendor ends in its version, which stands for the client's own.
        let start = self == .openai && path.hasSegments("/v1") ? 3 : 0
        writePath(path.extracting(start..<path.count), model: model, to: &output)
        // "/v1" asked of a vendor without a path of its own.
        if output.isEmpty { output.append(byte: UInt8(ascii: "/")) }
        guard question < pathAndQuery.count else { return }
        let query = pathAndQuery.extracting(question + 1..<pathAndQuery.count)
        if droppingKey {
            writeWithoutKey(query, to: &output)
        } else {
            output.append(byte: UInt8(ascii: "?"))
            output.append(query)
        }
    }

    /// Appends a path; Gemini's names its model there, which another may replace.
    private func writePath(_ path: Span<UInt8>, model: String?, to output: inout ByteBuffer) {
        guard self == .gemini, let model, let place = path.modelPlace else {
            return output.append(path)
        }
        output.append(path.extracting(0..<place.lowerBound))
        output.append(text: model)
        output.append(path.extracting(place.upperBound..<path.count))
    }

    private func writeWithoutKey(_ query: Span<UInt8>, to output: inout ByteBuffer) {
        var separator = UInt8(ascii: "?")
        var start = 0
        while start <= query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            let pair = query.extracting(start..<end)
            if !pair.isNamedKey {
                output.append(byte: separator)
                output.append(pair)
                separator = UInt8(ascii: "&")
            }
            start = end + 1
        }
    }

    /// The field in which a vendor of this dialect expects its credential.
    public func credentialField(_ secret: Secret) -> (name: String, value: String) {
        switch self {
        case .openai: ("Authorization", "Bearer \(secret.reveal())")
        case .anthropic: ("x-api-key", secret.reveal())
        case .gemini: ("x-goog-api-key", secret.reveal())
        }
    }

    /// An event that the SDKs of this dialect raise an error for in the middle of a stream.
    ///
    /// Anthropic's look at the event's name, OpenAI's and Google's at an `error` member.
    public func errorEvent(_ error: DialectError, to output: inout ByteBuffer) {
        if self == .anthropic { output.append("event: error\n") }
        output.append("data: ")
        errorBody(error, to: &output)
        output.append(self == .gemini ? "\r\n\r\n" : "\n\n")
    }

    /// The body of an error as the SDKs of this dialect read it.
    public func errorBody(_ error: DialectError, to output: inout ByteBuffer) {
        switch self {
        case .openai: writeOpenAIError(error, to: &output)
        case .anthropic: writeAnthropicError(error, to: &output)
        case .gemini: writeGeminiError(error, to: &output)
        }
    }
}

/// An error of the gateway's own, before it takes a dialect's shape.
public struct DialectError: Sendable {
    /// The HTTP status.
    public let status: Int
    /// A stable word for programs: `vendor_unreachable`, `vendor_timeout`, ….
    public let code: String
    /// What happened, whose fault it is and why, for people.
    public let message: String
    /// The exchange's name; empty when there is none.
    public let identifier: String

    /// An error of these parts.
    public init(status: Int, code: String, message: String, identifier: String) {
        self.status = status
        self.code = code
        self.message = message
        self.identifier = identifier
    }
}

extension Span where Element == UInt8 {
    /// Whether the name of a query's pair is `key`, however it is escaped: `%6Bey` is one to the
    /// vendor that reads it.
    fileprivate var isNamedKey: Bool {
        var offset = 0
        for letter in "key".utf8 {
            guard offset < count else { return false }
            if self[offset] == letter {
                offset += 1
            } else if offset + 2 < count, self[offset] == UInt8(ascii: "%"),
                let high = self[offset + 1].hexadecimalDigit,
                let low = self[offset + 2].hexadecimalDigit, high << 4 | low == letter
            {
                offset += 3
            } else {
                return false
            }
        }
        return offset == count || self[offset] == UInt8(ascii: "=")
    }

    /// Whether a path begins with whole segments.
    func hasSegments(_ prefix: StaticString) -> Bool {
        guard hasPrefix(prefix) else { return false }
        let length = prefix.utf8CodeUnitCount
        return count == length || self[length] == UInt8(ascii: "/")
            || self[length] == UInt8(ascii: "?")
    }

    /// Where the model stands in `…/models/NAME:verb`; nil for other paths.
    public var modelPlace: Range<Int>? {
        let mark: StaticString = "/models/"
        let length = mark.utf8CodeUnitCount
        guard count > length else { return nil }
        for start in 0..<(count - length)
        where extracting(start..<start + length).matches(mark) {
            guard let colon = firstIndex(of: UInt8(ascii: ":"), from: start + length) else {
                return nil
            }
            return start + length..<colon
        }
        return nil
    }

    /// Whether a path is one that only OpenAI's API has, whatever fields come with it.
    fileprivate var isOpenAIsAlone: Bool {
        hasSegments("/v1/chat") || hasSegments("/v1/responses") || hasSegments("/v1/completions")
            || hasSegments("/v1/embeddings") || hasSegments("/v1/audio")
            || hasSegments("/v1/images")
            || hasSegments("/v1/moderations")
    }

    /// Whether a path is `/v1/models/NAME:verb`.
    fileprivate var isModelVerb: Bool {
        guard hasPrefix("/v1/models/") || hasPrefix("/v1/tunedModels/") else { return false }
        return firstIndex(of: UInt8(ascii: ":")) != nil
    }
}
