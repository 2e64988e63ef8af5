import Support

/// A vendor that means the operator's page harm: markup, and marks that turn the direction of
/// writing, in every part of an answer that is recorded.
enum HostileVendor {
    /// What it answers, by the end of the model's name.
    static let kinds = ["answer", "error", "stream", "large"]
    private static let text = PageTests.hostile + "\u{202E}\u{2066}\u{8}"

    static func start() throws -> ByteVendor {
        try ByteVendor { connection, _ in
            while true {
                let asked = String(decoding: try connection.request().body, as: UTF8.self)
                let kind = kinds.first { asked.contains("hostile-\($0)") } ?? ""
                try connection.send(OddBody.response(to: asked) ?? response(kind))
            }
        }
    }

    private static func response(_ kind: String) -> String {
        let escaped = text.replacing("\u{8}", with: "\\b")
        let evil = "X-Evil: \(PageTests.hostile)\r\nRequest-Id: \(PageTests.hostile)\r\n"
        func whole(_ status: String, _ type: String, _ body: String) -> String {
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\n\(evil)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        func choice(_ message: String, _ content: String) -> String {
            """
            {"id":"\(escaped)","model":"\(escaped)","choices":[{"index":0,\
            "finish_reason":"\(escaped)","\(message)":{"role":"\(escaped)","content":\
            "\(content)","tool_calls":[{"index":0,"id":"\(escaped)","function":\
            {"name":"\(escaped)","arguments":"\(escaped)"}}]}}],"usage":\
            {"prompt_tokens":3,"completion_tokens":4,"\(escaped)":"\(escaped)"}}
            """
        }
        switch kind {
        case "error":
            return whole(
                "400 \(PageTests.hostile)", "application/json",
                "{\"error\":{\"message\":\"\(escaped)\",\"type\":\"\(escaped)\","
                    + "\"code\":\"\(escaped)\"}}"
            )
        case "stream":
            return whole(
                "200 OK", "text/event-stream",
                "event: \(PageTests.hostile)\ndata: \(choice("delta", escaped))\n\ndata: [DONE]\n\n"
            )
        case "large":
            let content = String(repeating: escaped, count: (10 << 20) / escaped.utf8.count)
            return whole("200 OK", "application/json", choice("message", content))
        default: return whole("200 OK", "application/json", choice("message", escaped))
        }
    }
}
