import Testing

/// A type that grows without bound is where everything ends up.
@Suite("Sizes")
struct SizeTests {
    @Test("a type has at most 600 lines in all its files")
    func lines() {
        var sums: [String: Int] = [:]
        for file in SourceTree.sources {
            let noun = file.name.split(separator: "+").first ?? ""
            sums["\(file.target)/\(noun)", default: 0] += file.lines.count - 1
        }
        for (type, count) in sums where type != "LogStore/Store" {
            #expect(count <= 600, "\(type)")
        }
    }

    @Test("a type of the gateway has at most 25 stored properties")
    func properties() {
        var counts: [String: Int] = [:]
        for file in SourceTree.sources where file.target == "Gateway" {
            for (type, count) in Self.storedProperties(of: file.lines) {
                counts[type, default: 0] += count
            }
        }
        #expect((counts["RequestExchange"] ?? 0) > 5, "the properties of types are not found")
        for (type, count) in counts { #expect(count <= 25, "\(type)") }
    }

    @Test("stored properties differ from computed and static ones")
    func finding() {
        let text = """
            final class Sample {
                static let most = 3
                let first: Int

                /// Not a struct of its own.
                private(set) var second = 0
                @safe var third: [Int] = [
                    1
                ]
                var computed: Int { 3 }
                var compared: Bool { first != nil }
                var longer: Int {
                    let inner = 4
                    return inner
                }
            }
            /// The other class.
            struct Other {

                var only = 1
            }
            """
        let counts = Self.storedProperties(of: text.split(separator: "\n"))
        #expect(counts == ["Sample": 3, "Other": 1])
    }

    /// How many stored properties the types at the top level of a file have.
    private static func storedProperties(of lines: [Substring]) -> [String: Int] {
        var counts: [String: Int] = [:]
        var type: String?
        for line in lines {
            let indent = line.prefix { $0 == " " }.count
            let words = line.split(separator: " ")
            if words.first?.hasPrefix("//") ?? true { continue }
            if indent == 0 {
                type = words.firstIndex { ["class", "struct", "actor"].contains($0) }
                    .flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
                    .map { String($0.prefix { $0.isLetter || $0.isNumber }) }
                continue
            }
            guard let type, indent == 4, !words.contains("static") else { continue }
            guard let keyword = words.firstIndex(where: { $0 == "let" || $0 == "var" }),
                words[..<keyword].allSatisfy({ Self.isModifier($0) })
            else { continue }
            let isComputed = line.contains("{") && !line.contains(" = ")
            if !isComputed { counts[type, default: 0] += 1 }
        }
        return counts
    }

    private static func isModifier(_ word: Substring) -> Bool {
        word.hasPrefix("@") || word.hasPrefix("private") || word.hasPrefix("public")
            || ["fileprivate", "internal", "package", "unowned", "weak", "lazy"].contains(word)
    }
}
