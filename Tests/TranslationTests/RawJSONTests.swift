import Testing

@testable import Translation

@Suite("Raw JSON")
struct RawJSONTests {
    @Test("gives parts as they are spelled")
    func parts() throws {
        let value = try RawJSON(parsing: Array(#"{"a": 1e-3, "b":["x\n", null] }"#.utf8))
        #expect(value["a"]?.spelling == "1e-3")
        #expect(value["b"]?.elements.first?.plain == "x\n")
    }
}
