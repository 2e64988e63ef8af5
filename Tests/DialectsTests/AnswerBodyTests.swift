import Dialects
import Testing

@Suite("Bodies of answers")
struct AnswerBodyTests {
    static let cases: [(body: String, kind: AnswerBody)] = [
        ("{}", .nothing), ("{ \n }", .nothing), ("{\"choices\":[]}", .nothing),
        ("{\"id\":\"a\",\"choices\":[ ],\"usage\":{}}", .nothing),
        ("{\"usageMetadata\":{\"promptTokenCount\":1}}", .nothing),
        ("{\"candidates\":[],\"usageMetadata\":{}}", .nothing),
        ("{\"error\":\"busy\"}", .error), ("{\"error\":{\"code\":1}}", .error),
        ("{\"er\\u0072or\":{\"code\":1}}", .error), ("{\"choices\":[{}],\"error\":true}", .error),
        ("{\"object\":\"error\",\"message\":\"m\"}", .error), ("{\"type\":\"error\"}", .error),
        ("{\"object\":\"response\",\"status\":\"failed\"}", .error),
        ("{\"status\":\"failed\",\"object\":\"interaction\"}", .error),
        ("{\"error\":null,\"choices\":[{}]}", .content), ("{\"error\":{}}", .content),
        ("{\"error\":\"\"}", .content), ("{\"error\":[]}", .content),
        ("{\"error\":false}", .content), ("{\"object\":\"batch\",\"status\":\"failed\"}", .content),
        ("{\"object\":\"response\",\"status\":\"incomplete\"}", .content),
        ("{\"choices\":{}}", .content), ("{\"choices\":null}", .content),
        ("{\"usageMetadata\":{},\"promptFeedback\":{\"blockReason\":\"S\"}}", .content),
        ("{\"totalTokens\":3}", .content), ("{\"a\":{\"error\":1}}", .content),
        ("{\"content\":[]}", .content), ("[]", .content), ("\"error\"", .content), ("", .content),
        ("{\"error\":1", .content), ("{\"error\":1}}", .error), ("not JSON", .content),
    ]

    @Test("are an answer, nothing, or an error under a good status", arguments: cases)
    func kinds(_ body: String, _ kind: AnswerBody) {
        #expect(AnswerBody(Array(body.utf8).span) == kind)
    }
}
