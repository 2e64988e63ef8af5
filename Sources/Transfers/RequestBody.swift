/// What a transfer sends as its body.
public enum RequestBody {
    /// None, and no length either.
    case none
    /// Bytes in memory.
    case bytes(KeptBody)
    /// A stream of a known length, or of an unknown one, sent in chunks.
    case stream(length: Int?)
    /// None: the request asks for a WebSocket, whose bytes follow once the vendor has agreed.
    case tunnel
}
