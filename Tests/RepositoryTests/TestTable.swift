import Support

/// A page's table of cases, each with the tests that hold it: `| T01 | case | File: title; … |`.
struct TestTable {
    struct Row {
        let name: String
        let tests: [(file: String, title: String)]
    }

    let rows: [Row]

    /// The rows of a page whose names begin with one of these letters.
    init(_ page: String, letters: [Character]) {
        rows = Repository.text(page).split(separator: "\n").filter { line in
            line.hasPrefix("| ") && letters.contains(line.dropFirst(2).first ?? " ")
                && line.dropFirst(3).first?.isNumber ?? false
        }.map { line in
            let cells = line.split(separator: "|").map { $0.trimmed }
            let tests = (cells.last ?? "").split(separator: ";").map { entry in
                let parts = entry.split(separator: ":", maxSplits: 1)
                return (file: parts[0].trimmed, title: parts.count > 1 ? parts[1].trimmed : "")
            }
            return Row(name: cells.first ?? "", tests: tests)
        }
    }

    /// The tests that are named and are not there.
    var missing: [String] {
        let files = SourceTree.all.filter { $0.path.hasPrefix("Tests/") }
        return rows.flatMap { row in
            row.tests.filter { name, title in
                // A large type has an aspect in each of several files.
                let isThere = files.contains { file in
                    (file.path.hasSuffix("/\(name).swift") || file.path.contains("/\(name)+"))
                        && file.text.contains("\"\(title)")
                }
                return title.isEmpty || !isThere
            }.map { "\(row.name): \($0.file): \($0.title)" }
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
