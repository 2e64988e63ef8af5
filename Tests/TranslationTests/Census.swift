import JSON
import Support

@testable import Translation

/// What becomes of each member of a request in the other dialects, as a table of a file.
enum Census {
    struct Row: CustomStringConvertible {
        let line: Int
        let source: Form
        let members: String
        let path: String
        let target: Form
        let verdict: Substring

        var description: String { "\(line) \(source)>\(target) \(members)" }
    }

    /// A request of each form that says as little as can be.
    static let bases: [Form: String] = [
        .chat: #""messages":[{"role":"user","content":"q"}]"#,
        .responses: #""input":"q""#,
        .messages: #""max_tokens":9999,"messages":[{"role":"user","content":"q"}]"#,
        .gemini: #""contents":[{"role":"user","parts":[{"text":"q"}]}]"#,
    ]

    static let rows: [Row] = {
        var rows: [Row] = []
        let text = Repository.text("Tests/TranslationTests/census.txt")
        for (number, line) in text.split(separator: "\n").enumerated() where line.first != "#" {
            let columns = line.split(separator: " | ").map(Substring.init)
            guard columns.count == 7, let source = Form(rawValue: String(columns[0])) else {
                fatalError("census.txt:\(number + 1)")
            }
            for (target, verdict) in zip(Form.allCases, columns[3...]) where verdict != "." {
                rows.append(
                    Row(
                        line: number + 1, source: source, members: String(columns[1]),
                        path: String(columns[2]), target: target, verdict: verdict))
            }
        }
        return rows
    }()

    /// A body of a form with some members besides.
    static func body(_ form: Form, _ members: String) throws -> RawJSON {
        let base = bases[form] ?? ""
        return try RawJSON(parsing: Array("{\(base),\(members)}".utf8))
    }
}

extension RawJSON {
    /// The value at a path of names and indexes.
    func value(at path: String) -> RawJSON? {
        var value: RawJSON? = self
        for step in path.replacing("]", with: "").split(whereSeparator: { ".[".contains($0) }) {
            if let index = Int(step) {
                let elements = value?.elements ?? []
                value = elements.indices.contains(index) ? elements[index] : nil
            } else {
                value = value?[String(step)]
            }
        }
        return value
    }
}
