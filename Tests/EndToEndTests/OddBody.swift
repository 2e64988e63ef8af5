/// Bodies that JSON allows and no API has: the page shows each, as far as it says anything.
enum OddBody {
    /// Texts, members and lists where others are meant, in requests for a model.
    static func requests(_ model: String) -> [(path: String, body: String)] {
        let chat = "/v1/chat/completions"
        func messages(_ value: String) -> (path: String, body: String) {
            (chat, "{\"model\":\"\(model)\",\"messages\":\(value)}")
        }
        let object = "{\"toString\":1,\"valueOf\":1}"
        return [
            messages("[null]"), messages("5"), messages("{\"a\":1}"),
            messages("[{\"role\":\(object),\"content\":\"x\"}]"),
            messages(
                "[{\"role\":[\"a\"],\"content\":[{\"type\":\"text\",\"text\":\(object)},null,5]}]"),
            messages("[{\"role\":\"assistant\",\"tool_calls\":[null]}]"),
            messages(
                "[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\(object),"
                    + "\"arguments\":{}}}]}]"),
            messages(
                "[{\"role\":\"user\",\"content\":"
                    + "[{\"type\":\"image_url\",\"image_url\":{\"url\":5}}]}]"),
            ("/v1/responses", "{\"model\":\"\(model)\",\"input\":[null]}"),
            // More lists inside of each other, and more parts, than a stack has room for.
            messages(
                "[{\"role\":\"user\",\"content\":[{\"type\":\"x\",\"v\":"
                    + String(repeating: "[", count: 20_000)
                    + String(repeating: "]", count: 20_000) + "}]}]"),
            messages(
                "[{\"role\":\"user\",\"content\":["
                    + String(repeating: "{\"type\":\"text\",\"text\":\"a\"},", count: 200_000)
                    + "null]}]"),
        ]
    }

    /// The same in answers, by the end of the model's name: a stream where events are given.
    static let answers: [(kind: String, status: Int, body: String, events: [String])] = [
        ("choices", 200, "{\"choices\":[null]}", []),
        ("candidates", 200, "{\"candidates\":[null],\"choices\":[{\"message\":\"text\"}]}", []),
        ("calls", 200, "{\"choices\":[{\"message\":{\"tool_calls\":[null]}}]}", []),
        ("words", 422, "{\"error\":{\"message\":[\"a\",\"b\"]}}", []),
        ("object", 400, "{\"error\":{\"message\":{\"detail\":\"x\"}}}", []),
        ("number", 400, "{\"error\":{\"message\":5}}", []),
        ("text", 400, "{\"error\":\"plain\"}", []),
        ("detail", 422, "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"required\"}]}", []),
        (
            "list", 200, "",
            [
                "{\"choices\":[null]}",
                "{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":"
                    + "[{\"type\":\"text\",\"text\":\"hm\"}]}]}}]}",
                "{\"choices\":[{\"delta\":{\"tool_calls\":[null]}}]}",
                "{\"error\":{\"message\":{\"a\":1}}}", "[DONE]",
            ]
        ),
    ]

    /// A whole response of a vendor's; nil where the name has no such ending.
    static func response(to request: String) -> String? {
        guard let odd = answers.first(where: { request.contains("odd-\($0.kind)") }) else {
            return nil
        }
        let body =
            odd.events.isEmpty
            ? odd.body : odd.events.map { "data: \($0)\n\n" }.joined()
        let type = odd.events.isEmpty ? "application/json" : "text/event-stream"
        return "HTTP/1.1 \(odd.status) X\r\nContent-Type: \(type)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
