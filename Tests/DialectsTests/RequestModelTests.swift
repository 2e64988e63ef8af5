import Dialects
import Primitives
import Testing

@Suite("The model of a request's body")
struct RequestModelTests {
    private static func read(
        _ body: String, _ type: String = "application/json"
    ) -> RequestModel {
        RequestModel(Array(body.utf8).span, contentType: Array(type.utf8).span)
    }

    private static func written(
        _ body: String, _ type: String = "application/json", model: String = "new"
    ) -> String? {
        var output = ByteBuffer()
        let bytes = Array(body.utf8)
        let isWritten = read(body, type).write(bytes.span, with: model, to: &output)
        return isWritten ? output.bytes.text : nil
    }

    @Test(
        "is read as loosely as the loosest vendor reads it",
        arguments: [
            #"{"model":"m"}"#, #"{"a":[{"model":"x"}],"model":"m"}"#, #" { "model" : "m" }"#,
            "\u{FEFF}{\"model\":\"m\"}", #"{"t":NaN,"model":"m"}"#,
            #"{"t":-Infinity,"model":"m",}"#,
            #"{"mod\u0065l":"m"}"#, #"{"Model":"m"}"#, #"{"a":"\"model\":\"x\"","model":"m"}"#,
            #"{"model":"m","x":"#, #"{"model":"m"} {"model":"other"}"#,
            #"{"model":null,"session":{"type":"realtime","model":"m"}}"#,
            #"{"requests":[{"custom_id":"1","params":{"model":"m"}},{"params":{"model":"m"}}]}"#,
            #"{"requests":[{"model":"m","content":{}}]}"#, #"{"model":"m","model":"m"}"#,
            #"{"generateContentRequest":{"model":"m","contents":[]}}"#,
            #"{"data_source":{"type":"completions","model":"m"}}"#,
            #"{"batch":{"displayName":"b","model":"models/m"}}"#,
            #"{"batch":{"inputConfig":{"requests":{"requests":[{"request":{"model":"m"}}]}}}}"#,
            #"{"batch":{"input_config":{"requests":{"requests":[{"a":1,"request":{"b":[{}],"#
                + #""model":"m"}}]}}}}"#,
            #"{"a":"# + String(repeating: "[", count: 3000) + String(repeating: "]", count: 3000)
                + #","model":"m"}"#,
        ])
    func loose(_ body: String) {
        #expect(Self.read(body).finding == .named("m"))
        // The declared type does not matter to servers that parse JSON anyway.
        #expect(Self.read(body, "text/plain").finding == .named("m"))
        #expect(Self.read(body, "").finding == .named("m"))
    }

