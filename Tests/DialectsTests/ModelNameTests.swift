import Dialects
import Testing

@Suite("Names of models")
struct ModelNameTests {
    @Test("stand as they are up to their bound, and end in a mark beyond it")
    func bounded() {
        for text in ["", "gpt-4o", String(repeating: "m", count: 256)] {
            #expect(ModelName.bounded(text) == text)
        }
        #expect(
            ModelName.bounded(String(repeating: "m", count: 257))
                == String(repeating: "m", count: 253) + "…")
    }

    @Test("hold no zero, which ends a text for some readers of the store")
    func zeros() {
        #expect(ModelName.bounded("\0") == "\u{FFFD}")
        let many = ModelName.bounded(String(repeating: "\0", count: 200))
        #expect(many.utf8.count <= ModelName.bytesMax && !many.utf8.contains(0))
    }

    @Test(
        "are cut between two characters",
        arguments: ["é", "…", "🙂", "e\u{301}", "🇪🇺", "a\u{300}\u{301}\u{302}"])
    func characters(_ character: String) {
        for lead in 0..<8 {
            let text =
                String(repeating: "x", count: lead) + String(repeating: character, count: 1000)
            let cut = ModelName.bounded(text)
            #expect(cut.utf8.count <= ModelName.bytesMax && cut.utf8.count > 240)
            #expect(
                cut.hasSuffix("…")
                    && text.unicodeScalars.starts(with: cut.unicodeScalars.dropLast()))
        }
    }
}
