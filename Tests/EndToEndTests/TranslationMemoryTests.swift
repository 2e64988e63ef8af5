import Support
import Testing

/// How much memory translations take of a gateway, in times of the body.
@Suite("The memory of translation", .serialized)
struct TranslationMemoryTests {
    private static let megabyte = 1 << 20

    /// A vendor of chat and one of Messages, and a chain of the other dialect to each.
    private static func gateway(_ vendor: Int) throws -> GatewayProcess {
        try GatewayProcess(
            """
            [vendors.openai]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor)/v1"
            credential = "none"
            [vendors.anthropic]
            dialect = "anthropic"
            base_url = "http://127.0.0.1:\(vendor)"
            credential = "none"
            [[chains]]
            name = "one"
            models = ["m-chat"]
            targets = [{ vendor = "openai", model = "m" }]
            [[chains]]
            name = "two"
            models = ["m-messages"]
            targets = [{ vendor = "anthropic", model = "m" }]
            """,
            server: "workers = 1\nreplay_limit = \"80MiB\"", log: "capture = \"none\"")
    }

    /// How much more was resident at most while something was done.
    private static func peak(_ gateway: GatewayProcess, _ body: () throws -> Void) throws -> Int {
        try gateway.process.resetResidentBytesMax()
        let before = gateway.process.residentBytes
        try body()
        return gateway.process.residentBytesMax - before
    }

    private static func messages(_ content: String) -> String {
        let body =
            #"{"model":"m-chat","max_tokens":9,"messages":[{"role":"user","content":\#(content)}]}"#
        return RecordTests.request("/v1/messages", body)
    }

    private static func repeated(_ piece: String, _ bytes: Int) -> String {
        String(repeating: piece, count: bytes / piece.utf8.count)
    }

    @Test("a request of 64 MiB takes a few times as much, whatever it is made of")
    func requests() throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                let body =
                    #"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","#
                    + #""content":"ok"},"finish_reason":"stop"}]}"#
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor.port)
        let size = 64 * Self.megabyte
        // One text, one of escapes alone, and as many parts as a body may have values.
        let part = #"{"type":"text","text":"some words of a text"}"#
        let bodies = [
            "one text": Self.messages("\"\(Self.repeated("some words ", size))\""),
            "escapes": Self.messages("\"\(Self.repeated(#"\n\""#, size))\""),
            "parts": Self.messages("[\(Self.repeated(part + ",", 7 * Self.megabyte))\(part)]"),
        ]
        for (name, request) in bodies {
            var status = 0
            let peak = try Self.peak(gateway) {
                let client = try RawConnection(port: gateway.port)
                status = try client.exchange(request).status
            }
            let factor = Double(peak) / Double(request.utf8.count)
            #expect(status == 200, "\(name)")
            print("translation memory: \(name): \(factor) times the request")
            #expect(factor < (name == "parts" ? 30 : 8), "\(name): \(factor)")
        }
    }

    /// What a vendor of Messages answers to a request that names it.
    private static func answer(_ request: [UInt8]) -> (type: String, body: String) {
        func event(_ data: String) -> String { "data: \(data)\n\n" }
        func delta(_ size: Int) -> String {
            event(
                #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"#
                    + "\"\(repeated("some words ", size))\"}}")
        }
        let text = String(decoding: request, as: UTF8.self)
        if text.contains("[[whole]]") {
            let words = repeated("some words ", 60 * megabyte)
            return (
                "application/json",
                #"{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"#
                    + #""text","text":"\#(words)"}],"stop_reason":"end_turn","#
                    + #""usage":{"input_tokens":1,"output_tokens":1}}"#
            )
        }
        let begun =
            event(
                #"{"type":"message_start","message":{"id":"m","model":"m","content":[],"#
                    + #""usage":{"input_tokens":1,"output_tokens":1}}}"#)
            + event(
                #"{"type":"content_block_start","index":0,"#
                    + #""content_block":{"type":"text","text":""}}"#)
        let size = text.contains("[[too large]]") ? 40 : 9
        let ended =
            event(#"{"type":"content_block_stop","index":0}"#)
            + event(
                #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"#
                    + #""usage":{"output_tokens":4}}"#)
            + event(#"{"type":"message_stop"}"#)
        return ("text/event-stream", begun + delta(64) + delta(size * megabyte) + ended)
    }

    @Test("an answer of 60 MiB and an event of 9 MiB take a few times as much, and 40 MiB no more")
    func answers() throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request().body
                let (type, body) = Self.answer(request)
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor.port)
        let cases: [(name: String, isStreamed: Bool, size: Int, most: Double)] = [
            ("[[whole]]", false, 60 * Self.megabyte, 8),
            ("[[event]]", true, 9 * Self.megabyte, 10),
            ("[[too large]]", true, 10 * Self.megabyte, 10),
        ]
        for (name, isStreamed, size, most) in cases {
            let body =
                #"{"model":"m-messages","stream":\#(isStreamed),"messages":[{"role":"user","#
                + #""content":"\#(name)"}]}"#
            var count = 0
            let peak = try Self.peak(gateway) {
                let client = try RawConnection(port: gateway.port)
                try client.send(
                    RecordTests.request("/v1/chat/completions", body, "Connection: close\r\n"))
                count = try client.takeToEnd().count
            }
            print("translation memory: \(name): \(Double(peak) / Double(size)) times the answer")
            #expect(Double(peak) < most * Double(size), "\(name): \(peak)")
            // An event beyond the bound is a failure of the vendor's, and not passed on.
            #expect((count > 8 * Self.megabyte) == (name != "[[too large]]"), "\(name): \(count)")
        }
    }
}
