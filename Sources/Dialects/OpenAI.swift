import JSON
import Primitives

extension Dialect {
    func writeOpenAIError(_ error: DialectError, to output: inout ByteBuffer) {
        let words = Self.openAIWords(error)
        output.append("{\"error\":{\"message\":")
        JSONText.append(error.message, to: &output)
        output.append(",\"type\":")
        JSONText.append(words.type, to: &output)
        output.append(",\"param\":null,\"code\":")
        JSONText.append(words.code, to: &output)
        if let resetsAt = error.limit?.resetsAt {
            output.append(",\"resets_at\":")
            output.append(decimal: resetsAt)
        }
        output.append("}}")
    }

    private static func openAIWords(_ error: DialectError) -> (type: String, code: String) {
        switch error.limit?.kind {
        case .spent:
            // OpenAI's SDKs know the first, and Codex prints when the second resets.
            let word = error.isForCodex ? "usage_limit_reached" : "insufficient_quota"
            return (word, word)
        case .rate: return ("rate_limit_exceeded", "rate_limit_exceeded")
        case .tooLarge, nil:
            return (error.status < 500 ? "invalid_request_error" : "server_error", error.code)
        }
    }
}
