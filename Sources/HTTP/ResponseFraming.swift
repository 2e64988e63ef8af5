public import Primitives

/// How a response's end is marked for the client.
public enum ResponseFraming: Equatable, Sendable {
    /// No body follows the head, whatever its fields say: HEAD, 204, 304.
    case none
    /// The declared number of bytes follows.
    case length(Int)
    /// Chunks follow, and an empty one ends them.
    case chunked
    /// The end of the connection is the end of the body: an HTTP/1.0 client and no known length.
    case close
    /// Bytes of another protocol follow, both ways, until one side closes: a switch of protocols.
    case tunnel

    /// The framing towards a client for a final response head.
    public init(
        status: Int, isHeadRequest: Bool, contentLength: Int?, clientMinorVersion: Int
    ) {
        if status == 101 {
            self = .tunnel
        } else if isHeadRequest || status == 204 || status == 304 {
            self = .none
        } else if let contentLength {
            self = .length(contentLength)
        } else {
            self = clientMinorVersion >= 1 ? .chunked : .close
        }
    }

    /// Writes a piece of the body.
    ///
    /// What it holds is exactly what the vendor sent in one go: a piece is one chunk, never split
    /// and never joined with another.
    public func write(_ bytes: Span<UInt8>, to output: inout ByteBuffer) {
        guard bytes.count > 0 else { return }
        if self == .chunked {
            output.append(hexadecimal: bytes.count)
            output.append("\r\n")
            output.append(bytes)
            output.append("\r\n")
        } else if self != .none {
            output.append(bytes)
        }
    }

    /// Writes the mark of a whole body.
    public func writeEnd(to output: inout ByteBuffer) {
        if self == .chunked { output.append("0\r\n\r\n") }
    }
}
