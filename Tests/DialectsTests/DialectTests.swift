import Dialects
import HTTP
import JSON
import Primitives
import Testing

@Suite("Dialects")
struct DialectTests {
    private static func dialect(_ path: String, _ fields: String = "") -> Dialect? {
        let parser = RequestParser()
        let bytes = Array("GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
        guard parser.parse(bytes.span).progress == .head else { return nil }
        return parser.withHead { Dialect(of: $0, path: $0.path) }
    }

    @Test("follow from the path")
    func paths() {
        for path in [
            "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/models",
            "/v1/models/gpt-4o", "/chat/completions", "/", "/v1/messagesque", "/v2/anything",
        ] { #expect(Self.dialect(path) == .openai, "\(path)") }
        for path in [
            "/v1/messages", "/v1/messages?beta=true", "/v1/messages/count_tokens",
            "/v1/messages/batches/x/results", "/v1/complete",
        ] { #expect(Self.dialect(path) == .anthropic, "\(path)") }
        for path in [
            "/v1beta/models/gemini-2.5-flash:generateContent", "/v1beta/models",
            "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "/v1alpha/x",
            "/upload/v1beta/files", "/v1/tunedModels/x:generateContent",
        ] { #expect(Self.dialect(path) == .gemini, "\(path)") }
    }

    @Test("of a path that several vendors have follow from what only one's SDK sends")
    func fields() {
        #expect(Self.dialect("/v1/models", "anthropic-version: 2026-10-21\r\n") == .anthropic)
        #expect(Self.dialect("/v1/files", "Anthropic-Version: 2023-06-01\r\n") == .anthropic)
        #expect(Self.dialect("/v1/models", "x-goog-api-key: k\r\n") == .gemini)
        #expect(Self.dialect("/v1/models", "x-goog-api-client: c\r\n") == .gemini)
        #expect(Self.dialect("/v1/models", "Authorization: Bearer k\r\n") == .openai)
        for path in ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"] {
            #expect(Self.dialect(path, "x-goog-api-key: k\r\n") == .openai)
            #expect(Self.dialect(path, "anthropic-version: x\r\n") == .openai)
        }
    }

    private static func target(
        _ dialect: Dialect, _ client: String, _ base: String, dropsKey: Bool = false
    ) -> String {
        var output = ByteBuffer()
        dialect.writeTarget(
            Array(client.utf8).span, basePath: base, droppingKey: dropsKey, to: &output
        )
        return output.bytes.text
    }

    @Test("lead the client's path to the vendor's base")
    func targets() {
        #expect(
            Self.target(.openai, "/v1/chat/completions?a=b", "/v1") == "/v1/chat/completions?a=b"
        )
        #expect(
            Self.target(.openai, "/v1/chat/completions", "/openai/v1")
                == "/openai/v1/chat/completions"
        )
        #expect(Self.target(.openai, "/v1/models", "") == "/models")
        #expect(Self.target(.openai, "/v1", "") == "/")
        #expect(Self.target(.openai, "/v1?x", "") == "/?x")
        #expect(Self.target(.openai, "/v1x/models", "/v1") == "/v1/v1x/models")
        #expect(Self.target(.openai, "/chat/completions", "/v1") == "/v1/chat/completions")
        #expect(Self.target(.anthropic, "/v1/messages", "") == "/v1/messages")
        #expect(Self.target(.anthropic, "/v1/messages", "/anthropic") == "/anthropic/v1/messages")
        #expect(
            Self.target(.gemini, "/v1beta/models/m:g?alt=sse", "") == "/v1beta/models/m:g?alt=sse")
        #expect(Self.target(.openai, "/v1/a//../%2e?%20", "/v1") == "/v1/a//../%2e?%20")
    }

    @Test("take a key out of the query where ours replaces it, spelled anyhow, and nothing else")
    func keys() {
        func query(_ text: String) -> String {
            String(Self.target(.gemini, "/p\(text)", "", dropsKey: true).dropFirst(2))
        }
        #expect(query("?key=secret") == "")
        #expect(query("?alt=sse&key=secret") == "?alt=sse")
        #expect(query("?key=secret&alt=sse") == "?alt=sse")
        #expect(query("?a=1&key=x&b=2&key=y") == "?a=1&b=2")
        #expect(query("?key") == "")
        #expect(query("?%6Bey=secret&k%65%79=secret&%6b%65%79=s&alt=sse") == "?alt=sse")
        #expect(query("?monkey=1&key2=2&api_key=3&keys=4") == "?monkey=1&key2=2&api_key=3&keys=4")
        #expect(query("?a=key=x") == "?a=key=x")
        #expect(query("?%6") == "?%6")
        #expect(Self.target(.gemini, "/p?key=mine", "") == "/p?key=mine")
    }

    @Test("say where a credential belongs")
    func credentials() {
        let secret = Secret("k")
        #expect(Dialect.openai.credentialField(secret) == ("Authorization", "Bearer k"))
        #expect(Dialect.anthropic.credentialField(secret) == ("x-api-key", "k"))
        #expect(Dialect.gemini.credentialField(secret) == ("x-goog-api-key", "k"))
    }

    private static func error(_ dialect: Dialect, _ status: Int) throws -> JSONValue {
        var output = ByteBuffer()
        dialect.errorBody(
            DialectError(
                status: status, code: "vendor_unreachable", message: "a \"message\"\n",
                identifier: "01ABC"
            ),
            to: &output
        )
        return try JSONValue(parsing: output.bytes)
    }

    @Test(
        "shape errors as their SDKs read them", arguments: [400, 404, 408, 413, 429, 502, 503, 504])
    func errors(_ status: Int) throws {
        let openai = try Self.error(.openai, status)
        #expect(openai["error"]?["message"]?.text == "a \"message\"\n")
        #expect(openai["error"]?["code"]?.text == "vendor_unreachable")
        #expect(openai["error"]?["param"] == .null)
        #expect(
            openai["error"]?["type"]?.text
                == (status < 500 ? "invalid_request_error" : "server_error")
        )
        let anthropic = try Self.error(.anthropic, status)
        #expect(anthropic["type"]?.text == "error")
        #expect(anthropic["request_id"]?.text == "01ABC")
        let types = [
            400: "invalid_request_error", 404: "not_found_error", 408: "invalid_request_error",
            413: "request_too_large", 429: "rate_limit_error", 502: "api_error",
            503: "overloaded_error", 504: "timeout_error",
        ]
        #expect(anthropic["error"]?["type"]?.text == types[status])
        let gemini = try Self.error(.gemini, status)
        #expect(gemini["error"]?["code"]?.integer == status)
        let statuses = [
            400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 408: "INVALID_ARGUMENT",
            413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 502: "UNAVAILABLE",
            503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
        ]
        #expect(gemini["error"]?["status"]?.text == statuses[status])
    }
}
