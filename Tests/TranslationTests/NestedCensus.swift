import JSON
import Support

@testable import Translation

/// What becomes of each nested member of a request in the other dialects, as a table of a file.
enum NestedCensus {
    struct Row: CustomStringConvertible {
        let line: Int
        let source: Form
        /// The object and the member, as the dialect's types have them.
        let member: String
        let body: String
        /// The same body without the member.
        let plainBody: String
        let path: String
        let target: Form
        let verdict: String

        var description: String { "\(line) \(source)>\(target) \(member)" }
    }

    /// All members of an object, as the dialect's own types have them.
    struct Object: CustomStringConvertible {
        let form: Form
        let name: String
        /// Those that must have a line of their own.
        let members: [String]

        var description: String { "\(form) \(name)" }
    }

    private static let lines: [(number: Int, columns: [String])] = {
        let text = Repository.text("Tests/TranslationTests/nested.txt")
        return text.split(separator: "\n").enumerated().compactMap { number, line in
            guard line.first != "#" else { return nil }
            return (number + 1, line.split(separator: " | ").map(String.init))
        }
    }()

    static let rows: [Row] = {
        var rows: [Row] = []
        for (number, columns) in lines where columns.count != 3 {
            guard columns.count == 8, let source = Form(rawValue: columns[0]) else {
                fatalError("nested.txt:\(number)")
            }
            let pieces = columns[2].split(separator: "§", omittingEmptySubsequences: false)
            let plain = pieces.enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined()
            for (target, verdict) in zip(Form.allCases, columns[4...]) where verdict != "." {
                rows.append(
                    Row(
                        line: number, source: source, member: columns[1],
                        body: "{\(pieces.joined())}", plainBody: "{\(plain)}",
                        path: columns[3], target: target, verdict: verdict))
            }
        }
        return rows
    }()

    static let objects: [Object] = lines.compactMap { number, columns in
        guard columns.count == 3 else { return nil }
        guard let form = Form(rawValue: String(columns[0].dropFirst(2))) else {
            fatalError("nested.txt:\(number)")
        }
        let members = columns[2].split(separator: " ").filter { $0.first != "*" }
        return Object(form: form, name: columns[1], members: members.map(String.init))
    }
}
