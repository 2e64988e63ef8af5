import Support
import Testing

@Suite("The table of what agents need")
struct AgentTestTableTests {
    private struct Row {
        let name: String
        let tests: [(file: String, title: String)]
    }

    private static let rows: [Row] = Repository.text("docs/agent-tests.md")
        .split(separator: "\n").filter { $0.hasPrefix("| T") }
        .map { line in
            let cells = line.split(separator: "|").map { $0.trimmed }
            let tests = (cells.last ?? "").split(separator: ";").map { entry in
                let parts = entry.split(separator: ":", maxSplits: 1)
                return (file: parts[0].trimmed, title: parts.count > 1 ? parts[1].trimmed : "")
            }
            return Row(name: cells.first ?? "", tests: tests)
        }

    @Test("names a test for each of the fifty cases")
    func cases() {
        let names = (1...50).map { "T\($0 < 10 ? "0" : "")\($0)" }
        #expect(Self.rows.map(\.name) == names)
        for row in Self.rows { #expect(!row.tests.isEmpty, "\(row.name)") }
    }

    @Test("names only tests that are there")
    func tests() {
        let files = SourceTree.all.filter { $0.path.hasPrefix("Tests/") }
        for row in Self.rows {
            for (name, title) in row.tests {
                let file = files.first { $0.path.hasSuffix("/\(name).swift") }
                #expect(file != nil, "\(row.name): \(name)")
                #expect(
                    !title.isEmpty && file?.text.contains("\"\(title)") ?? false,
                    "\(row.name): \(name): \(title)")
            }
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
