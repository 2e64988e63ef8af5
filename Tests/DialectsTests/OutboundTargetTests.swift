import Dialects
import Primitives
import Testing

@Suite("Targets towards a vendor")
struct OutboundTargetTests {
    private static func target(
        _ api: API, _ client: String, _ base: String, vendor: Dialect? = nil, query: String = "",
        dropping dropped: OutboundTarget.Dropped = .none, model: String? = nil
    ) -> String {
        var output = ByteBuffer()
        let target = OutboundTarget(
            api: api, vendor: vendor ?? api.home, basePath: base, baseQuery: query)
        target.write(Array(client.utf8).span, dropping: dropped, model: model, to: &output)
        return output.bytes.text
    }

    @Test("lead the client's path to the vendor's base")
    func bases() {
        let chat = "/v1/chat/completions"
        #expect(Self.target(.openai, chat + "?a=b", "/v1") == chat + "?a=b")
        #expect(Self.target(.openai, chat, "/openai/v1") == "/openai/v1/chat/completions")
        #expect(Self.target(.openai, "/v1/models", "") == "/models")
        #expect(Self.target(.openai, "/v1", "") == "/")
        #expect(Self.target(.openai, "/v1?x", "") == "/?x")
        #expect(Self.target(.openai, "/v1x/models", "/v1") == "/v1/v1x/models")
        #expect(Self.target(.anthropic, "/v1/messages", "/anthropic") == "/anthropic/v1/messages")
        #expect(Self.target(.gemini, "/v1beta/m/m:g?alt=sse", "") == "/v1beta/m/m:g?alt=sse")
        #expect(Self.target(.openai, "/v1/a//b/%2f?%20", "/v1") == "/v1/a//b/%2f?%20")
        let google = "/v1beta/openai/chat/completions"
        #expect(Self.target(.geminiCompatible, google, "") == google)
        #expect(
            Self.target(.geminiCompatible, google, "/v1", vendor: .openai)
                == "/v1/chat/completions")
    }

    @Test("take credentials out of the query, spelled anyhow, and nothing else")
    func credentials() {
        func query(_ text: String, _ dropped: OutboundTarget.Dropped = .credentials) -> String {
            String(Self.target(.gemini, "/p\(text)", "", dropping: dropped).dropFirst(2))
        }
        for name in [
            "key", "KEY", "%6Bey", "%256bey", "api_key", "api-key", "apiKey", "access_token",
            "token", "code", "sig", "X-Amz-Signature", "X-Amz-Security-Token", "client_secret",
            "subscription-key", "auth", "id_token", "X-Goog-Credential",
        ] {
            #expect(query("?\(name)=s") == "", "\(name)")
            #expect(query("?a=1&\(name)=s&b=2") == "?a=1&b=2", "\(name)")
            #expect(query("?a=1;\(name)=s;b=2") == "?a=1;b=2", "\(name)")
            #expect(query("?\(name)=s&\(name)=t;alt=sse").hasSuffix("?alt=sse"), "\(name)")
        }
        for text in [
            "?alt=sse&pageToken=x&page_token=y", "?monkeys=1&keys2=2&max_tokens=3", "?a=key=x", "?",
            "?%6", "?beta=true", "?nextPageToken=z",
        ] { #expect(query(text) == (text == "?" ? "" : text), "\(text)") }
        #expect(query("?sk-0123456789abcdefghij&a=1") == "?a=1")
        #expect(query("?key=mine", .none) == "?key=mine")
        #expect(query("?key=mine&api_key=other&a=1", .key) == "?api_key=other&a=1")
    }

    @Test("have the base's own query, which counts")
    func baseQuery() {
        func target(_ client: String) -> String {
            Self.target(.openai, client, "/openai", query: "api-version=1&x=y")
        }
        #expect(target("/v1/models") == "/openai/models?api-version=1&x=y")
        #expect(target("/v1/models?a=b") == "/openai/models?api-version=1&x=y&a=b")
        #expect(target("/v1/m?api-version=2&a=b") == "/openai/m?api-version=1&x=y&a=b")
        #expect(target("/v1/m?api%2Dversion=2") == "/openai/m?api-version=1&x=y")
    }

    @Test("name another model where the path names one, of Gemini's alone")
    func models() {
        let path = "/v1beta/models/a:generateContent"
        #expect(Self.target(.gemini, path, "", model: "b") == "/v1beta/models/b:generateContent")
        // A name may hold a colon; the last one ends it.
        for name in ["a:8b", "ft:a::x", "a%3Ab", "a%3ab:c"] {
            for colon in [":", "%3A"] {
                #expect(
                    Self.target(
                        .gemini, "/v1beta/models/\(name)\(colon)generateContent", "", model: "b")
                        == "/v1beta/models/b\(colon)generateContent")
            }
        }
        #expect(Self.target(.gemini, "/v1beta/models", "", model: "b") == "/v1beta/models")
        #expect(Self.target(.openai, "/v1/models/ft:a", "/v1", model: "b") == "/v1/models/ft:a")
    }

    @Test("say where a credential belongs")
    func fields() {
        let secret = Secret("k")
        #expect(API.openai.credentialField(secret, vendor: .openai).value == "Bearer k")
        #expect(API.anthropic.credentialField(secret, vendor: .anthropic).name == "x-api-key")
        #expect(API.gemini.credentialField(secret, vendor: .gemini).name == "x-goog-api-key")
        let google = API.geminiCompatible.credentialField(secret, vendor: .gemini)
        #expect(google == ("Authorization", "Bearer k"))
    }

    @Test("name another model where a session's query names one")
    func sessions() {
        for (client, expected) in [
            ("/v1/realtime?model=a", "/v1/realtime?model=b%26c"),
            ("/v1/realtime/calls?x=1&model=a&y", "/v1/realtime/calls?x=1&model=b%26c&y"),
            ("/v1/realtime?model=", "/v1/realtime?model="),
            ("/v1/realtime?call_id=a", "/v1/realtime?call_id=a"),
            ("/v1/realtime?models=a", "/v1/realtime?models=a"),
            ("/v1/realtime", "/v1/realtime"),
            ("/v1/models?model=a&next=/realtime", "/v1/models?model=a&next=/realtime"),
        ] { #expect(Self.target(.openai, client, "/v1", model: "b&c") == expected, "\(client)") }
        #expect(Self.target(.anthropic, "/realtime?model=a", "", model: "b") == "/realtime?model=a")
    }

    @Test("keep the parameter of a vendor's address to the gateway, where it has such addresses")
    func addresses() {
        for (isOwn, expected) in [
            (true, "/v1/a?b=%20;c"), (false, "/v1/a?b=%20;c&x-weir-vendor=v"),
        ] {
            var output = ByteBuffer()
            OutboundTarget(
                api: .anthropic, vendor: .anthropic, basePath: "", baseQuery: "",
                dropsAddress: isOwn
            ).write(
                Array("/v1/a?b=%20;c&x-weir-vendor=v".utf8).span, dropping: .none, to: &output)
            #expect(output.bytes.text == expected)
        }
        // What resumes an upload is no credential.
        let id = "AMNfjG2xQkZ8vVwq4k1h7bT0c5y9XnPzRtLmWsDfGhJk"
        let upload = "/upload/v1beta/files?upload_id=\(id)&upload_protocol=resumable"
        #expect(Self.target(.gemini, upload, "", dropping: .credentials) == upload)
    }
}
