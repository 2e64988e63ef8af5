import Testing

@testable import Translation

@Suite("What other vendors' answers left in a request of a vendor's own dialect")
struct EnvelopeRemovalTests {
    /// An envelope, as a client of a form has it.
    private static func envelope(_ form: Form) -> String {
        let sealed = Sealed(form: .chat, kind: .none, value: .empty)
        return ReasoningEnvelope.seal(sealed, for: form).plain
    }

    private static let signed = EnvelopeRemovalTests.envelope(.messages)
    private static let encoded = EnvelopeRemovalTests.envelope(.gemini)
    private static let dummy = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

    struct Case: Sendable, CustomStringConvertible {
        let form: Form
        let body: String
        /// Nil where the body stays.
        let cleaned: String?
        var lost: [String] = []
        var model: String?

        var description: String { "\(form) \(body.prefix(60))" }
    }

    static let cases: [Case] = [
        Case(
            form: .messages,
            body: #"{"model":"m", "messages":[{"role":"user","content":"q"},{"role":"assistant","#
                + #""content":[{"type":"thinking","thinking":"t","signature":"\#(signed)"},"#
                + #"{"type":"thinking","thinking":"u","signature":"c2ln"},"#
                + #"{"type":"text" , "text":"\u0061"}]}],"x":1.0}"#,
            cleaned: #"{"model":"m","messages":[{"role":"user","content":"q"},{"role":"assistant","#
                + #""content":[{"type":"thinking","thinking":"u","signature":"c2ln"},"#
                + #"{"type":"text" , "text":"\u0061"}]}],"x":1.0}"#,
            lost: ["-messages[1].content[0]"]),
        // A message of nothing is refused.
        Case(
            form: .messages,
            body: #"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"","#
                + #""signature":"\#(signed)"}]},{"role":"user","content":[]}]}"#,
            cleaned: #"{"messages":[{"role":"user","content":[]}]}"#,
            lost: ["-messages[0].content[0]"]),
        // A text that speaks of one is none.
        Case(
            form: .messages,
            body: #"{"messages":[{"role":"user","content":"\#(signed)"}]}"#, cleaned: nil),
        Case(
            form: .responses,
            body: #"{"input":[{"type":"reasoning","summary":[],"encrypted_content":"\#(signed)"},"#
                + #"{"type":"reasoning","summary":[],"encrypted_content":"gAAA"}],"model":"a"}"#,
            cleaned: #"{"input":[{"type":"reasoning","summary":[],"encrypted_content":"gAAA"}],"#
                + #""model":"b"}"#,
            lost: ["-input[0]"], model: "b"),
        Case(form: .responses, body: #"{"input":"\#(signed)"}"#, cleaned: nil),
        Case(
            form: .chat,
            body: #"{"messages":[{"role":"assistant","tool_calls":[{"id":"a","extra_content":"#
                + #"{"google":{"thought_signature":"QUJD"}}},{"id":"b"}]}]}"#,
            cleaned: #"{"messages":[{"role":"assistant","tool_calls":[{"id":"a"},{"id":"b"}]}]}"#,
            lost: ["-messages[0].tool_calls[0].extra_content"]),
        Case(
            form: .gemini,
            body: #"{"contents":[{"role":"model","parts":[{"text":"t","thought":true},{"text":"","#
                + #""thought":true,"thoughtSignature":"\#(encoded)"},{"functionCall":{"name":"f"},"#
                + #""thought_signature":"\#(encoded)"},{"functionCall":{"name":"g"}}]}]}"#,
            cleaned: #"{"contents":[{"role":"model","parts":[{"text":"t","thought":true},"#
                + #"{"functionCall":{"name":"f"},"thought_signature":"\#(dummy)"},"#
                + #"{"functionCall":{"name":"g"}}]}]}"#,
            lost: [
                "-contents[0].parts[1].thoughtSignature", "-contents[0].parts[2].thought_signature",
            ]),
        Case(
            form: .gemini,
            body: #"{"contents":[{"parts":[{"text":"t","thoughtSignature":"QUJD"}]}]}"#,
            cleaned: nil),
    ]

    @Test("goes, and nothing else of it", arguments: cases)
    func removal(_ one: Case) throws {
        let body = try RawJSON(parsing: Array(one.body.utf8))
        let removal = EnvelopeRemoval(body, one.form, model: one.model, signsCalls: true)
        #expect(removal.map { String(decoding: $0.body, as: UTF8.self) } == one.cleaned)
        #expect((removal?.losses ?? []).map(\.description) == one.lost)
        #expect(removal?.losses.allSatisfy(\.isHarmless) ?? true)
        guard one.cleaned != nil else { return }
        // The search that goes before finds it.
        let bytes = Array(one.body.utf8)
        let isFound = EnvelopeRemoval.mayBeNeeded(bytes.span, one.form)
        #expect(isFound)
        let again = try RawJSON(parsing: removal?.body ?? [])
        let second = EnvelopeRemoval(again, one.form, model: nil, signsCalls: true)
        #expect(second.map(\.body) == nil)
    }

    @Test("leaves a call unsigned for a model that wants no signature")
    func unsigned() throws {
        let part = #"{"functionCall":{},"thoughtSignature":"\#(Self.encoded)"}"#
        let body = try RawJSON(parsing: Array(#"{"contents":[{"parts":[\#(part)]}]}"#.utf8))
        let removal = EnvelopeRemoval(body, .gemini, model: nil, signsCalls: false)
        #expect(
            removal.map { String(decoding: $0.body, as: UTF8.self) }
                == #"{"contents":[{"parts":[{"functionCall":{}}]}]}"#)
    }
}
