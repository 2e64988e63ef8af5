import JSON
import Testing

@Suite("The first JSON object")
struct FirstJSONValueTests {
    static let cases: [(text: String, finding: FirstJSONValue.Finding, object: String)] = [
        ("", .undecided, ""), (" \n\t\r", .undecided, ""), ("{", .undecided, ""),
        ("{}", .whole, "{}"), (" {\"a\":1} {", .whole, "{\"a\":1}"),
        ("{\"a\":\"}\"}", .whole, "{\"a\":\"}\"}"),
        ("{\"a\":\"\\\"}\"}x", .whole, "{\"a\":\"\\\"}\"}"),
        ("{\"a\":\"\\\\\"}", .whole, "{\"a\":\"\\\\\"}"),
        ("{\"a\":[{}]}", .whole, "{\"a\":[{}]}"), ("{\"a\":[{}", .undecided, ""),
        ("[", .undecided, ""), ("[ ]", .whole, ""), ("[{\"a\":1},{", .whole, "{\"a\":1}"),
        ("[[{}]]", .other, ""), ("[1", .other, ""), ("]", .other, ""), ("\"{}\"", .other, ""),
        ("null", .other, ""), ("data: {}", .other, ""),
    ]

    @Test("is found whole, byte by byte, and however it is split", arguments: cases)
    func splits(_ text: String, _ finding: FirstJSONValue.Finding, _ object: String) {
        let bytes = Array(text.utf8)
        for split in 0...bytes.count {
            var value = FirstJSONValue()
            value.take(bytes.span.extracting(..<split))
            value.take(bytes.span.extracting(split...))
            #expect(value.finding == finding, "\(text) at \(split)")
            if finding == .whole {
                #expect(String(decoding: bytes[value.range], as: UTF8.self) == object)
            }
        }
        var value = FirstJSONValue()
        for index in bytes.indices { value.take(bytes.span.extracting(index..<index + 1)) }
        #expect(value.finding == finding)
    }
}
