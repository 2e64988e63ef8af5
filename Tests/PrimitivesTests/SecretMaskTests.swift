import Primitives
import Testing

@Suite("Masking secrets by their value")
struct SecretMaskTests {
    private static let secrets = [
        "sk-proj-Abc/def+QQQ==", "canary-of-another-vendor", "short", "quote\"d secret",
        "sk-proj-Abc/def-other",
    ].map(Secret.init)

    private static let mask = SecretMask(secrets)

    private static func masked(_ text: String) -> String {
        var output = ByteBuffer()
        mask.write(Array(text.utf8).span, to: &output)
        return output.bytes.text
    }

    @Test("finds them wherever they stand, and as JSON and URLs write them")
    func found() {
        for form in [
            "sk-proj-Abc/def+QQQ==", #"sk-proj-Abc\/def+QQQ=="#, "sk-proj-Abc%2Fdef%2BQQQ%3D%3D",
            "canary-of-another-vendor", #"quote\"d secret"#, "sk-proj-Abc/def-other",
        ] {
            let hidden = String(repeating: "*", count: form.utf8.count)
            for (before, after) in [("", ""), ("x", "y"), ("sk-proj-", "="), ("é\"", "\n")] {
                #expect(Self.masked(before + form + after) == before + hidden + after)
            }
            #expect(Self.masked(form + form) == hidden + hidden)
        }
    }

    @Test("finds them as encoders for web pages write them, and in Base64 behind anything")
    func encoded() {
        for form in [
            #"sk-proj-Abc/def\u002bQQQ=="#, #"sk-proj-Abc/def\u002BQQQ=="#,
            "sk-proj-Abc%2fdef%2bQQQ%3d%3d", #"quote\u0022d secret"#,
        ] { #expect(Self.masked(form) == String(repeating: "*", count: form.utf8.count)) }
        for text in [
            "Y2FuYXJ5LW9mLWFub3RoZXItdmVuZG9y",
            "dTpjYW5hcnktb2YtYW5vdGhlci12ZW5kb3I=",
            "dXNlcjpjYW5hcnktb2YtYW5vdGhlci12ZW5kb3J4",
            "YWJjYW5hcnktb2YtYW5vdGhlci12ZW5kb3J5eg==",
        ] {
            let masked = Self.masked(text)
            // The letters that remain depend on other bytes, too.
            #expect(masked.utf8.filter { $0 != UInt8(ascii: "*") }.count <= 12, "\(masked)")
            #expect(masked.utf8.count == text.utf8.count)
        }
    }

    @Test("leaves everything else, and what is too short to differ from words")
    func left() {
        for text in ["", "short", "sk-proj-Abc/def+QQQ=", "QQQQQQQQQQQQ", "ccccanary", "\0\u{FF}"] {
            #expect(Self.masked(text) == text)
        }
        let none = SecretMask([Secret("short"), Secret("")])
        #expect(none.isEmpty && none.first(in: Array("short".utf8).span) == nil)
    }

    @Test("cut anywhere, the ends that may be beginnings are found")
    func cuts() {
        let text = Array("before sk-proj-Abc/def+QQQ== and canary-of-another-vendor after".utf8)
        for size in 1...text.count {
            var held: [UInt8] = []
            var output = ByteBuffer()
            for start in stride(from: 0, to: text.count, by: size) {
                held += text[start..<min(start + size, text.count)]
                var piece = ByteBuffer()
                Self.mask.write(held.span, to: &piece)
                let undecided = Self.mask.undecided(atEndOf: piece.bytes)
                output.append(piece.bytes(0..<piece.count - undecided))
                held = (piece.count - undecided..<piece.count).map { piece.bytes[$0] }
            }
            output.append(held.span)
            #expect(output.bytes.text == Self.masked(String(decoding: text, as: UTF8.self)))
        }
    }

    @Test("of two readings finds the secrets of both")
    func joined() {
        let both = SecretMask([Secret("first-secret")]).joined(
            with: SecretMask([Secret("second-secret")]))
        for text in ["first-secret", "second-secret"] {
            #expect(both.first(in: Array(text.utf8).span) == 0..<text.utf8.count)
        }
    }
}
