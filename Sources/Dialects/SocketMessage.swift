import JSON
import Primitives

/// What one message of a WebSocket is in its dialect, as far as its first bytes show it.
///
/// OpenAI's messages are the events of its streams, and a request is one of the client's. Gemini's
/// name nothing: their members say what they are. Members stand in any order: many writers sort
/// them, so that what a message is stands behind all that it holds.
public struct SocketMessage: Equatable, Sendable {
    /// Bytes of a message that are looked at.
    public static let bytesMax = 1 << 20
    /// Bytes of a longer one of a vendor's that are enough where they say what it is.
    private static let earlyBytes = 64 << 10

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
        /// It is all there is of a transcript, which another model has made of what a client said.
        case transcript
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
    /// The model that a session has transcribe what its client says; nil where it says nothing of
    /// that.
    public private(set) var transcriber: String?

    /// Whether it says what it is.
    private var isKnown = false

    /// Reads a message as far as it has come; nil where more of it is needed.
    ///
    /// The result depends on the message alone, not on how it was cut: it is read whole, or its
    /// first bytes up to one of two bounds.
    ///
    /// `before`: how many of the bytes were here before; `isLast`: whether these are all of them.
    public static func read(
        _ text: Span<UInt8>, before: Int, isLast: Bool, _ dialect: Dialect, isFromClient: Bool,
        isCall: Bool
    ) -> (message: SocketMessage, isUnread: Bool)? {
        func message(_ count: Int) -> SocketMessage {
            SocketMessage(
                text.extracting(0..<count), dialect, isFromClient: isFromClient, isCall: isCall)
        }
        if text.count > earlyBytes, before <= earlyBytes {
            guard isObject(text) else { return (message(0), false) }
            if !isFromClient, dialect != .gemini {
                let early = message(earlyBytes)
                if early.isKnown { return (early, false) }
            }
        }
        if text.count > bytesMax {
            let long = message(bytesMax)
            return (long, !long.isKnown)
        }
        return isLast ? (message(text.count), false) : nil
    }

    private static func isObject(_ text: Span<UInt8>) -> Bool {
        var index = 0
        while index < text.count, text[index] <= 0x20 { index += 1 }
        return index < text.count && text[index] == UInt8(ascii: "{")
    }

    /// Reads the beginning of a message.
    ///
    /// `isCall`: whether each response is a call of its own, as on `/v1/responses`, so that an
    /// error ends one.
    public init(_ beginning: Span<UInt8>, _ dialect: Dialect, isFromClient: Bool, isCall: Bool) {
        let members = Members(beginning)
        lane = members.text(.lane) ?? ""
        if dialect == .gemini {
            readGemini(members, isFromClient: isFromClient)
            isKnown = role != .other || !model.isEmpty
        } else {
            isKnown = members.has(.type)
            readOpenAI(members, isFromClient: isFromClient, isCall: isCall)
            if !isCall, role == .other { readSession(members, beginning) }
        }
    }

    /// Reads what a session is set to: once or twice in each, so that all of it is read.
    private mutating func readSession(_ members: borrowing Members, _ text: Span<UInt8>) {
        guard
            members.beginsText(.type, "session.")
                || members.beginsText(.type, "transcription_session."),
            let session = try? JSONValue(parsing: text)["session"]
        else { return }
        let settings =
            session["audio"]?["input"]?["transcription"] ?? session["input_audio_transcription"]
        transcriber = settings?["model"]?.text
    }

    private mutating func readOpenAI(
        _ members: borrowing Members, isFromClient: Bool, isCall: Bool
    ) {
        guard !isFromClient else {
            role = members.isText(.type, "response.create") ? .request : .other
            return
        }
        response = members.text(.responseID) ?? members.text(.responseObjectID) ?? ""
        if members.isText(.type, "response.created") {
            role = .begin
        } else if Self.ends.contains(where: { members.isText(.type, $0) }) {
            role = .end
        } else if members.isText(.type, "error") {
            status = members.text(.status).flatMap(Int.init) ?? 0
            role = isCall ? .end : .other
        } else if members.isText(.type, Self.transcript) {
            role = .transcript
        } else {
            role = members.beginsText(.type, "response.") ? .event : .other
        }
    }

    private static let transcript: StaticString =
        "conversation.item.input_audio_transcription.completed"

    private static let ends: [StaticString] = [
        "response.completed", "response.failed", "response.incomplete", "response.done",
        "response.cancelled",
    ]

    private mutating func readGemini(_ members: borrowing Members, isFromClient: Bool) {
        if isFromClient {
            if members.has(.setup) { model = members.text(.setupModel) ?? "" }
            let asks =
                members.has(.clientContent) || members.has(.toolResponse)
                || members.has(.realtimeText)
            if asks { role = .request }
        } else if members.has(.serverContent) || members.has(.toolCall)
            || members.has(.usageMetadata)
        {
            role = members.text(.turnComplete) == "true" ? .end : .event
        }
    }

    /// The objects in a message that are looked into.
    private enum Holder: Int {
        case response, setup, serverContent, realtimeInput

        static let count = 4

        var name: StaticString {
            switch self {
            case .response: "response"
            case .setup: "setup"
            case .serverContent: "serverContent"
            case .realtimeInput: "realtimeInput"
            }
        }

        /// Another spelling: Google's servers read both, and its SDKs write both.
        var otherName: StaticString? {
            switch self {
            case .response, .setup: nil
            case .serverContent: "server_content"
            case .realtimeInput: "realtime_input"
            }
        }
    }

