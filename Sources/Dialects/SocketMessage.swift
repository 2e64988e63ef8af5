import JSON
import Primitives

/// What one message of a WebSocket is in its dialect, as far as its first bytes show it.
///
/// OpenAI's messages are the events of its streams, and a request is one of the client's. Gemini's
/// name nothing: their members say what they are.
public struct SocketMessage: Equatable, Sendable {
    /// Bytes of a message that are looked at.
    public static let beginningBytesMax = 4 << 10

    /// What a message does.
    public enum Role: Equatable, Sendable {
        /// It asks for a response.
        case request
        /// It belongs to a response.
        case event
        /// It begins a response.
        case begin
        /// It is the last of a response.
        case end
        /// It is about the session, or is not understood.
        case other
    }

    /// What it does.
    public private(set) var role = Role.other
    /// The lane that it belongs to, where several go side by side; empty for the one that has no
    /// name.
    public private(set) var lane = ""
    /// The response's name, as far as it is given.
    public private(set) var response = ""
    /// The status of an error; 0 without one.
    public private(set) var status = 0
    /// The model of a session that it names; empty without one.
    public private(set) var model = ""

    /// Reads the beginning of a message.
    ///
    /// `isCall`: whether each response is a call of its own, as on `/v1/responses`, so that an
    /// error ends one.
    public init(_ beginning: Span<UInt8>, _ dialect: Dialect, isFromClient: Bool, isCall: Bool) {
        let members = Members(beginning)
        lane = members["stream_id"] ?? ""
        if dialect == .gemini {
            readGemini(members, isFromClient: isFromClient)
        } else {
            readOpenAI(members, isFromClient: isFromClient, isCall: isCall)
        }
    }

    private mutating func readOpenAI(_ members: Members, isFromClient: Bool, isCall: Bool) {
        let type = members["type"] ?? ""
        guard !isFromClient else {
            role = type == "response.create" ? .request : .other
            return
        }
        response = members["response_id"] ?? members["response.id"] ?? ""
        switch type {
        case "response.created": role = .begin
        case "response.completed", "response.failed", "response.incomplete", "response.done",
            "response.cancelled":
            role = .end
        case "error":
            status = members["status"].flatMap(Int.init) ?? 0
            role = isCall ? .end : .other
        default:
            role = type.hasPrefix("response.") ? .event : .other
        }
    }

    private mutating func readGemini(_ members: Members, isFromClient: Bool) {
        if isFromClient {
            if members.has("setup") { model = members["setup.model"] ?? "" }
            if members.has("clientContent") || members.has("toolResponse") { role = .request }
        } else if members.has("serverContent") || members.has("toolCall")
            || members.has("usageMetadata")
        {
            role = members["serverContent.turnComplete"] == "true" ? .end : .event
        }
    }

    /// The members of an object and of its objects, of a text that may break off.
    private struct Members {
        private var values: [String: String] = [:]

        init(_ text: Span<UInt8>) {
            var scanner = JSONScanner(text)
            try? Self.walk(&scanner, "", to: &values)
        }

        subscript(name: String) -> String? { values[name] }

        func has(_ name: String) -> Bool { values[name] != nil }

        private static func walk(
            _ scanner: inout JSONScanner, _ prefix: String, to values: inout [String: String]
        ) throws(JSONScanner.Malformed) {
            guard try scanner.kind() == .object else { return }
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                let inside = key.lowerBound + 1..<key.upperBound - 1
                let name = prefix + scanner.bytes(at: inside).text
                values[name] = ""
                guard try scanner.kind() != .object || !prefix.isEmpty else {
                    return try walk(&scanner, name + ".", to: &values)
                }
                let range = try scanner.value()
                guard range.count <= 256 else { return }
                let value = scanner.bytes(at: range)
                let isText = value.count > 1 && value[0] == UInt8(ascii: "\"")
                values[name] =
                    isText
                    ? JSONText.unescape(value.extracting(1..<value.count - 1)) : value.text
            }
        }
    }
}
