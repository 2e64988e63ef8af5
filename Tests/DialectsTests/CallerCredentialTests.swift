import Dialects
import HTTP
import Primitives
import Support
import Testing

private let chat = "/v1/chat/completions"
private let messages = "/v1/messages"
private let gemini = "/v1beta/models/m:generateContent"

@Suite("A caller's credential")
struct CallerCredentialTests {
    private static func fits(_ path: String, _ fields: String, isBuiltIn: Bool = true) -> Bool {
        ParsedHead("POST \(path)", fields).with { head in
            guard let api = API(of: head, path: head.path) else { return false }
            return CallerCredential.fitness(of: head, api: api, isBuiltIn: isBuiltIn) == .fits
        }
    }

    /// The credential fields that go to a vendor, by name.
    private static func passed(_ path: String, _ fields: String, isBuiltIn: Bool) -> [String] {
        ParsedHead("POST \(path)", fields).with { head in
            guard let api = API(of: head, path: head.path) else { return [] }
            var names: [String] = []
            for field in head.fields where field.name.isVendorCredential {
                if CallerCredential.passes(field, in: head, api: api, isBuiltIn: isBuiltIn) {
                    names.append(head.name(of: field).text.lowercased())
                }
            }
            if CallerCredential.keyPasses(in: head, api: api, isBuiltIn: isBuiltIn),
                head.query.firstRange(of: "key=") != nil
            {
                names.append("?key")
            }
            return names
        }
    }

    @Test("of another vendor goes to none of the three built-in vendors")
    func foreign() {
        for (path, fields) in [
            (chat, "Authorization: Bearer sk-ant-x\r\n"), (chat, "x-api-key: sk-ant-x\r\n"),
            (chat, "x-api-key: anything\r\n"), (chat, "x-goog-api-key: AIzaX\r\n"),
            (chat, "Authorization: Bearer ya29.x\r\n"), (chat, "Authorization: AIzaX\r\n"),
            ("\(chat)?key=AIzaX", ""), ("\(chat)?%6bey=x", ""),
            (messages, "Authorization: Bearer sk-proj-x\r\nanthropic-version: 1\r\n"),
            (messages, "Authorization: Bearer sk-x\r\n"), (messages, "x-api-key: sk-proj-x\r\n"),
            (messages, "x-api-key: AIzaX\r\n"), (messages, "x-goog-api-key: x\r\n"),
            (messages, "api-key: x\r\n"), ("\(messages)?key=x", "anthropic-version: 1\r\n"),
            (gemini, "x-goog-api-key: sk-proj-x\r\n"), (gemini, "Authorization: Bearer sk-x\r\n"),
            (gemini, "x-api-key: sk-ant-x\r\n"), ("\(gemini)?key=sk-ant-x", ""),
            ("/v1beta/openai/chat/completions", "Authorization: Bearer sk-x\r\n"),
            ("/v1/models", "x-api-key: sk-proj-x\r\nanthropic-version: 1\r\n"),
            // Behind whatever word, space or quote; several in one field; several in the query.
            (chat, "Authorization: bearer\tsk-ant-x\r\n"),
            (chat, "Authorization: Token sk-ant-x\r\n"),
            (chat, "Authorization: Bearer \"sk-ant-x\"\r\n"),
            (chat, "Authorization: Bearer sk-proj-a, Bearer sk-ant-x\r\n"),
            ("\(gemini)?key=AIzaX&key=sk-ant-x", ""), ("\(gemini)?key=AIzaX&Key=sk-proj-x", ""),
            ("/v1/models?access_token=sk-ant-x", ""), ("\(chat)?api_key=x", ""),
            // What only Anthropic's SDKs send, beside a key of no known shape.
            (chat, "Authorization: Bearer any\r\nanthropic-version: 1\r\n"),
            (gemini, "Authorization: Bearer any\r\nanthropic-beta: x\r\n"),
            ("\(gemini)?key=any", "anthropic-beta: x\r\n"),
        ] {
            #expect(!Self.fits(path, fields), "\(path) \(fields)")
            #expect(Self.fits(path, fields, isBuiltIn: false), "\(path) \(fields)")
        }
    }

    @Test("of its own vendor goes there, and so does one whose shape fits every vendor")
    func own() {
        for (path, fields) in [
            (chat, "Authorization: Bearer sk-x\r\n"), (chat, "Authorization: Bearer any\r\n"),
            (chat, "api-key: any\r\n"), (chat, ""), (chat, "Authorization: Basic eDp5\r\n"),
            (messages, "x-api-key: sk-ant-x\r\n"), (messages, "x-api-key: any\r\n"),
            (messages, "Authorization: Bearer sk-ant-x\r\n"),
            (messages, "Authorization: Bearer any\r\nx-api-key: any\r\n"), (messages, ""),
            (messages, "Authorization: Bearer sk-x\r\nanthropic-version: 1\r\n"),
            (messages, "x-api-key: sk-x\r\n"), (gemini, "x-goog-api-key: sk-x\r\n"),
            (gemini, "x-goog-api-key: AIzaX\r\n"), ("\(gemini)?key=AIzaX", ""),
            (gemini, "Authorization: Bearer ya29.x\r\n"), ("\(gemini)?alt=sse&key=any", ""),
            ("/v1beta/openai/chat/completions", "Authorization: Bearer AIzaX\r\n"),
            // One credential that fits is enough; the other is left out.
            (chat, "Authorization: Bearer sk-x\r\nx-api-key: sk-x\r\n"),
        ] { #expect(Self.fits(path, fields), "\(path) \(fields)") }
    }

    @Test("is all of its kind that goes; what is left of another dialect's stays behind")
    func leftovers() {
        let all = "Authorization: Bearer x\r\nx-api-key: x\r\nx-goog-api-key: x\r\napi-key: x\r\n"
        for isBuiltIn in [true, false] {
            func passed(_ path: String) -> [String] {
                Self.passed("\(path)?key=x", all, isBuiltIn: isBuiltIn)
            }
            #expect(passed(chat) == ["authorization", "api-key"])
            #expect(passed(messages) == ["authorization", "x-api-key"])
            #expect(passed(gemini) == ["authorization", "x-goog-api-key", "?key"])
            #expect(
                passed("/v1beta/openai/chat/completions") == ["authorization", "x-goog-api-key"])
        }
        // A vendor of one's own may have its keys in any field.
        #expect(Self.passed(chat, "x-api-key: x\r\n", isBuiltIn: false) == ["x-api-key"])
        #expect(Self.passed(chat, "x-api-key: x\r\n", isBuiltIn: true) == [])
        #expect(
            Self.passed(
                messages, "Authorization: Bearer sk-x\r\nx-api-key: sk-ant-x\r\n",
                isBuiltIn: true) == ["x-api-key"])
    }
}
