import Primitives
import Testing

@testable import Dialects

/// Bodies in which two servers may read different things.
@Suite("Doubts about a body")
struct BodyDoubtTests {
    private static func isDoubted(_ type: String, _ body: String) -> Bool {
        RequestModel.doubt(about: Array(body.utf8).span, contentType: Array(type.utf8).span) != nil
    }

    private static let json = "application/json"
    private static let encoded = "application/x-www-form-urlencoded"
    private static let form = "multipart/form-data; boundary=B"
    private static let part =
        "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nsmall\r\n"

    @Test(
        "are none about what clients send",
        arguments: [
            (json, #"{"model":"small"}"#), ("application/json; charset=utf-8", "{}"), ("", "{}"),
            (json, ""), ("text/plain", "model=small"), ("audio/wav", "RIFF"),
            (encoded, "model=small&prompt=a%3Bb"), (form, part + "--B--\r\n"),
            (form, part + "--B--"),
            (
                "multipart/form-data; boundary=\"----WebKitFormBoundary7MA4\"",
                "------WebKitFormBoundary7MA4\r\n\r\n\r\n------WebKitFormBoundary7MA4--\r\n"
            ),
        ])
    func clear(_ type: String, _ body: String) {
        #expect(!Self.isDoubted(type, body))
    }

    @Test(
        "are there about forms that could be JSON, odd forms and odd letters",
        arguments: [
            (encoded, #"{"model":"small","prompt":"&model=big&x="}"#), (encoded, " [1]"),
            (encoded, "model=small;model=big"), (form, "{\"model\":\"small\"}\r\n\(part)--B--"),
            (form, "\r\n\(part)--B--"), (form, "\(part)--B--\r\nepilogue"), (form, part),
            ("multipart/form-data", part), ("multipart/mixed; boundary=B", "\(part)--B--"),
            ("multipart/form-data; boundary=A; boundary=B", "\(part)--B--"),
            ("multipart/form-data; boundary*0=B", "\(part)--B--"),
            ("multipart/form-data; boundary=\"B\\\"\"", "\(part)--B--"),
            ("multipart/form-data; boundary=\"B C\"", "--B C\r\n\r\n\r\n--B C--"),
            ("\(json),\(form)", "{}"), ("application/json; charset=utf-7", "{}"),
            ("application/json; charset=\"utf-16\"", "{}"), ("", "model=big"),
        ])
    func doubted(_ type: String, _ body: String) {
        #expect(Self.isDoubted(type, body))
    }

    @Test("are there about JSON that is not UTF-8")
    func letters() {
        let body: [UInt8] = Array(#"{"mode"#.utf8) + [0xC1, 0xAC] + Array(#"":"big"}"#.utf8)
        let type = Array(Self.json.utf8)
        #expect(RequestModel.doubt(about: body.span, contentType: type.span) != nil)
    }
}
