extension Record {
    /// The index of the attempt that the client got the response of, or of the last one.
    private var decidingIndex: Int? {
        attempts.indices.contains(answered - 1) ? answered - 1 : attempts.indices.last
    }

    /// What kind of error it was: the class of the failure that decided it, else the outcome; empty
    /// where the client got a whole answer that is no error.
    public var errorClass: String {
        let failure = decidingIndex.map { attempts[$0].failure } ?? ""
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
        guard let index = decidingIndex else { return "" }
        return attempts[index].model.isEmpty ? model : attempts[index].model
    }
}

extension Record.Attempt {
    /// What kind of error it was, also where that was the client's answer; empty where it was none.
    var errorClass: String { failure.isEmpty && status >= 400 ? "status" : failure }
}
