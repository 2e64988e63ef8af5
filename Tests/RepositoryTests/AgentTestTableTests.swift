import Testing

@Suite("The table of what agents need")
struct AgentTestTableTests {
    private static let table = TestTable("docs/agent-tests.md", letters: ["T"])

    @Test("names a test for each of the fifty cases")
    func cases() {
        let names = (1...50).map { "T\($0 < 10 ? "0" : "")\($0)" }
        #expect(Self.table.rows.map(\.name) == names)
        for row in Self.table.rows { #expect(!row.tests.isEmpty, "\(row.name)") }
    }

    @Test("names only tests that are there")
    func tests() {
        #expect(Self.table.missing == [])
    }
}
