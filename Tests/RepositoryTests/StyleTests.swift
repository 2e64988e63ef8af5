import Testing

@Suite("Style")
struct StyleTests {
    @Test("the files are found: a table of none would pass every test")
    func files() {
        #expect(SourceTree.sources.count > 100 && SourceTree.tests.count > 100)
        #expect(!SourceTree.benchmarks.isEmpty)
        #expect(SourceTree.files(under: "docs", ending: ".md").count > 10)
    }

    @Test("files are short", arguments: SourceTree.all)
    func fileLength(_ file: SourceFile) {
        let isTest = file.path.hasPrefix("Tests/")
        #expect(file.lines.count <= (isTest ? 700 : 400))
    }

    @Test("lines are short", arguments: SourceTree.all)
    func lineLength(_ file: SourceFile) {
        // A picture may be as wide as it needs to be.
        for (index, line) in file.lines.enumerated()
        where line.count > 100 && !line.contains("──") {
            Issue.record("\(file.path):\(index + 1) has \(line.count) characters")
        }
    }

    @Test("functions are short", arguments: SourceTree.sources)
    func functionLength(_ file: SourceFile) {
        var start: (line: Int, indent: Int)?
        for (index, line) in file.lines.enumerated() {
            let indent = line.prefix { $0 == " " }.count
            let text = line.dropFirst(indent)
            if let open = start {
                if indent == open.indent, text.hasPrefix("}") {
                    let length = index - open.line + 1
                    if length > 60 {
                        Issue.record(
                            "\(file.path):\(open.line + 1) is a function of \(length) lines")
                    }
                    start = nil
                }
            } else if Self.beginsFunction(text), !text.hasSuffix("}") {
                start = (index, indent)
            }
        }
    }

    private static func beginsFunction(_ text: Substring) -> Bool {
        let words = text.split(separator: " ")
        let modifiers: Set<Substring> = [
            "public", "private", "fileprivate", "static", "mutating", "final", "override",
            "convenience", "consuming", "borrowing", "@discardableResult",
        ]
        guard let first = words.first(where: { !modifiers.contains($0) }) else { return false }
        return first == "func" || first.hasPrefix("init(") || first.hasPrefix("init?(")
    }

    @Test("names say what a thing is", arguments: SourceTree.all)
    func names(_ file: SourceFile) {
        for word in ["Util", "Helper", "Manager", "Common", "Misc"] {
            #expect(!file.path.contains(word))
        }
    }

    @Test("a file is named after what it declares or extends", arguments: SourceTree.sources)
    func nouns(_ file: SourceFile) {
        let parts = file.name.split(separator: "+")
        let noun = parts.first ?? ""
        // An aspect may stand beside the type's own file; a noun alone must be in its own.
        let files =
            parts.count > 1 ? SourceTree.sources.filter { $0.target == file.target } : [file]
        let words = ["class", "struct", "enum", "protocol", "actor", "extension"]
        let isDeclared = files.contains { file in
            file.lines.contains { line in
                words.contains { line.contains("\($0) \(noun)") }
            }
        }
        // Dialects are cases of one type, a file each.
        let exceptions: Set<Substring> = ["OpenAI", "Anthropic", "Gemini"]
        #expect(isDeclared || exceptions.contains(noun))
    }

    @Test("nothing is left for later, printed, or forced", arguments: SourceTree.sources)
    func leftovers(_ file: SourceFile) {
        for (index, line) in file.lines.enumerated() {
            for word in ["TODO", "FIXME", "XXX", "try!", "as!", "debugPrint(", "NSLog"] {
                #expect(!line.contains(word), "\(file.path):\(index + 1)")
            }
        }
        if file.target != "Command" {
            #expect(!file.lines.contains { $0.contains(" print(") }, "\(file)")
        }
    }

    @Test("texts are changed by scalars, not by characters", arguments: SourceTree.sources)
    func scalars(_ file: SourceFile) {
        // A quote with a combining mark is another character than a quote, and so are the two ends
        // of a line that stand together: a reader of bytes finds them all the same.
        guard file.name != "String+Scalars" else { return }
        for (index, line) in file.lines.enumerated() {
            for call in [".replacing(\"", ".replacing($", ".replacingOccurrences("] {
                #expect(!line.contains(call), "\(file.path):\(index + 1)")
            }
        }
    }

    @Test("tests wait for events, not for time", arguments: SourceTree.tests)
    func sleeps(_ file: SourceFile) {
        guard file.name != "StyleTests" else { return }
        for (index, line) in file.lines.enumerated() {
            for word in ["usleep(", "nanosleep(", "Task.sleep", " sleep("] {
                #expect(!line.contains(word), "\(file.path):\(index + 1)")
            }
        }
    }
}
