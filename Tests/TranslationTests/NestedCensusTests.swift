import JSON
import Testing

@testable import Translation

@Suite("Census of nested members")
struct NestedCensusTests {
    @Test(
        "each member is said, declared or refused as the table has it",
        arguments: NestedCensus.rows)
    func rows(_ row: NestedCensus.Row) throws {
        let plain = try Self.translate(row.plainBody, row)
        let translation: RequestTranslation
        do throws(Refusal) {
            translation = try Self.translate(row.body, row)
        } catch {
            #expect(row.verdict == "R" && error.field == row.path, "\(error)")
            return
        }
        let fresh = Set(translation.losses).subtracting(plain.losses)
        let isSame = translation.body == plain.body
        func loss(_ kind: Loss.Kind, isHarmless: Bool = false) -> Set<Loss> {
            [Loss(kind: kind, path: row.path, isHarmless: isHarmless)]
        }
        switch row.verdict {
        case "-": #expect(fresh == loss(.dropped) && isSame, "\(fresh)")
        case "-*": #expect(fresh == loss(.dropped) && !isSame, "\(fresh)")
        case "h": #expect(fresh == loss(.dropped, isHarmless: true) && isSame, "\(fresh)")
        case "d": #expect(fresh.isEmpty && isSame, "\(fresh)")
        case "~": #expect(fresh == loss(.changed) && !isSame, "\(fresh)")
        case "=": #expect(fresh.isEmpty && !isSame, "\(fresh)")
        default: Issue.record("\(row.verdict), and it is not refused")
        }
    }

    private static func translate(
        _ body: String, _ row: NestedCensus.Row
    ) throws(Refusal) -> RequestTranslation {
        guard let value = try? RawJSON(parsing: Array(body.utf8)) else {
            fatalError("\(row): no JSON: \(body)")
        }
        return try RequestTranslation(value, from: row.source, to: row.target)
    }

    @Test("no member of an object of a dialect is in no line", arguments: NestedCensus.objects)
    func complete(_ object: NestedCensus.Object) {
        let lines = Set(NestedCensus.rows.filter { $0.source == object.form }.map(\.member))
        for member in object.members {
            let name = "\(object.name).\(member)"
            let isKnown = lines.contains { line in
                line == name || [".", "[", " "].contains { line.hasPrefix(name + $0) }
            }
            #expect(isKnown, "\(name)")
        }
    }

    @Test("a member that no reader knows is declared, wherever it stands", arguments: Form.allCases)
    func unknown(_ form: Form) {
        let rows = NestedCensus.rows.filter { row in
            row.source == form
                && (row.member.contains("not_known") || row.member.contains("notKnown"))
        }
        #expect(rows.count >= 3 && rows.allSatisfy { $0.verdict == "-" })
    }
}
