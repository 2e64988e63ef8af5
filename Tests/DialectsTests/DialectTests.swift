import Dialects
import JSON
import Primitives
import Testing

@Suite("Dialects")
struct DialectTests {
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
