import Support

/// A way in which a vendor fails before it has given any content.
struct FailingVendor: Sendable, CustomStringConvertible {
    enum End: Sendable {
        case closes, resets, hangs
    }

    let name: String
    /// What it sends, by dialect where that matters; whole head included.
    let answer: String
    let end: End
    /// The class in metrics and in the log.
    let failureClass: String

    var description: String { name }

    /// Whether its answer has a whole head.
    var hasHead: Bool { answer.utf8.firstRange(of: "\r\n\r\n".utf8) != nil }

    /// Whether its answer is a stream of events.
    var isEventStream: Bool { answer.contains("text/event-stream") }

    /// The body of its answer without the framing, as far as it is sent.
    var body: [UInt8] {
        let bytes = Array(answer.utf8)
        guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return [] }
        var rest = bytes[(head + 4)...]
        guard isEventStream else { return Array(rest) }
        var body: [UInt8] = []
        while let line = rest.firstIndex(of: 0x0D) {
            let size = Int(String(decoding: rest[..<line], as: UTF8.self), radix: 16) ?? 0
            guard size > 0 else { break }
            body += rest[(line + 2)...].prefix(size)
            rest = rest[(line + 2)...].dropFirst(size + 2)
        }
        return body
    }

    /// Whether its answer has the end that its framing declares.
    var isWhole: Bool {
        isEventStream ? answer.utf8.suffix(5).elementsEqual("0\r\n\r\n".utf8) : end == .hangs
    }

    private static func whole(
        _ status: String, _ body: String, _ fields: String = "",
        type: String = "application/json"
    ) -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n"
            + "\(fields)\r\n\(body)"
    }

    private static func events(_ pieces: [String], isWhole: Bool) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            + pieces.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined()
            + (isWhole ? "0\r\n\r\n" : "")
    }

    /// Failures of any call: no stream is needed for them.
    static let plain: [FailingVendor] =
        [
            .init(name: "closes at once", answer: "", end: .closes, failureClass: "reset"),
            .init(name: "resets at once", answer: "", end: .resets, failureClass: "reset"),
            .init(
                name: "closes in the head", answer: "HTTP/1.1 200 OK\r\nContent-Ty", end: .closes,
                failureClass: "reset"
            ),
            .init(name: "says nothing", answer: "", end: .hangs, failureClass: "timeout"),
            .init(name: "is no HTTP", answer: "SSH-2.0-x\r\n", end: .closes, failureClass: "reset"),
        ]
        + [
            "408 Request Timeout", "425 Too Early", "429 Too Many Requests",
            "500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable",
            "504 Gateway Timeout", "529 Overloaded",
        ].map {
            .init(
                name: $0, answer: whole($0, "{\"error\":{\"message\":\"\($0)\"}}", "X-Own: 1\r\n"),
                end: .hangs, failureClass: "status"
            )
        }
        + [
            .init(
                name: "429 with Retry-After",
                answer: whole("429 Too Many", "{}", "Retry-After: 2\r\n"), end: .hangs,
                failureClass: "status"
            ),
            .init(
                name: "an HTML page under 503",
                answer: whole("503 Oh", "<html>sorry</html>", type: "text/html"), end: .hangs,
                failureClass: "status"
            ),
            .init(
                name: "an HTML page under 200",
                answer: whole("200 OK", "<html>sorry</html>", type: "text/html; charset=x"),
                end: .hangs, failureClass: "stream_error"
            ),
            .init(
                name: "an empty 200", answer: whole("200 OK", ""), end: .hangs,
                failureClass: "stream_error"
            ),
            .init(
                name: "a refused key", answer: whole("401 Unauthorized", "{\"error\":\"key\"}"),
                end: .hangs, failureClass: "credential"
            ),
            .init(
                name: "no money", answer: whole("402 Payment Required", "{\"error\":\"money\"}"),
                end: .hangs, failureClass: "credential"
            ),
            .init(
                name: "closes in an error's body",
                answer: "HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\nhalf", end: .closes,
                failureClass: "reset"
            ),
        ]

    /// What opens a stream in each dialect, without content.
    private static let openings: [String: [String]] = [
        "openai": [
            ": comment\n\n",
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                + "\"finish_reason\":null}]}\n\n",
        ],
        "anthropic": [
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n",
            "event: ping\ndata: {\"type\": \"ping\"}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
                + "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        ],
        "gemini": ["data: {\"usageMetadata\":{\"promptTokenCount\":1}}\r\n\r\n"],
    ]

    private static let errors: [String: String] = [
        "openai": "data: {\"error\":{\"message\":\"boom\",\"code\":429}}\n\n",
        "anthropic":
            "event: error\ndata: {\"type\":\"error\","
            + "\"error\":{\"type\":\"overloaded_error\"}}\n\n",
        "gemini": "data: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}\r\n\r\n",
    ]

    /// Failures of a stream in a dialect.
    static func streams(_ dialect: String) -> [FailingVendor] {
        let opening = openings[dialect] ?? []
        let error = errors[dialect] ?? ""
        var all: [FailingVendor] = [
            .init(
                name: "an error event first", answer: events([error], isWhole: true), end: .hangs,
                failureClass: "stream_error"
            ),
            .init(
                name: "an error event after the opening",
                answer: events(opening + [error], isWhole: true), end: .hangs,
                failureClass: "stream_error"
            ),
            .init(
                name: "an error event, and then silence",
                answer: events(opening + [error], isWhole: false), end: .hangs,
                failureClass: "stream_error"
            ),
            .init(
                name: "an empty stream", answer: events([], isWhole: true), end: .hangs,
                failureClass: "stream_error"
            ),
            .init(
                name: "comments alone", answer: events([": a\n\n", ":\n\n"], isWhole: true),
                end: .hangs, failureClass: "stream_error"
            ),
            .init(
                name: "an opening alone", answer: events(opening, isWhole: true), end: .hangs,
                failureClass: "stream_error"
            ),
            .init(
                name: "closes after the opening", answer: events(opening, isWhole: false),
                end: .closes, failureClass: "reset"
            ),
            .init(
                name: "resets after the opening", answer: events(opening, isWhole: false),
                end: .resets, failureClass: "reset"
            ),
            .init(
                name: "closes after the head", answer: events([], isWhole: false), end: .closes,
                failureClass: "reset"
            ),
            .init(
                name: "stalls after the opening", answer: events(opening, isWhole: false),
                end: .hangs, failureClass: "timeout"
            ),
            .init(
                name: "stalls after the head", answer: events([], isWhole: false), end: .hangs,
                failureClass: "timeout"
            ),
        ]
        if dialect == "openai" {
            let quota =
                "event: error\ndata: {\"type\":\"error\",\"sequence_number\":2,\"error\":"
                + "{\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}\n\n"
            let created =
                "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n"
            all.append(
                .init(
                    name: "response.created, then insufficient_quota",
                    answer: events([created, quota], isWhole: true), end: .hangs,
                    failureClass: "credential"
                )
            )
        }
        return all
    }

    /// Starts a vendor that fails like this at every request.
    func start() throws -> ByteVendor {
        try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send(answer)
                switch end {
                case .closes: return
                case .resets: return connection.reset()
                case .hangs: break
                }
            }
        }
    }
}
