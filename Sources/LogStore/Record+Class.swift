extension Record {
    /// The attempt that the client got the response of, or the last one; nil without any.
    private var decidingAttempt: Attempt? {
        attempts.indices.contains(answered - 1) ? attempts[answered - 1] : attempts.last
    }

    /// What kind of error it was: the class of the failure that decided it, else the outcome; empty
    /// where the client got a whole answer that is no error.
    public var errorClass: String {
        let failure = decidingAttempt?.failure ?? ""
        switch outcome {
        case "complete":
            if status >= 400 { return failure.isEmpty ? "status" : failure }
            // An error event in a stream, or an error object under a good status.
            return errorKind.isEmpty ? "" : "stream_error"
        case "upstream_error":
            return failure.isEmpty ? outcome : failure
        default:
            return outcome
        }
    }

    /// The model that was really asked for by the attempt that decided; empty without one.
    public var sentModel: String {
        guard let attempt = decidingAttempt else { return "" }
        return attempt.model.isEmpty ? model : attempt.model
    }
}
