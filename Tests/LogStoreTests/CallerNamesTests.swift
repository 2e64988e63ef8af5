import ExchangeCore
import Primitives
import Support
import Testing

@testable import LogStore

/// A row of the table: header fields and a body, and what they name.
private struct Naming: Sendable, CustomStringConvertible {
    var fields = ""
    var body = "{}"
    var session = ""
    var agent = ""
    var parent = ""

    var description: String { fields.isEmpty ? body : fields }
}

@Suite("Names of sessions and agents")
struct CallerNamesTests {
    private static let claudeUser = #"{\"device_id\":\"d\",\"session_id\":\"s-9\"}"#

    private static let namings = [
        Naming(),
        Naming(
            fields: "X-Claude-Code-Session-Id: s-1\r\nx-claude-code-agent-id: a-1\r\n"
                + "x-claude-code-parent-agent-id: a-0\r\n",
            session: "s-1", agent: "a-1", parent: "a-0"),
        // Codex, old and new: its first thread has the session's name.
        Naming(fields: "session_id: s-2\r\nconversation_id: c\r\n", session: "s-2"),
        Naming(fields: "session-id: s-2\r\nthread-id: s-2\r\n", session: "s-2"),
        Naming(
            fields: "thread-id: t\r\nsession-id: s-2\r\nx-codex-parent-thread-id: s-2\r\n"
                + "x-openai-subagent: review\r\n",
            session: "s-2", agent: "t", parent: "s-2"),
        Naming(fields: "conversation_id: c-1\r\n", session: "c-1"),
        Naming(
            fields: "X-Session-Id: s-3\r\nx-session-affinity: s-4\r\nx-parent-session-id: p\r\n",
            session: "s-4", parent: "p"),
        Naming(fields: "x-client-session-id: s-5\r\n", session: "s-5"),
        Naming(fields: "X-KILOCODE-TASKID: s-6\r\n", session: "s-6"),
        Naming(fields: "vscode-sessionid:s-7\r\n", session: "s-7"),
        // What a redaction left, an empty value, a field of another name, a key by its shape.
        Naming(fields: "x-session-id: <redacted>\r\n"),
        Naming(fields: "x-session-id: \r\n"),
        Naming(fields: "x-session-identity: s\r\nx-session-i\r\n"),
        Naming(fields: "x-session-id: sk-abcdefghijklmnopqrstuvwxyz\r\n"),
        Naming(fields: "x-session-id: \(String(repeating: "s", count: 257))\r\n"),
        // Bodies.
        Naming(body: #"{"model":"m","metadata":{"user_id":"\#(claudeUser)"}}"#, session: "s-9"),
        Naming(
            body: #"{"metadata":{"user_id":"user_1_account_2_session_s-8"},"session_id":"x"}"#,
            session: "s-8"),
        Naming(
            body:
                #"{"session_id":"x","messages":[{}],"metadata":{"user_id":"user_1_session_s-8"}}"#,
            session: "s-8"),
        Naming(body: #"{"metadata":{"user_id":"me","session_id":"s-0"}}"#, session: "s-0"),
        Naming(body: #"{"metadata":{"user_id":"{"}}"#),
        Naming(body: #"{"metadata":"user_1_session_x","user_id":"user_1_session_x"}"#),
        Naming(body: #"{"prompt_cache_key":"k-1"}"#, session: "k-1"),
        Naming(body: #"{"prompt_cache_key":"k-1","session_id":"s\u002d1"}"#, session: "s-1"),
        Naming(
            body:
                #"{"client_metadata":{"session_id":"s-2","x":{"session_id":"y"}},"#
                + #""session_id":"n"}"#,
            session: "s-2"),
        // What stands deeper, in a text or in a value of another kind names nothing.
        Naming(
            body:
                #"{"messages":[{"session_id":"x"},"session_id","x"],"#
                + #""tools":{"prompt_cache_key":"y"}}"#
        ),
        Naming(body: #"{"input":"\"session_id\":\"x\"","a":"session_id"}"#),
        Naming(body: #"{"session_id":{"session_id":"x"},"prompt_cache_key":["k"]}"#),
        Naming(body: #"["session_id","x"]"#),
        Naming(
            body: #"  {"session_id" : null , "prompt_cache_key" : "k" } "session_id":"x""#,
            session: "k"),
        Naming(body: "\u{1}\u{2}{\"session_id\":\"x\"}"),
        Naming(body: #"}{"session_id":"x"}"#),
        // Fields come before bodies.
        Naming(fields: "session_id: s\r\n", body: #"{"session_id":"x"}"#, session: "s"),
    ]

    @Test("are found in fields and bodies, however the body was cut", arguments: namings)
    private func found(_ naming: Naming) throws {
        let scratch = try RecordScratch()
        for pieces in [1, 2, 3, max(1, naming.body.utf8.count)] {
            var call = RecordScratch.Call()
            call.fields = "host: a\r\n" + naming.fields
            call.request = Array(naming.body.utf8)
            call.requestPieces = pieces
            scratch.append(call)
            let record = try #require(scratch.assemble().first)
            #expect(record.session == naming.session)
            #expect(record.agent == naming.agent)
            #expect(record.parentAgent == naming.parent)
            #expect(record.client == "192.0.2.7")
        }
    }

    @Test("that may be sentences are not kept where no content is")
    func content() throws {
        let scratch = try RecordScratch()
        let long = String(repeating: "s", count: 129)
        for (name, isIdentifier) in [
            ("3f2a-11", true), (String(long.dropLast()), true), (long, false),
            ("my secret plan", false), ("plän", false),
        ] {
            var field = RecordScratch.Call()
            field.fields = "x-session-id: \(name)\r\n"
            var body = RecordScratch.Call()
            body.request = Array(#"{"prompt_cache_key":"\#(name)"}"#.utf8)
            for call in [field, body] {
                scratch.append(call)
                let kept = try #require(scratch.assemble().first)
                #expect(kept.session == name)
                scratch.append(call)
                let bare = try #require(scratch.assemble(capture: Capture(bytesMax: 0)).first)
                #expect(bare.session == (isIdentifier ? name : ""))
            }
        }
    }

    @Test("a class of error says what decided, and the model is the one that was sent")
    func classes() {
        typealias Attempt = LogStore.Record.Attempt
        let rows:
            [(
                outcome: String, status: Int, kind: String, failures: [String], answered: Int,
                class: String
            )] = [
                ("complete", 200, "", [""], 1, ""),
                ("complete", 200, "overloaded_error", [""], 1, "stream_error"),
                ("complete", 429, "x", [""], 1, "status"),
                ("complete", 401, "x", ["credential"], 1, "credential"),
                ("complete", 200, "", ["status", ""], 2, ""),
                ("upstream_error", 502, "x", ["status", "connect"], 0, "connect"),
                ("upstream_error", 502, "x", [], 0, "upstream_error"),
                ("timeout_idle", 200, "", [""], 1, "timeout_idle"),
                ("client_cancelled", 200, "", [""], 1, "client_cancelled"),
                ("refused", 413, "x", [], 0, "refused"),
                ("interrupted", 0, "x", [""], 0, "interrupted"),
            ]
        for row in rows {
            var record = LogStore.Record(Identifier(high: 1, low: 2))
            record.outcome = row.outcome
            record.status = row.status
            record.errorKind = row.kind
            record.answered = row.answered
            record.model = "asked"
            record.attempts = row.failures.map { Attempt(vendor: "v", failure: $0) }
            #expect(record.errorClass == row.class, "\(row)")
            #expect(record.sentModel == (row.failures.isEmpty ? "" : "asked"))
            guard !record.attempts.isEmpty else { continue }
            record.attempts[record.attempts.count - 1].model = "sent"
            #expect(record.sentModel == "sent")
        }
    }
}
