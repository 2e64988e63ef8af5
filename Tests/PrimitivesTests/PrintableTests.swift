import Primitives
import Testing

@Suite("Texts for terminals")
struct PrintableTests {
    @Test(
        "show what a terminal would obey as an escape, and nothing else",
        arguments: [
            ("gpt-4o", "gpt-4o"), ("größe → █ 漢字 🙂", "größe → █ 漢字 🙂"), ("", ""),
            ("\u{1B}[31mred\u{1B}[0m", #"\u001B[31mred\u001B[0m"#),
            ("a\u{7}b\0", #"a\u0007b\u0000"#),
            ("a\nb\tc\r\n", #"a\u000Ab\u0009c\u000D\u000A"#), ("\u{7F}", #"\u007F"#),
            ("\u{9B}31m \u{80}\u{9F}", #"\u009B31m \u0080\u009F"#), ("\u{A0}é", "\u{A0}é"),
            ("a\u{202E}b\u{202A}\u{2066}\u{2069}", #"a\u202Eb\u202A\u2066\u2069"#),
            ("\u{200E}\u{200F}\u{61C}\u{2028}\u{2029}", #"\u200E\u200F\u061C\u2028\u2029"#),
            (#"\u001B"#, #"\u001B"#), ("\u{1F468}\u{200D}\u{1F469}", "\u{1F468}\u{200D}\u{1F469}"),
        ])
    func escapes(_ text: String, _ shown: String) {
        #expect(Printable.text(text) == shown)
        #expect(Printable.text(shown) == shown)
    }

    @Test(
        "stand in a page without what ends an element or an attribute",
        arguments: [
            ("<a b=\"c\">&", "&lt;a b=&quot;c&quot;&gt;&amp;"), ("\"\u{301}x", "&quot;\u{301}x"),
            ("<\u{338}b>\u{20D2}", "&lt;\u{338}b&gt;\u{20D2}"), ("&\u{200D}", "&amp;\u{200D}"),
            ("a\u{202E}b", "a\\u202Eb"), ("a\nb", "a\nb"),
        ])
    func pages(_ text: String, _ shown: String) {
        #expect(Array(HTMLText.escaped(text).utf8) == Array(shown.utf8))
    }

    @Test("keep their lines and tabs where those are wanted")
    func lines() {
        let text = "a\n\tb\u{1B}\r\n\u{2028}"
        #expect(Printable.text(text, keepsLines: true) == "a\n\tb\\u001B\\u000D\n\\u2028")
        let page = String(repeating: "größe → …\n", count: 3)
        #expect(Printable.text(page, keepsLines: true) == page)
        #expect(Printable.text(page + "\r", keepsLines: true) == page + "\\u000D")
    }

    @Test("hold no character of the kinds that are escaped, whatever they are made of")
    func all() {
        let kinds: Set<Unicode.GeneralCategory> = [
            .control, .lineSeparator, .paragraphSeparator,
        ]
        for value in (0 as UInt32)...0x2FFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let shown = Printable.text("a\(Character(scalar))b")
            let isEscaped = !shown.unicodeScalars.contains(scalar)
            if kinds.contains(scalar.properties.generalCategory) || scalar.properties.isBidiControl
            {
                #expect(isEscaped, "\(value)")
            } else {
                #expect(!isEscaped, "\(value)")
            }
        }
    }
}
