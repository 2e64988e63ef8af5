import JSON
import Support

/// A client of one form: what it sends, and what it makes of an answer.
struct DialectClient: Sendable, CustomStringConvertible {
    let form: String

    static let all = ["chat", "responses", "messages", "gemini"].map(DialectClient.init)

    init(_ form: String) {
        self.form = form
    }

    var description: String { form }

    /// The lines of a vendor of the file that is asked in this form.
    func vendor(_ name: String, port: Int, rest: String = "credential = \"none\"") -> String {
        let dialect =
            form == "messages" ? "anthropic" : form == "gemini" ? "gemini" : "openai"
        return """
            [vendors.\(name)]
            dialect = "\(dialect)"
            base_url = "http://127.0.0.1:\(port)\(dialect == "openai" ? "/v1" : "")"
            \(dialect == "openai" ? "apis = [\"\(form)\"]" : "")
            \(rest)

            """
    }

    func path(stream: Bool) -> String {
        switch form {
        case "chat": "/v1/chat/completions"
        case "responses": "/v1/responses"
        case "messages": "/v1/messages"
        default:
            "/v1beta/models/m-1:" + (stream ? "streamGenerateContent?alt=sse" : "generateContent")
        }
    }

    /// The body of a request with one text of the user's; `extra` are further members.
    func body(_ text: String, stream: Bool, extra: String = "") -> String {
        let ask = JSONText.quote(text)
        switch form {
        case "chat":
            return "{\"model\":\"m-1\",\"stream\":\(stream),\(extra)"
                + "\"messages\":[{\"role\":\"user\",\"content\":\(ask)}]}"
        case "responses":
            return "{\"model\":\"m-1\",\"stream\":\(stream),\"store\":false,\(extra)"
                + "\"input\":\(ask)}"
        case "messages":
            return "{\"model\":\"m-1\",\"stream\":\(stream),\"max_tokens\":64,\(extra)"
                + "\"messages\":[{\"role\":\"user\",\"content\":\(ask)}]}"
        default:
            return "{\(extra)\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\(ask)}]}]}"
        }
    }

    func request(
        _ text: String, stream: Bool, fields: String = "", extra: String = ""
    ) -> String {
        let body = body(text, stream: stream, extra: extra)
        return "POST \(path(stream: stream)) HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
            + "\(fields)\r\n\(body)"
    }

    // MARK: Answers

    /// The values of a stream's events, or the one of a body.
    private func values(_ text: String) -> [JSONValue] {
        if let value = try? JSONValue(parsing: text) { return [value] }
        return text.replacing("\r\n", with: "\n").split(separator: "\n").compactMap {
            $0.hasPrefix("data: ") ? try? JSONValue(parsing: String($0.dropFirst(6))) : nil
        }
    }

    /// The text that the model wrote.
    func text(_ response: RawResponse) -> String { text(response.text) }

    func text(_ answer: String) -> String {
        values(answer).map { value -> String in
            switch form {
            case "chat":
                let choice = value["choices"]?.elements?.first
                return (choice?["delta"] ?? choice?["message"])?["content"]?.text ?? ""
            case "responses":
                if value["type"]?.text == "response.output_text.delta" {
                    return value["delta"]?.text ?? ""
                }
                let item = value["output"]?.elements?.last
                return item?["content"]?.elements?.first?["text"]?.text ?? ""
            case "messages":
                if value["type"]?.text == "content_block_delta" {
                    return value["delta"]?["text"]?.text ?? ""
                }
                return value["content"]?.elements?.first?["text"]?.text ?? ""
            default:
                let parts = value["candidates"]?.elements?.first?["content"]?["parts"]?.elements
                return (parts ?? []).compactMap { $0["text"]?.text }.joined()
            }
        }.joined()
    }

    /// Whether an answer has the mark by which this form says that it is whole.
    func hasEnd(_ response: RawResponse) -> Bool {
        let text = response.text
        switch form {
        case "chat":
            return text.contains("\"finish_reason\":\"stop\"")
                && (!text.contains("data: ") || text.hasSuffix("data: [DONE]\n\n"))
        case "responses":
            return text.contains("response.completed")
                || text.contains("\"status\":\"completed\"") && !text.contains("data: ")
        case "messages":
            return text.contains("event: message_stop")
                || text.contains("\"stop_reason\":\"end_turn\"") && !text.contains("data: ")
        default: return text.contains("\"finishReason\":\"STOP\"")
        }
    }

    /// Whether a body, or the last event of a stream, is an error as this form has it.
    func endsInError(_ response: RawResponse) -> Bool {
        guard let last = values(response.text).last else { return false }
        switch form {
        case "messages": return last["type"]?.text == "error" && last["error"]?["type"] != nil
        case "responses" where response.text.contains("data: "):
            return last["type"]?.text == "response.failed"
        default: return last["error"]?["message"] != nil
        }
    }
}
