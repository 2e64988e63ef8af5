import HTTP
import Primitives
import Translation

/// The head of a translated response, from empty: a vendor's length, coding and tag are those of
/// other bytes, and its account's fields another dialect's.
enum TranslatedHead {
    /// Writes the status line, and what the client's dialect says of the body.
    static func write(
        _ status: Int, client: Form, isStream: Bool, retryAfter: String?,
        _ framing: ResponseFraming, to output: inout ByteBuffer
    ) {
        output.append("HTTP/1.1 ")
        output.append(decimal: status)
        output.append(byte: 0x20)
        output.append(reasonPhrase(status))
        output.append("\r\ncontent-type: ")
        if isStream {
            output.append(
                client == .gemini ? "text/event-stream" : "text/event-stream; charset=utf-8")
            output.append("\r\ncache-control: no-cache\r\n")
        } else {
            output.append("application/json\r\n")
        }
        if let retryAfter {
            output.append("retry-after: ")
            output.append(text: retryAfter)
            output.append("\r\n")
        }
        framing.writeField(withheldBytes: nil, to: &output)
    }

    /// Writes from which dialect to which one was translated, and what was lost.
    static func writeLosses(
        _ request: TranslatedRequest, _ translator: AnswerTranslator?,
        to output: inout ByteBuffer
    ) {
        output.append(text: TranslationHeader.name)
        output.append(": ")
        output.append(
            text: TranslationHeader.value(
                from: request.client, to: request.vendor,
                losses: translator?.losses ?? request.losses))
        output.append("\r\n")
    }
}
