import Testing

@testable import weir

@Suite("Lists of vendors' models")
struct VendorModelsTests {
    @Test("are read in each shape, and bounded")
    func shapes() {
        func names(_ text: String) -> [String]? {
            var reply = Reply()
            reply.body = Array(text.utf8)
            return VendorModels.names(in: reply)
        }
        #expect(
            names("{\"object\":\"list\",\"data\":[{\"id\":\"a\"},{\"id\":\"b/c\"}]}") == [
                "a", "b/c",
            ])
        #expect(
            names("{\"data\":[{\"type\":\"model\",\"id\":\"claude\"}],\"has_more\":false}") == [
                "claude"
            ])
        #expect(names("{\"models\":[{\"name\":\"models/gemini\"}]}") == ["gemini"])
        #expect(names("{\"data\":[{\"id\":\"\"},{\"id\":\"a b\"},{\"id\":7},{},\"x\"]}") == [])
        for none in ["", "[]", "{}", "{\"data\":{}}", "<html>"] { #expect(names(none) == nil) }
        let many = (0..<5000).map { "{\"id\":\"m\($0)\"}" }.joined(separator: ",")
        #expect(names("{\"data\":[\(many)]}")?.count == 2000)
    }
}
