import Dialects
import HTTP
import Primitives
import Support
import Testing

@Suite("The API of a request")
struct APITests {
    private static func api(_ path: String, _ fields: String = "") -> API? {
        ParsedHead("GET \(path)", fields).with { API(of: $0, path: $0.path) }
    }

    @Test("follows from the path")
    func paths() {
        for path in [
            "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/models", "/v1",
            "/v1/models/gpt-4o", "/v1/models/ft:gpt-4o::x", "/v1/models/llama3:8b",
            "/v1/messagesque", "/v1/realtime",
        ] { #expect(Self.api(path) == .openai, "\(path)") }
        for path in [
            "/v1/messages", "/v1/messages?beta=true", "/v1/messages/count_tokens",
            "/v1/messages/batches/x/results", "/v1/complete",
        ] { #expect(Self.api(path) == .anthropic, "\(path)") }
        for path in [
            "/v1beta/models/gemini-2.5-flash:generateContent", "/v1beta/models", "/v1beta",
            "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "/v1alpha/x",
            "/upload/v1beta/files", "/upload/v1/files", "/v1/tunedModels/x:generateContent",
            "/v1beta/interactions", "/v1/models/a:b:countTokens",
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        ] { #expect(Self.api(path) == .gemini, "\(path)") }
        for path in ["/v1beta/openai/chat/completions", "/v1beta/openai"] {
            #expect(Self.api(path) == .geminiCompatible, "\(path)")
        }
    }

    @Test(
        "is none for paths that are no vendor's",
        arguments: [
            "/", "/api/hello", "/api/chat", "/healthz", "/chat/completions", "/v2/anything",
            "/v1/publishers/x", "/v1/locations/x/endpoints", "/v1/model/x/invoke", "/v1/health",
            "/v1/api/chat", "/v1/messages;a=b", "/v1/messages%00", "/v1/messages.",
            "/v1/%256dessages",
            "/v1/projects/p/locations/l/publishers/google/models/m:generateContent",
            "/v1beta1/projects/p", "/v1beta/projects/p/x", "/model/anthropic.claude/invoke",
            "/model/x/converse-stream", "/inference-profiles", "/upload/v3/files", "/v1x/models",
            "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent", "/ws/x",
            "/openai/deployments/d/chat/completions", "/metrics", "/favicon.ico",
        ])
    func nobodys(_ path: String) {
        #expect(Self.api(path, "x-api-key: k\r\n") == nil)
        #expect(Self.api(path) == nil)
    }

    @Test(
        "stays the same however a path is spelled",
        arguments: [
            ("//v1/messages", API.anthropic), ("/v1//messages", .anthropic),
            ("/V1/Messages", .anthropic), ("/v1/%6Dessages", .anthropic),
            ("/v1/x/../messages", .anthropic), ("/v1/./messages", .anthropic),
            ("/v1/x/%2e%2e/messages", .anthropic), ("/v1/x/%2E./messages", .anthropic),
            ("/v1%2Fmessages", .anthropic), ("/v1\\messages", .anthropic),
            ("/v1/chat/..//..//v1beta/models", .gemini), ("/V1BETA/models", .gemini),
            ("/v1/Models/m:GenerateContent", .gemini), ("/v1/models/m%3AgenerateContent", .gemini),
            ("/v1beta/OpenAI/models", .geminiCompatible), ("//V1//CHAT//completions", .openai),
        ])
    func spellings(_ path: String, _ api: API) {
        // A backslash is no byte of a target; the path is asked all the same.
        let head = ParsedHead("GET /v1/x", "")
        #expect(head.with { API(of: $0, path: Array(path.utf8).span) } == api)
    }

    @Test("of a path that several vendors have follows from the shape of the credential")
    func shapes() {
        for path in ["/v1/models", "/v1/files", "/v1/skills", "/v1/organizations/x"] {
            #expect(Self.api(path, "anthropic-version: 2026-10-21\r\n") == .anthropic)
            #expect(Self.api(path, "Anthropic-Beta: x\r\n") == .anthropic)
            #expect(Self.api(path, "x-api-key: k\r\n") == .anthropic)
            #expect(Self.api(path, "Authorization: Bearer sk-ant-k\r\n") == .anthropic)
            #expect(Self.api(path, "x-goog-api-key: k\r\n") == .gemini)
            #expect(Self.api(path, "x-goog-api-client: c\r\n") == .gemini)
            #expect(Self.api(path, "Authorization: bearer ya29.k\r\n") == .gemini)
            #expect(Self.api(path, "Authorization: Bearer AIzaK\r\n") == .gemini)
            #expect(Self.api(path + "?a=1&key=k") == .gemini)
            #expect(Self.api(path + "?%6bEy=k") == .gemini)
            #expect(Self.api(path, "Authorization: Bearer sk-k\r\n") == .openai)
            #expect(Self.api(path, "api-key: k\r\n") == .openai)
            #expect(Self.api(path) == .openai)
        }
        for path in ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"] {
            #expect(Self.api(path, "x-goog-api-key: k\r\n") == .openai)
            #expect(Self.api(path, "anthropic-version: x\r\n") == .openai)
        }
    }

    @Test("is served by vendors of its own dialect, and Google's endpoint by two")
    func serving() {
        for api in API.allCases {
            for vendor in Dialect.allCases {
                let isServed =
                    vendor == api.dialect || api == .geminiCompatible && vendor == .gemini
                #expect(api.isServed(by: vendor) == isServed)
            }
        }
    }

    @Test(
        "knows dot segments, plain and escaped",
        arguments: [
            ("/v1/..", true), ("/v1/.", true), ("/v1/../x", true), ("/v1/%2e%2E/x", true),
            ("/v1/.%2e", true), ("/v1/%252e%252e/x", true), ("/v1/..%2fx", true),
            ("/v1/..;a/x", true), ("/v1/x%5c..%5cy", true), ("/v1/...", false), ("/v1/a..b", false),
            ("/v1/gpt-4.1", false), ("/v1/.well", false), ("/v1/%20", false), ("/", false),
        ])
    func dotSegments(_ path: String, _ has: Bool) {
        #expect(RequestPath.hasDotSegments(Array(path.utf8).span) == has)
    }
}
