import Dialects
import Primitives
import Testing

@Suite("Facts of errors")
struct ErrorFactsTests {
    private static func facts(_ text: String) -> ErrorFacts { ErrorFacts(Array(text.utf8).span) }

    @Test(
        "a credential without quota, money or validity differs from everything else",
        arguments: [
            "{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}",
            "{\"error\":{\"code\":\"invalid_api_key\",\"type\":\"invalid_request_error\"}}",
            "{\"type\":\"error\",\"error\":{\"type\":\"billing_error\",\"message\":\"x\"}}",
            "{\"error\":{\"type\":\"invalid_request_error\","
                + "\"message\":\"Your credit balance is too low to access\"}}",
            "{\"error\":{\"type\":\"rate_limit_error\","
                + "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
            "{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\","
                + "\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}",
            "[{\"error\":{\"code\":403,\"status\":\"PERMISSION_DENIED\"}}]",
            "{\"type\":\"error\",\"error\":{\"code\":\"insufficient_quota\"}}",
        ]
    )
    func credential(_ text: String) {
        #expect(Self.facts(text).isCredential)
    }

    @Test(
        "other errors are not taken for it",
        arguments: [
            "", "<html>", "{}", "null", "{\"error\":\"a string\"}", "{\"error\":{\"code\":429}}",
            "{\"error\":{\"type\":\"rate_limit_exceeded\",\"message\":\"slow down\"}}",
            "{\"error\":{\"type\":\"overloaded_error\"}}", "{\"detail\":[{\"msg\":\"x\"}]}",
            "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"bad field\"}}",
            "{\"error\":{\"message\":\"Invalid value: 'Your credit balance is too low'\"}}",
        ]
    )
    func others(_ text: String) {
        #expect(!Self.facts(text).isCredential)
    }

    @Test("Gemini's delay is read from the body")
    func delay() {
        let text = "{\"error\":{\"details\":[{\"@type\":\"x\"},{\"retryDelay\":\"46s\"}]}}"
        #expect(Self.facts(text).retryAfter == .seconds(46))
        #expect(Self.facts(text.replacing("46s", with: "1.5s")).retryAfter == .milliseconds(1500))
        #expect(Self.facts(text.replacing("46s", with: "soon")).retryAfter == nil)
    }
}
