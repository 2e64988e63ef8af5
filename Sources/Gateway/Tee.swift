import Primitives

/// What of an exchange is told to the worker's journal, and how far that got.
struct Tee: ~Copyable {
    /// The exchange's number there; nil when nothing is told of it.
    var exchange: UInt64?
    /// Bytes of the current response's body that are told at most.
    var responseBytesMax = 0
    var requestBytes = 0
    var responseBytes = 0
    /// A body with a hole in it would be taken for another: after the first piece that found no
    /// room nothing more of it is told.
    var isRequestWhole = true
    var isResponseWhole = true
    var droppedFrames = 0
    var headAt: Instant?
    /// Whether it was told how the exchange ends if nothing more is told.
    var isDeliveryTold = false
    /// What the client was given, and of which attempt it is.
    var status = 0
    var answered = 0
    /// Whose answer that is, where it was kept and another vendor may have been asked since.
    var answeringVendor: String?
    /// Bodies on their way through a redactor; empty where there is none.
    var gatheredRequest = ByteBuffer()
    var gatheredResponse = ByteBuffer()
    var isRequestTold = false
    /// Bytes of a redacted response that were told.
    var toldBytes = 0
    /// The end of what came of the bodies, kept back because it may be the beginning of a secret of
    /// the gateway's; and, of an encoded response, how that end reads.
    var heldRequest = ByteBuffer()
    var heldResponse = ByteBuffer()
    var heldPlain = ByteBuffer()
    /// Whether the response is a stream of events, and its bytes are what they seem.
    var isEventStream = false
    var isResponseReadable = true
    /// The gateway's own answer, or why there is none.
    var failureCode = ""
    var explanation = ""
}

/// What was told of a response that is kept, so that a later attempt's does not stand for it.
struct ToldResponse {
    let bytes: Int
    let isWhole: Bool
    let headAt: Instant?
    let lastByteAt: Instant
}
