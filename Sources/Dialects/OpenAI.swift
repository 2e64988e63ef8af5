import JSON
import Primitives

extension Dialect {
    func writeOpenAIError(_ error: DialectError, to output: inout ByteBuffer) {
        output.append("{\"error\":{\"message\":")
        JSONText.append(error.message, to: &output)
        output.append(",\"type\":")
        JSONText.append(error.status < 500 ? "invalid_request_error" : "server_error", to: &output)
        output.append(",\"param\":null,\"code\":")
        JSONText.append(error.code, to: &output)
        output.append("}}")
    }
}
