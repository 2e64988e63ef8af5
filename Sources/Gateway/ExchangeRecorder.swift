import Primitives

/// What of an exchange was written to the worker's journal, and how far that got.
struct ExchangeRecorder: ~Copyable {
    /// The exchange's number there; nil where nothing is written of it.
    var number: UInt64?
    var droppedFrames = 0
    /// Whether it was written how the exchange ends if nothing more is.
    var isDeliveryWritten = false

    /// Bytes of the request's body so far.
    var requestBytes = 0
    /// A body with a hole in it would be taken for another: after the first piece that found no
    /// room nothing more of it is written.
    var isRequestWhole = true
    /// The body on its way through a redactor; empty where there is none.
    var gatheredRequest = ByteBuffer()
    var isRequestWritten = false
    /// The end of what came of the body, kept back because it may be the beginning of a secret of
    /// the gateway's.
    var heldRequest = ByteBuffer()

    /// The status of an answer of the gateway's own, its code, and why there is no vendor's.
    private(set) var ownStatus = 0
    private(set) var failureCode = ""
    var explanation = ""

    /// Notes an answer of the gateway's own.
    mutating func noteOwnAnswer(status: Int, code: String, explanation: String) {
        ownStatus = status
        failureCode = code
        self.explanation = explanation
    }
}

/// What of one attempt's response was written to the worker's journal.
struct ResponseRecorder: ~Copyable {
    /// Bytes of the body so far, and those that are written at most.
    var bytes = 0
    var bytesMax = 0
    var isWhole = true
    var headAt: Instant?
    /// Whether the response is a stream of events, and its bytes are what they seem.
    var isEventStream = false
    var isReadable = true
    /// The body on its way through a redactor, and bytes of it that were written.
    var gathered = ByteBuffer()
    var writtenBytes = 0
    /// The end of what came of the body, kept back because it may be the beginning of a secret of
    /// the gateway's; and, of an encoded one, how that end reads.
    var held = ByteBuffer()
    var heldPlain = ByteBuffer()
}
