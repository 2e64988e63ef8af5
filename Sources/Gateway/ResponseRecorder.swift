import Primitives

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
    /// The body's last bytes, kept back because they may begin a secret of the gateway's; and, of
    /// an encoded body, how those bytes read.
    var held = ByteBuffer()
    var heldPlain = ByteBuffer()
}
