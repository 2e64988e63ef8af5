import Support
import Testing

/// One noun for one thing: words that were replaced stay out of names.
///
/// A name is an identifier of the code, or a text made of small letters and underscores, as keys of
/// the configuration, metrics and columns are. ``ProseTests`` reads comments and sentences.
@Suite("Words")
struct WordsTests {
    /// Words that stand in no name, and the words to use instead.
    private static let replacements: [String: String] = [
        "benched": "cooldown, isCoolingDown", "benching": "cooldown", "benchings": "cooldowns",
        "unheard": "detached",
        "edition": "routing snapshot", "editions": "routing snapshots",
        "sequel": "failover decision", "duty": "consumer priority", "relief": "handoff",
        "tell": "append, write", "tells": "append, write", "told": "written",
        "announce": "append, write", "announced": "written",
        "place": "index, range, location, slot, address, key, parameter, tag",
        "places": "indexes, ranges, locations, slots, addresses, keys, parameters, tags",
        "note": "the exact verb: count, remember, observe", "noted": "counted, observed",
    ]

    /// Names of the configuration and metrics of 0.1 stand where they are refused by name.
    private static let exceptions: Set<String> = [
        "Sources/Config/Chain+Reading.swift", "Tests/RepositoryTests/WordsTests.swift",
        "Tests/RepositoryTests/ProseTests.swift",
    ]

    @Test("that were replaced stand in no name", arguments: SourceTree.all)
    func names(_ file: SourceFile) {
        guard !Self.exceptions.contains(file.path) else { return }
        var isInText = false
        for (index, line) in file.lines.enumerated() {
            if line.contains("\"\"\"") {
                isInText.toggle()
                continue
            }
            if isInText { continue }
            for name in Self.names(in: line) {
                for word in Self.words(of: name) {
                    guard let better = Self.replacements[word] else { continue }
                    Issue.record(
                        "\(file.path):\(index + 1): \(name) holds \"\(word)\"; use \(better)")
                }
            }
        }
    }

    @Test("that were replaced stand in no key of the sample configuration")
    func keys() {
        for line in Repository.text("config.toml").split(separator: "\n") {
            let key = line.drop { $0 == "#" || $0 == " " }.prefix { $0.isLetter || $0 == "_" }
            for word in Self.words(of: String(key)) {
                #expect(Self.replacements[word] == nil, "\(line)")
            }
        }
    }

    @Test("are found in identifiers and keys, and not in prose")
    func finding() {
        let line: Substring = #"let isTold = metric("weir_unheard_total", "was told") // told"#
        let words = Self.names(in: line).flatMap(Self.words)
        #expect(words.contains("told") && words.contains("unheard"))
        #expect(words.count { $0 == "told" } == 1)
        #expect(Self.words(of: "EditionPlan") == ["edition", "plan"])
        #expect(Self.words(of: "replacing") == ["replacing"])
    }

    /// The identifiers of a line, and its texts that are names.
    private static func names(in line: Substring) -> [String] {
        var names: [String] = []
        var text: String?
        var name = ""
        var isEscaped = false
        func close() {
            if !name.isEmpty { names.append(name) }
            name = ""
        }
        for (character, next) in zip(line, line.dropFirst() + [" "]) {
            if text == nil, character == "/", next == "/" { break }
            if character == "\"", !isEscaped {
                close()
                if let whole = text {
                    let isName = whole.allSatisfy { $0.isASCII && ($0.isLowercase || $0 == "_") }
                    if isName, !whole.isEmpty { names.append(whole) }
                    text = nil
                } else {
                    text = ""
                }
                continue
            }
            isEscaped = character == "\\" && !isEscaped
            if text != nil {
                text?.append(character)
            } else if character.isLetter || character.isNumber || character == "_" {
                name.append(character)
            } else {
                close()
            }
        }
        close()
        return names
    }

    /// The words of a name, by capitals and underscores, in small letters.
    private static func words(of name: String) -> [String] {
        var words: [String] = [""]
        var isAfterSmall = false
        for character in name {
            if !character.isLetter || character.isUppercase && isAfterSmall { words.append("") }
            if character.isLetter {
                words[words.count - 1].append(contentsOf: character.lowercased())
            }
            isAfterSmall = character.isLowercase
        }
        return words.filter { !$0.isEmpty }
    }
}