    @Test(
        "is none where none stands",
        arguments: [
            ("", "application/json"), ("{}", "application/json"), ("[]", "application/json"),
            (#"{"a":{"model":"x"}}"#, "application/json"), (#"{"model":null}"#, ""),
            (#"[{"model":"x"}]"#, "application/json"), (#"{"messages":[{"model":"x"}]}"#, ""),
            ("any bytes at all", "application/octet-stream"), ("%PDF", "application/pdf"),
        ])
    func none(_ body: String, _ type: String) {
        #expect(Self.read(body, type).finding == .none)
    }

    @Test(
        "is unreadable where two vendors could read it differently, or none can",
        arguments: [
            #"{"model":"a","model":"b"}"#, #"{"model":"a","Model":"b"}"#,
            #"{"model":"a","mod\u0065l":"b"}"#, #"{"model":4}"#, #"{"model":{"a":1}}"#,
            #"{"model":["a"]}"#, #"{"model":"a","model":4}"#, "nonsense", "\"model\"",
            #"{"requests":[{"params":{"model":"a"}},{"params":{"model":"b"}}]}"#,
        ])
    func unreadable(_ body: String) {
        guard case .unreadable(let fault) = Self.read(body).finding else {
            Issue.record("\(body) is read")
            return
        }
        #expect(!fault.reason.isEmpty && fault.status == 400)
        #expect(Self.written(body) == nil)
    }

    @Test("in UTF-16 is unreadable")
    func wide() {
        let bytes: [UInt8] = Array(#"{"model":"m"}"#.utf8).flatMap { [$0, 0] as [UInt8] }
        let marked: [UInt8] = [0xFF, 0xFE] + bytes
        for body in [bytes, marked] {
            let model = RequestModel(body.span, contentType: Array("application/json".utf8).span)
            #expect(model.finding != .none && model.finding != .named("m"))
        }
    }

    @Test("is replaced wherever it stands, and no other byte changes")
    func replaced() {
        for (body, expected) in [
            (#"{"a":1.0, "model" : "m" ,"z":"é"}"#, #"{"a":1.0, "model" : "new" ,"z":"é"}"#),
            (#"{"model":"m","Model":"m"}"#, #"{"model":"new","Model":"new"}"#),
            (#"{"t":NaN,"model":"m"}"#, #"{"t":NaN,"model":"new"}"#),
            (#"{"model":"models/m"}"#, #"{"model":"models/new"}"#),
            (
                #"{"requests":[{"model":"models/m"},{"model":"models/m"}]}"#,
                #"{"requests":[{"model":"models/new"},{"model":"models/new"}]}"#
            ),
            (#"{"session":{"model":"m"}}"#, #"{"session":{"model":"new"}}"#),
            (
                #"{"batch":{"model":"models/m","inputConfig":{"requests":{"requests":["#
                    + #"{"request":{"model":"models/m"}}]}}}}"#,
                #"{"batch":{"model":"models/new","inputConfig":{"requests":{"requests":["#
                    + #"{"request":{"model":"models/new"}}]}}}}"#
            ),
        ] { #expect(Self.written(body) == expected) }
        #expect(Self.written(#"{"model":"m"}"#, model: "a\"b") == #"{"model":"a\"b"}"#)
        #expect(Self.written("{}") == nil)
    }

    private static func form(_ parts: [(String, String)], boundary: String = "X-Y") -> String {
        parts.map { "--\(boundary)\r\n\($0.0)\r\n\r\n\($0.1)\r\n" }.joined()
            + "--\(boundary)--\r\n"
    }

    private static let formType = "multipart/form-data; boundary=X-Y"

    @Test("is read from a form, before its file or behind it")
    func forms() {
        let file = (
            "Content-Disposition: form-data; name=\"file\"; filename=\"model.wav\"\r\n"
                + "Content-Type: audio/wav",
            "RIFF\r\n--X-\r\nname=\"model\"\r\n\r\nfake\0"
        )
        for disposition in [
            "Content-Disposition: form-data; name=\"model\"",
            "content-disposition:form-data;name=model",
            "X: y\r\nContent-Disposition: x; NAME=model",
        ] {
            for parts in [[(disposition, "whisper-1"), file], [file, (disposition, "whisper-1")]] {
                let body = Self.form(parts)
                for type in [Self.formType, "Multipart/Form-Data;charset=x; boundary=\"X-Y\""] {
                    #expect(Self.read(body, type).finding == .named("whisper-1"))
                    let expected = body.replacing("whisper-1", with: "new")
                    #expect(Self.written(body, type) == expected)
                }
            }
        }
        #expect(Self.read(Self.form([file]), Self.formType).finding == .none)
    }

    @Test(
        "is not read past what servers of forms differ in",
        arguments: [
            "Content-Disposition: form-data;\r\n name=\"model\"",
            "Content-Disposition : form-data; name=\"model\"",
            "Content-Disposition: form-data; x; name=\"model\"",
            "Content-Disposition: form-data; filename=\"C:\\\"; name=\"model\"",
            "Content-Disposition: form-data; name*=utf-8''model",
            "Content-Disposition: form-data; name=\"x\"; name=\"model\"",
            "Content-Disposition: form-data; name=\"Model\"",
            "Content-Disposition: form-data; name=\"model\"\r\n"
                + "Content-Transfer-Encoding: base64",
        ])
    func looseForms(_ head: String) {
        let body = Self.form([(head, "secret-1")])
        guard case .unreadable = Self.read(body, Self.formType).finding else {
            Issue.record("\(Self.read(body, Self.formType).finding)")
            return
        }
        #expect(Self.written(body, Self.formType) == nil)
        // With a field that all read beside it, too.
        let both = Self.form([("Content-Disposition: form-data; name=\"model\"", "a"), (head, "b")])
        #expect(Self.read(both, Self.formType).finding != .named("a"))
    }

    @Test("is read from JSON whatever the body is called, and in a form's escapes")
    func misnamed() {
        let body = "{\"model\":\"secret-1\",\"messages\":[]}"
        for type in ["application/x-www-form-urlencoded", Self.formType, "text/plain", ""] {
            #expect(Self.read(body, type).finding == .named("secret-1"))
        }
        let form = "application/x-www-form-urlencoded"
        for body in ["a=1&mode%6c=secret-1", "%6dodel=secret-1"] {
            #expect(Self.read(body, form).finding == .named("secret-1"))
        }
        #expect(Self.read(#"{"model":"models/m"}"#, "application/json").finding == .named("m"))
    }

    @Test("is unreadable in a form whose parts cannot be separated")
    func brokenForms() {
        let one = ("Content-Disposition: form-data; name=\"model\"", "a")
        let two = ("Content-Disposition: form-data; name=\"model\"", "b")
        for (body, type) in [
            (Self.form([one, two]), Self.formType), (Self.form([one]), "multipart/form-data"),
            ("no form at all", Self.formType),
            (Self.form([one], boundary: "other"), Self.formType),
        ] {
            guard case .unreadable = Self.read(body, type).finding else {
                Issue.record("\(body) is read")
                continue
            }
        }
    }

    @Test("is read from a form in URL encoding")
    func urlEncoded() {
        let type = "application/x-www-form-urlencoded"
        #expect(Self.read("a=b&model=my%20m&c=d", type).finding == .named("my m"))
        #expect(Self.written("a=b&model=m&c=d", type, model: "x/y z") == "a=b&model=x%2Fy%20z&c=d")
        #expect(Self.read("a=b", type).finding == .none)
    }

    @Test("reads any bytes to their end")
    func anything() {
        var random = RandomSource(seed: 11)
        let pieces = ["{", "}", "[", "]", "\"", "model", ":", ",", "\\", "requests", "params", "é"]
        for _ in 0..<3000 {
            let body = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                pieces[Int.random(in: pieces.indices, using: &random)]
            }.joined()
            for type in ["application/json", Self.formType, "application/x-www-form-urlencoded"] {
                _ = Self.written(body, type)
            }
        }
    }
}
