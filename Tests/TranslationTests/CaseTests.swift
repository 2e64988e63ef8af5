import JSON
import Support
import Testing

@testable import Translation

/// Whole bodies and their translations, each pair both ways: what a table of members cannot say.
@Suite("Cases of translation")
struct CaseTests {
    struct Case: CustomStringConvertible, Sendable {
        let line: String
        let value: JSONValue
        var description: String { value["id"]?.text ?? line }
    }

    static let all: [Case] = Repository.text("Tests/TranslationTests/cases.jsonl")
        .split(separator: "\n").map { line in
            guard let value = try? JSONValue(parsing: String(line)) else {
                fatalError("no JSON: \(line)")
            }
            return Case(line: String(line), value: value)
        }

    @Test("the cases are found, and each pair has some both ways")
    func files() {
        let directions = Set(Self.all.compactMap { $0.value["dir"]?.text })
        #expect(Self.all.count > 300)
        #expect(directions.count == 12)
    }

    @Test("come out as written", arguments: all)
    func run(_ test: Case) throws {
        let output = try JSONValue(parsing: try TranslationCase(test.line).run())
        let (out, wanted) = (output["out"] ?? .null, test.value["out"] ?? .null)
        #expect(
            CensusTests.sorted(out) == CensusTests.sorted(wanted), "\(out)\ninstead of\n\(wanted)")
        let lost = { (value: JSONValue) in
            Set((value["lost"]?.elements ?? []).compactMap(\.text))
        }
        #expect(lost(output) == lost(test.value))
    }
}
