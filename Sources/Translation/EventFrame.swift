import Primitives

/// Events of a stream as bytes, each in the framing of its dialect.
struct EventFrame {
    let form: Form

    /// Appends an event; the name is that of its type.
    func append(_ name: StaticString, _ data: borrowing JSONWriter, to output: inout ByteBuffer) {
        switch form {
        case .messages, .responses:
            output.append("event: ")
            output.append(name)
            output.append("\n")
        case .chat, .gemini: break
        }
        output.append("data: ")
        output.append(contentsOf: data.output)
        output.append(form == .gemini ? "\r\n\r\n" : "\n\n")
    }

    /// Appends a sign of life that the dialect's clients pass over.
    func appendSignOfLife(to output: inout ByteBuffer) {
        switch form {
        case .messages: output.append("event: ping\ndata: {\"type\": \"ping\"}\n\n")
        case .chat, .responses: output.append(": working\n\n")
        // Its clients know no comments.
        case .gemini: output.append("\r\n")
        }
    }
}
