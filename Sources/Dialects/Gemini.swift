import JSON
import Primitives

extension Dialect {
    func writeGeminiError(_ error: DialectError, to output: inout ByteBuffer) {
        output.append("{\"error\":{\"code\":")
        output.append(decimal: error.status)
        output.append(",\"message\":")
        JSONText.append(error.message, to: &output)
        output.append(",\"status\":")
        JSONText.append(Self.geminiStatus(error.status), to: &output)
        output.append(",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\"")
        output.append(",\"reason\":")
        JSONText.append(error.code, to: &output)
        output.append(",\"domain\":\"weir\"}")
        if let limit = error.limit { Self.writeDetails(of: limit, to: &output) }
        output.append("]}}")
    }

    private static func writeDetails(of limit: LimitNotice, to output: inout ByteBuffer) {
        if case .spent(let period) = limit.kind {
            output.append(",{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\"")
            output.append(",\"violations\":[{\"subject\":")
            JSONText.append(limit.bucket, to: &output)
            output.append(",\"quotaId\":")
            JSONText.append("BudgetPer\(period.capitalizedWord)", to: &output)
            output.append("}]}")
        }
        guard let seconds = limit.retryAfter else { return }
        output.append(",{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\"")
        output.append(",\"retryDelay\":\"")
        output.append(decimal: seconds)
        output.append("s\"}")
    }

    private static func geminiStatus(_ status: Int) -> String {
        switch status {
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 429: "RESOURCE_EXHAUSTED"
        case 501: "UNIMPLEMENTED"
        case 400..<500: "INVALID_ARGUMENT"
        case 502, 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        default: "INTERNAL"
        }
    }
}

extension String {
    /// A word with a capital, as Google's names of quotas have it.
    fileprivate var capitalizedWord: String { prefix(1).uppercased() + dropFirst() }
}
