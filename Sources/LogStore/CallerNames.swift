import HTTP
import Primitives

/// What a client calls its session, its agent and the agent that started that one.
///
/// Agents name them in header fields of their own, and some in the body alone. Fields come first:
/// they are read already, and a body may have its names behind a long prompt.
struct CallerNames {
    private enum Part {
        case session, agent, parent
    }

    private struct Field {
        let name: StaticString
        let part: Part
        /// Of two fields the one with the smaller number says it.
        let rank: Int
    }

    // In lower case, by what is more specific: a proxy may add `x-session-id` to all requests.
    private static let fields = [
        Field(name: "x-claude-code-session-id", part: .session, rank: 0),
        Field(name: "session-id", part: .session, rank: 1),
        Field(name: "session_id", part: .session, rank: 1),
        Field(name: "conversation-id", part: .session, rank: 2),
        Field(name: "conversation_id", part: .session, rank: 2),
        Field(name: "x-opencode-session", part: .session, rank: 3),
        Field(name: "x-session-affinity", part: .session, rank: 4),
        Field(name: "x-session-id", part: .session, rank: 5),
        Field(name: "x-client-session-id", part: .session, rank: 6),
        Field(name: "x-kilocode-taskid", part: .session, rank: 6),
        Field(name: "vscode-sessionid", part: .session, rank: 6),
        Field(name: "x-claude-code-agent-id", part: .agent, rank: 0),
        Field(name: "thread-id", part: .agent, rank: 1),
        Field(name: "x-openai-subagent", part: .agent, rank: 2),
        Field(name: "x-claude-code-parent-agent-id", part: .parent, rank: 0),
        Field(name: "x-codex-parent-thread-id", part: .parent, rank: 1),
        Field(name: "x-parent-session-id", part: .parent, rank: 2),
    ]

    /// A bit for each length that one of them has.
    private static let fieldLengths = fields.reduce(0 as UInt64) {
        $0 | 1 << UInt64($1.name.utf8CodeUnitCount)
    }

    /// Bytes of a name at most: what is longer is none.
    static let bytesMax = 256
    /// … where no content is kept.
    private static let identifierBytesMax = 128

    private(set) var session = ""
    private(set) var agent = ""
    private(set) var parent = ""
    private var body = BodyNames()

    /// The names that header fields, a line each, give; `keepsContent`: a name may be more than an
    /// identifier.
    init(fields: Span<UInt8>, keepsContent: Bool) {
        var ranks = (session: Int.max, agent: Int.max, parent: Int.max)
        var start = 0
        while start < fields.count {
            let end = fields.firstIndex(of: UInt8(ascii: "\r"), from: start) ?? fields.count
            let line = fields.extracting(start..<end)
            start = end + 2
            guard let field = Self.field(of: line) else { continue }
            let value = line.extracting(field.name.utf8CodeUnitCount + 1..<line.count).trimmed
            guard Self.isName(value, keepsContent: keepsContent) else { continue }
            switch field.part {
            case .session where field.rank < ranks.session:
                (session, ranks.session) = (value.text, field.rank)
            case .agent where field.rank < ranks.agent:
                (agent, ranks.agent) = (value.text, field.rank)
            case .parent where field.rank < ranks.parent:
                (parent, ranks.parent) = (value.text, field.rank)
            default: break
            }
        }
        // Codex's first thread has the session's own name: it is no agent below it.
        if agent == session { agent = "" }
    }

    private static func field(of line: Span<UInt8>) -> Field? {
        guard line.count > 10 else { return nil }
        switch line[0].lowercased {
        case UInt8(ascii: "x"), UInt8(ascii: "s"), UInt8(ascii: "c"), UInt8(ascii: "t"),
            UInt8(ascii: "v"):
            break
        default: return nil
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon < 64,
            fieldLengths >> UInt64(colon) & 1 != 0
        else { return nil }
        let name = line.extracting(0..<colon)
        let fields = fields.span
        for index in fields.indices where name.matchesIgnoringCase(fields[index].name) {
            return fields[index]
        }
        return nil
    }

    /// Looks for the session in a piece of the request's body, where no field named it.
    mutating func take(body piece: Span<UInt8>, keepsContent: Bool) {
        guard session.isEmpty || body.hasBegun else { return }
        body.take(piece)
        guard let name = body.session, Self.isName(name.utf8.span, keepsContent: keepsContent)
        else { return }
        session = name
    }

    /// Looks no further: a piece of the body is missing.
    mutating func endBody() {
        body.end()
    }

    /// Whether a value names something, and may be kept.
    ///
    /// A value that was a credential is `<redacted>`. One in a body has the look of one at most.
    private static func isName(_ value: Span<UInt8>, keepsContent: Bool) -> Bool {
        let most = keepsContent ? bytesMax : identifierBytesMax
        guard 1...most ~= value.count, !value.matches("<redacted>") else { return false }
        for index in value.indices {
            // A name with a space, or beyond ASCII, may be a sentence.
            if value[index] < 0x20 || value[index] == 0x7F { return false }
            if !keepsContent, value[index] == 0x20 || value[index] > 0x7F { return false }
        }
        return CredentialShape.next(in: value) == nil
    }
}
