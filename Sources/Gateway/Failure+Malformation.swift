import ExchangeCore
import HTTP

extension Failure {
    /// What the parser refused.
    static func malformed(_ malformation: Malformation, bodyBytesMax: Int) -> Failure {
        // The same words whether a length in the head or a chunk led beyond the limit.
        malformation.status == 413
            ? .tooLarge(bodyBytesMax)
            : .refused(malformation.status, "malformed_request", malformation.reason)
    }
}
