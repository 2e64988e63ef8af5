import Access
import Primitives
import Support
import Testbed
import Testing

/// What is charged for an answer with status 200 that is an error.
@Suite("Errors with status 200")
struct ErrorChargeTests {
    /// An answer, and whether something was made before the error.
    private static let answers: [(dialect: String, type: String, body: String, hasContent: Bool)] =
        [
            ("openai", "text/event-stream", "data: {\"error\":{\"message\":\"no\"}}\n\n", false),
            ("openai", "application/json", "{\"error\":{\"message\":\"no\",\"code\":5}}", false),
            (
                "openai", "text/event-stream",
                "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
                    + "data: {\"error\":{\"message\":\"no\"}}\n\n", true
            ),
            (
                "anthropic", "text/event-stream",
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                    + "\"message\":\"no\"}}\n\n", false
            ),
        ]

    @Test("cost nothing where nothing came before them", arguments: 0..<4)
    func charges(_ index: Int) throws {
        let (dialect, type, body, hasContent) = Self.answers[index]
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)"
                    + "\r\n\r\n\(body)")
            _ = try connection.takeToEnd()
        }
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let path = dialect == "anthropic" ? "/v1/messages" : "/v1/chat/completions"
        let gateway = try TestGateway(
            """
            [vendors.\(dialect)]
            base_url = "http://127.0.0.1:\(vendor.port)\(dialect == "anthropic" ? "" : "/v1")"
            credential = "none"
            [prices.models."*"]
            input = 1000
            output = 1000
            max_output = 2000
            \(ClientKeyTests.lines("ci", key, "budget = \"$90/month\""))
            """)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let isStream = type != "application/json"
        let response = try client.exchange(
            Request.chat(stream: isStream, path: path, extra: "x-weir-key: \(key)\r\n"))
        #expect(response.status == 200)
        func view() -> Ledger.View? { gateway.ledger.view().first { $0.scope.label == "ci" } }
        try gateway.await("the charge") { view()?.inFlight == 0 }
        #expect((view()?.spent ?? 0 > 0) == hasContent)
    }
}
