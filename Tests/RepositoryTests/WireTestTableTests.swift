import Testing

@Suite("The table of TLS, listeners and fleets")
struct WireTestTableTests {
    private static let table = TestTable("docs/tls-tests.md", letters: ["L", "F"])

    @Test("names a test for each case")
    func cases() {
        let names = [("L", 18), ("F", 12)].flatMap { letter, count in
            (1...count).map { "\(letter)\($0 < 10 ? "0" : "")\($0)" }
        }
        #expect(Self.table.rows.map(\.name) == names)
        for row in Self.table.rows { #expect(!row.tests.isEmpty, "\(row.name)") }
    }

    @Test("names only tests that are there")
    func tests() {
        #expect(Self.table.missing == [])
    }
}