    /// The members that say something.
    private enum Member: Int {
        case type, lane, responseID, responseObjectID, status
        case setup, setupModel, clientContent, toolResponse
        case serverContent, turnComplete, toolCall, usageMetadata, realtimeText

        static let count = 14

        /// The object that it stands in; nil for the message itself.
        var holder: Holder? {
            switch self {
            case .responseObjectID: .response
            case .setupModel: .setup
            case .turnComplete: .serverContent
            case .realtimeText: .realtimeInput
            default: nil
            }
        }

        var name: StaticString {
            switch self {
            case .type: "type"
            case .lane: "stream_id"
            case .responseID: "response_id"
            case .responseObjectID: "id"
            case .status: "status"
            case .setup: "setup"
            case .setupModel: "model"
            case .clientContent: "clientContent"
            case .toolResponse: "toolResponse"
            case .serverContent: "serverContent"
            case .turnComplete: "turnComplete"
            case .toolCall: "toolCall"
            case .usageMetadata: "usageMetadata"
            case .realtimeText: "text"
            }
        }

        /// Another spelling of Google's.
        var otherName: StaticString? {
            switch self {
            case .clientContent: "client_content"
            case .toolResponse: "tool_response"
            case .serverContent: "server_content"
            case .turnComplete: "turn_complete"
            case .toolCall: "tool_call"
            case .usageMetadata: "usage_metadata"
            default: nil
            }
        }
    }

    /// Where these members' values stand in a text that may break off.
    ///
    /// Ranges alone: a session of audio has fifty messages a second, and a dictionary of each
    /// took a sixth of what a message costs.
    private struct Members: ~Copyable, ~Escapable {
        private let text: Span<UInt8>
        /// Where a value stands; empty where it broke off or is long, negative without one.
        private var ranges = Ranges(repeating: -1..<(-1))
        /// Whether the type's text has escapes, which JSON allows in any.
        private var isTypeEscaped = false

        private typealias Ranges = InlineArray<14, Range<Int>>

        @_lifetime(copy text)
        init(_ text: Span<UInt8>) {
            self.text = text
            var scanner = JSONScanner(text)
            try? Self.walk(&scanner, nil, to: &ranges)
            let type = ranges[Member.type.rawValue]
            guard type.lowerBound >= 0 else { return }
            isTypeEscaped = text.extracting(type).firstIndex(of: UInt8(ascii: "\\")) != nil
        }

        func has(_ member: Member) -> Bool { ranges[member.rawValue].lowerBound >= 0 }

        /// A value as a text; a literal or a number as it stands, an object as an empty one.
        func text(_ member: Member) -> String? {
            guard has(member) else { return nil }
            let value = text.extracting(ranges[member.rawValue])
            let isText = value.count > 1 && value[0] == UInt8(ascii: "\"")
            return isText
                ? JSONText.unescape(value.extracting(1..<value.count - 1)) : value.text
        }

        /// Whether a value is this text.
        func isText(_ member: Member, _ wanted: StaticString) -> Bool {
            beginsText(member, wanted, isWhole: true)
        }

        /// Whether a value is a text that begins so.
        func beginsText(
            _ member: Member, _ wanted: StaticString, isWhole: Bool = false
        ) -> Bool {
            guard has(member) else { return false }
            let value = text.extracting(ranges[member.rawValue])
            guard value.count > 1, value[0] == UInt8(ascii: "\"") else { return false }
            let inside = value.extracting(1..<value.count - 1)
            // Every message is compared with each of the types: most differ by their length.
            let mayBe = !isWhole || inside.count == wanted.utf8CodeUnitCount
            if mayBe, inside.hasPrefix(wanted) { return true }
            guard member != .type || isTypeEscaped else { return false }
            let plain = JSONText.unescape(inside)
            return isWhole ? plain == wanted.description : plain.hasPrefix(wanted.description)
        }

        private static func walk(
            _ scanner: inout JSONScanner, _ holder: Holder?, to ranges: inout Ranges
        ) throws(JSONScanner.Malformed) {
            guard try scanner.kind() == .object else { return }
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                let member = Self.member(key, of: holder, scanner)
                // It is there, though its value may break off.
                if let member { ranges[member.rawValue] = 0..<0 }
                if holder == nil, try scanner.kind() == .object,
                    let inner = Self.holder(key, scanner)
                {
                    return try walk(&scanner, inner, to: &ranges)
                }
                let value = try scanner.value()
                if let member, value.count <= 256 { ranges[member.rawValue] = value }
            }
        }

        private static func member(
            _ key: Range<Int>, of holder: Holder?, _ scanner: borrowing JSONScanner
        ) -> Member? {
            for number in 0..<Member.count {
                guard let member = Member(rawValue: number), member.holder == holder,
                    scanner.isKey(key, member.name)
                        || member.otherName.map({ scanner.isKey(key, $0) }) ?? false
                else { continue }
                return member
            }
            return nil
        }

        private static func holder(
            _ key: Range<Int>, _ scanner: borrowing JSONScanner
        ) -> Holder? {
            for number in 0..<Holder.count {
                guard let holder = Holder(rawValue: number),
                    scanner.isKey(key, holder.name)
                        || holder.otherName.map({ scanner.isKey(key, $0) }) ?? false
                else { continue }
                return holder
            }
            return nil
        }
    }
}
