import Testing

/// Code that nothing uses is read, kept right and believed all the same.
///
/// A simple index of words: what is declared in `Sources` and stands in no other line of the
/// product is found, whatever tests do with it. Two unused things of one name hide each other.
@Suite("Declarations")
struct DeclarationTests {
    /// What nothing of the product names, and why it stays.
    private static let exceptions: [String: String] = [
        "debugDescription": "the library asks for it, so that a secret is never printed",
        "customMirror": "the same",
        "receiveError": "a code of libcurl's that the tables of the tests name",
        "writeError": "the same",
    ]

    @Test("are used by the product, and not by tests alone")
    func use() {
        let found = Self.unused(
            in: SourceTree.sources,
            users: ["Testbed": SourceTree.benchmarks, "Reactor": SourceTree.benchmarks])
        for (name, path) in found where Self.exceptions[name] == nil {
            Issue.record("\(path): nothing else in Sources mentions \(name)")
        }
        for name in Self.exceptions.keys.sorted() {
            #expect(found[name] != nil, "\(name) is no exception any more")
        }
    }

    @Test("are distinguished from uses")
    func finding() {
        let product = SourceFile(
            path: "Sources/Sample/Sample.swift",
            text: """
                struct Sample {  // Lonely in a comment is no use: lonely()
                    enum Kind { case first = "raw_1", second(String), third }
                    static let limit = 3, address = "http://first"
                    func lonely() -> Kind { .third }
                    var isUsed: Bool { limit > 2 }
                    let kinds = [isUsed, first]
                }
                func measured() {}
                switch kind {
                case .other: Sample()
                case UPPER_CASE: kinds
                }
                """)
        #expect(
            Self.unused(in: [product], users: [:]).keys.sorted()
                == ["lonely", "measured", "second"])
        let benchmark = SourceFile(path: "Benchmarks/B/B.swift", text: "measured()")
        #expect(
            Self.unused(in: [product], users: ["Sample": [benchmark]]).keys.sorted()
                == ["lonely", "second"])
    }

    /// The names that are declared in some files and mentioned in none of their other lines, and
    /// where; targets may have users besides.
    private static func unused(
        in files: [SourceFile], users: [String: [SourceFile]]
    ) -> [String: String] {
        var mentions: [String: Int] = [:]
        var declared: [String: SourceFile] = [:]
        for file in files {
            for line in file.text.utf8.split(separator: UInt8(ascii: "\n")) {
                let words = words(of: line)
                for word in words { mentions[word.text, default: 0] += 1 }
                for name in names(declaredBy: words) { declared[name] = file }
            }
        }
        var used: [String: Set<String>] = [:]
        for (target, files) in users {
            for file in files {
                for line in file.text.utf8.split(separator: UInt8(ascii: "\n")) {
                    used[target, default: []].formUnion(words(of: line).map(\.text))
                }
            }
        }
        return declared.filter { name, file in
            mentions[name] == 1 && used[file.target]?.contains(name) != true
        }.mapValues(\.path)
    }

    /// A word of a line of code.
    private struct Word {
        let text: String
        /// Whether it is a member of something, after a full stop.
        let isMember: Bool
        /// Whether it stands in a text.
        let isText: Bool
        /// How many parentheses it stands in.
        let depth: Int
    }

    /// The words of a line, without its comment.
    private static func words(of line: Substring.UTF8View.SubSequence) -> [Word] {
        var words: [Word] = []
        var depth = 0
        var isInText = false
        var start: Substring.UTF8View.Index?
        var before: UInt8 = 0
        var beforeWord: UInt8 = 0
        func close(at end: Substring.UTF8View.Index) {
            guard let begin = start else { return }
            words.append(
                Word(
                    text: String(Substring(line[begin..<end])), isMember: beforeWord == 0x2E,
                    isText: isInText, depth: depth))
            start = nil
        }
        for index in line.indices {
            let byte = line[index]
            let isWord =
                0x61...0x7A ~= byte || 0x41...0x5A ~= byte || 0x30...0x39 ~= byte || byte == 0x5F
            if isWord {
                if start == nil { (start, beforeWord) = (index, before) }
            } else {
                close(at: index)
                if byte == UInt8(ascii: "\"") { isInText.toggle() }
                if byte == UInt8(ascii: "(") { depth += 1 }
                if byte == UInt8(ascii: ")") { depth -= 1 }
                // An address has two slashes, too.
                let next = line.index(after: index)
                if byte == 0x2F, before != 0x3A, next < line.endIndex, line[next] == 0x2F {
                    return words
                }
            }
            before = byte
        }
        close(at: line.endIndex)
        return words
    }

    /// The names that a line declares.
    private static func names(declaredBy words: [Word]) -> [String] {
        let keywords: Set<String> = [
            "func", "var", "let", "class", "struct", "enum", "protocol", "actor", "typealias",
        ]
        var names = zip(words, words.dropFirst()).filter { keywords.contains($0.0.text) }.map {
            $0.1.text
        }
        if let index = words.firstIndex(where: { $0.text == "case" }) {
            let rest = words[(index + 1)...].filter { $0.depth == words[index].depth }
            // What is matched has a full stop, or is C's and in capitals.
            if let first = rest.first, !first.isMember, first.text.first?.isLowercase == true {
                names += rest.filter {
                    !$0.isMember && !$0.isText && $0.text.first?.isLowercase == true
                }.map(\.text)
            }
        }
        return names
    }
}
