import Primitives
import Reactor

/// Refusals in plain text, for clients of whose request nothing was read: no dialect is known.
enum PlainRefusal {
    /// Refuses a client without reading what it wants: even those that are refused are too many.
    static func turnAway(_ descriptor: Int32) {
        var text = ByteBuffer()
        write(
            "503 Service Unavailable", "weir: too many connections now", "retry-after: 1\r\n", &text
        )
        _ = Socket.send(descriptor, from: &text)
        Socket.shutDownWriting(descriptor)
        Socket.close(descriptor)
    }

    /// The client spoke plain HTTP to a listener for TLS.
    static func writeWantsTLS(to output: inout ByteBuffer) {
        write(
            "400 Bad Request", "weir: this port speaks TLS only; use https:// in the base URL", "",
            &output)
    }

    private static func write(
        _ status: StaticString, _ text: StaticString, _ fields: StaticString,
        _ output: inout ByteBuffer
    ) {
        output.append("HTTP/1.1 ")
        output.append(status)
        output.append("\r\ncontent-type: text/plain\r\n")
        output.append(fields)
        output.append(text: "content-length: \(text.utf8CodeUnitCount)\r\n")
        output.append("connection: close\r\n\r\n")
        output.append(text)
    }
}
