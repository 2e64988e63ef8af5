import Support
import Testing

/// Plain words in all that people read: comments, pages, help texts, log lines and titles of tests.
///
/// A sentence needs a subject with a name, because only a name says which part of the program acts.
@Suite("Prose")
struct ProseTests {
    /// Words that stand in no prose, and what to write instead.
    private static let replacements: [(words: String, better: String)] = [
        ("nobody", "the thing that does not: no client, no vendor, no thread"),
        ("somebody", "the thing's name"), ("someone", "the thing's name"),
        ("whoever", "the thing's name"),
        ("everybody", "all clients, every thread"), ("everyone", "all clients, every thread"),
        ("anybody", "any client, any process"), ("anyone", "any client, any process"),
        ("no one", "the thing that does not: no client, no vendor, no thread"),
        ("what came of", "the result of"), ("what comes of", "the result of"),
        ("benched", "in cooldown"), ("benches", "starts a cooldown"), ("benching", "cooldown"),
        ("unheard", "detached"),
        ("edition", "routing snapshot"), ("editions", "routing snapshots"),
        ("sequel", "failover decision"),
        ("announce", "declare, write"), ("announces", "declares, writes"),
        ("announced", "declared, written"), ("announcing", "declaring, writing"),
        ("tell", "write, append, say, state, report"), ("tells", "writes, says, states, reports"),
        ("told", "written, said, stated"), ("telling", "writing, saying, stating"),
        ("place", "index, range, location, slot, address, offset, cursor, path"),
        ("places", "indexes, ranges, locations, slots, addresses, offsets, cursors, paths"),
        ("come to nothing", "fail"), ("comes to nothing", "fails"), ("came to nothing", "failed"),
        ("for want of", "because there is no, when … is short"),
        ("go by", "depend on, use"), ("goes by", "depends on, uses"),
    ]

    /// The rules by their first word.
    private static let rules = Dictionary(
        grouping: replacements.map { rule in
            (words: rule.words.split(separator: " ").map(String.init), better: rule.better)
        }, by: \.words[0])

    private static let pages =
        SourceTree.files(under: "docs", ending: ".md")
        + ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(file)

    /// Texts that are read whole: pages, configurations, scripts, C.
    private static let texts =
        pages + ["config.toml", "Dockerfile", ".ci/run"].map(file)
        + ["deploy", "docker", "examples"].flatMap { SourceTree.files(under: $0, ending: "") }
        + ["bin", "Benchmarks"].flatMap { SourceTree.files(under: $0, ending: "") }
        .filter { $0.text.hasPrefix("#!") }
        + SourceTree.files(under: "Tests", ending: ".py")
        + ["Benchmarks", "Modules"].flatMap { SourceTree.files(under: $0, ending: ".c") }
        + SourceTree.files(under: "Modules", ending: ".h")

    @Test("names its subjects in the code", arguments: SourceTree.all)
    func code(_ file: SourceFile) {
        Self.check(file, Self.prose(ofCode: file))
    }

    @Test("names its subjects in pages, configurations and scripts", arguments: texts)
    func text(_ file: SourceFile) {
        Self.check(file, Array(file.lines.enumerated()).map { ($0.offset + 1, $0.element) })
    }

    @Test("of pages ends at 120 columns, tables and code aside", arguments: pages)
    func width(_ file: SourceFile) {
        var isCode = false
        for (index, line) in file.lines.enumerated() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("```") { isCode.toggle() }
            guard !isCode, !text.hasPrefix("|"), line.count > 120 else { continue }
            Issue.record("\(file.path):\(index + 1) has \(line.count) columns")
        }
    }

    @Test("is found in comments, texts and titles, across lines, and not in names")
    func finding() {
        let code = """
            /// What came
            /// of it, told: KeyPlaces, in place.
            let nobody = "goes by" // In place of
            @Test(
                "everybody", arguments: ["edition"])
            let name = "nobody"
            """
        let source = SourceFile(path: "Sources/A/A.swift", text: code)
        #expect(
            Self.findings(Self.prose(ofCode: source)).map { "\($0.line) \($0.words)" } == [
                "1 what came of", "2 told", "3 goes by", "3 place", "5 everybody",
            ])
        // In tests a text is data.
        let test = SourceFile(path: "Tests/ATests/ATests.swift", text: code)
        #expect(
            Self.findings(Self.prose(ofCode: test)).map { "\($0.line) \($0.words)" } == [
                "1 what came of", "2 told", "3 place", "5 everybody",
            ])
    }

    private static func file(_ path: String) -> SourceFile {
        SourceFile(path: path, text: Repository.text(path))
    }

    private static func check(_ file: SourceFile, _ prose: [(line: Int, text: Substring)]) {
        for finding in findings(prose) {
            Issue.record(
                "\(file.path):\(finding.line): \"\(finding.words)\"; use \(finding.better)")
        }
    }

    /// What the rules find, with the line on which it begins.
    private static func findings(
        _ prose: [(line: Int, text: Substring)]
    ) -> [(line: Int, words: String, better: String)] {
        let words = prose.flatMap { line, text in
            text.lowercased().split { !$0.isLetter && !$0.isNumber && $0 != "_" }
                .map { (line: line, text: $0) }
        }
        var found: [(line: Int, words: String, better: String)] = []
        for (index, word) in words.enumerated() {
            guard let candidates = rules[String(word.text)] else { continue }
            for rule in candidates {
                let range = index..<min(index + rule.words.count, words.count)
                guard words[range].map({ String($0.text) }) == rule.words else { continue }
                // A change in place is a term of its own.
                let isTerm =
                    rule.words == ["place"] && index > 0 && words[index - 1].text == "in"
                    && (index + 1 == words.count || words[index + 1].text != "of")
                if !isTerm {
                    found.append((word.line, rule.words.joined(separator: " "), rule.better))
                }
            }
        }
        return found
    }

    /// The comments of Swift code; in sources its texts of several words, in tests its titles.
    private static func prose(ofCode file: SourceFile) -> [(line: Int, text: Substring)] {
        var prose: [(line: Int, text: Substring)] = []
        let isSource = file.path.hasPrefix("Sources/")
        var isInText = false
        var isTitle = false
        for (index, line) in file.lines.enumerated() {
            if line.contains("\"\"\"") {
                isInText.toggle()
            } else if isInText {
                if isSource { prose.append((index + 1, line)) }
            } else {
                let trimmed = line.drop { $0 == " " }
                let isDeclared = trimmed.hasPrefix("@Test(") || trimmed.hasPrefix("@Suite(")
                let (comment, texts) = parts(of: line)
                if isDeclared || isTitle {
                    prose += texts.prefix(1).map { (index + 1, $0) }
                } else if isSource {
                    prose += texts.filter { $0.contains(" ") }.map { (index + 1, $0) }
                }
                if let comment { prose.append((index + 1, comment)) }
                isTitle = isDeclared && trimmed.hasSuffix("(")
            }
        }
        return prose
    }

    /// The comment of a line of code, and its texts.
    private static func parts(of line: Substring) -> (comment: Substring?, texts: [Substring]) {
        var texts: [Substring] = []
        var start: Substring.Index?
        var isEscaped = false
        for index in line.indices {
            if line[index] == "\"", !isEscaped {
                if let begun = start {
                    texts.append(line[line.index(after: begun)..<index])
                    start = nil
                } else {
                    start = index
                }
            } else if start == nil, line[index...].hasPrefix("//") {
                return (line[index...], texts)
            }
            isEscaped = line[index] == "\\" && !isEscaped
        }
        return (nil, texts)
    }
}
