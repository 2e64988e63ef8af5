import Testing

@testable import Translation

@Suite("Reasoning envelopes")
struct ReasoningEnvelopeTests {
    private static let samples = [
        Sealed(form: .messages, kind: .signature, value: EscapedText("c2ln+/=")),
        Sealed(form: .messages, kind: .redacted, value: EscapedText("x")),
        Sealed(
            form: .responses, kind: .encrypted, value: EscapedText("gAAA"),
            item: EscapedText("rs_1")),
        Sealed(form: .gemini, kind: .thought, value: EscapedText("QUJD")),
        Sealed(form: .chat, kind: .none, value: .empty),
        Sealed(
            form: .messages, kind: .signature, value: EscapedText("s"),
            text: EscapedText("a \"quoted\" line\nand \u{1F600}")),
    ]

    @Test("hold what was put in, for each form of client", arguments: Form.allCases)
    func roundTrip(_ form: Form) {
        for sample in Self.samples {
            let envelope = ReasoningEnvelope.seal(sample, for: form)
            #expect(ReasoningEnvelope.open(envelope) == sample)
        }
    }

    @Test("are valid base64 for Gemini's clients, and marked for the others")
    func spelling() {
        let sealed = Self.samples[0]
        let gemini = ReasoningEnvelope.seal(sealed, for: .gemini)
        #expect(gemini.inner.count % 4 == 0)
        #expect(Base64.decode(gemini.inner) != nil)
        #expect(ReasoningEnvelope.seal(sealed, for: .messages).hasPrefix("weir1:"))
    }

    @Test("that are damaged belong to no vendor, and other texts are none")
    func damaged() {
        for text in ["weir1:", "weir1:!!", "weir1:e30", "d2VpcjE6", "d2VpcjE6e30="] {
            #expect(ReasoningEnvelope.open(EscapedText(text))?.kind == Sealed.Kind.none)
        }
        #expect(ReasoningEnvelope.open(EscapedText("c2lnbmF0dXJl")) == nil)
        #expect(ReasoningEnvelope.open(.empty) == nil)
    }

    @Test("go only to the vendor that they name", arguments: Form.allCases)
    func addressees(_ target: Form) throws {
        guard target != .chat else { return }
        for sample in Self.samples where sample.kind != .none {
            let envelope = String(
                decoding: ReasoningEnvelope.seal(sample, for: .messages).inner, as: UTF8.self)
            let body =
                #"{"max_tokens":99,"messages":[{"role":"user","content":"q"},"#
                + #"{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":""#
                + envelope + #""},{"type":"text","text":"a"}]},{"role":"user","content":"r"}]}"#
            let translation = try RequestTranslation(
                try RawJSON(parsing: Array(body.utf8)), from: .messages, to: target)
            let text = String(decoding: translation.body, as: UTF8.self)
            guard target != .messages else { continue }
            #expect(!text.contains("weir1:"))
            let isKept = text.contains("\"\(sample.value.plain)\"")
            #expect(isKept == (sample.form == target), "\(text)")
        }
    }
}
