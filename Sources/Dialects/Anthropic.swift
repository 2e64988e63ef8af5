import JSON
import Primitives

extension Dialect {
    func writeAnthropicError(_ error: DialectError, to output: inout ByteBuffer) {
        output.append("{\"type\":\"error\",\"error\":{\"type\":")
        JSONText.append(Self.anthropicType(error), to: &output)
        output.append(",\"message\":")
        JSONText.append(error.message, to: &output)
        output.append(",\"details\":{\"error_code\":")
        JSONText.append(error.code, to: &output)
        output.append("}},\"request_id\":")
        if error.identifier.isEmpty {
            output.append("null}")
        } else {
            JSONText.append(error.identifier, to: &output)
            output.append("}")
        }
    }

    private static func anthropicType(_ error: DialectError) -> String {
        // A limit on rates is retried, a spent budget is shown to the user.
        if case .spent? = error.limit?.kind { return "billing_error" }
        return switch error.status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 400..<500: "invalid_request_error"
        case 503: "overloaded_error"
        case 504: "timeout_error"
        default: "api_error"
        }
    }
}
