import ExchangeCore
import Support
import Telemetry
import Testbed
import Testing

@Suite("Broken vendors")
struct BreakageTests {
    /// What a client sees of a vendor's fault.
    enum Sight: Sendable {
        /// An answer of ours, with the code of its failure.
        case answer(Int, String)
        /// A response that visibly breaks off.
        case broken
        /// A whole response.
        case whole
    }

    static let faults: [(fault: String, stream: Bool, sight: Sight)] = [
        ("no_head", false, .answer(502, "vendor_broke_off")),
        ("no_head", true, .answer(502, "vendor_broke_off")),
        ("half_head", false, .answer(502, "vendor_broke_off")),
        ("half_head", true, .answer(502, "vendor_broke_off")),
        ("garbage", false, .answer(502, "vendor_broke_off")),
        ("huge_head", false, .answer(502, "vendor_")),
        ("double_length", false, .answer(502, "vendor_")),
        ("bad_chunk", true, .broken), ("reset", true, .broken), ("reset", false, .broken),
        ("early_close", true, .broken), ("early_close", false, .broken),
        ("short_length", false, .broken), ("close_after", true, .whole),
        ("close_after", false, .whole), ("junk_after", true, .whole), ("junk_after", false, .whole),
        ("informational", true, .whole),
    ]

    private static func paths(_ stream: Bool) -> [String] {
        let verb = stream ? "streamGenerateContent?alt=sse" : "generateContent"
        return ["/v1/chat/completions", "/v1/messages", "/v1beta/models/m:\(verb)"]
    }

    @Test(
        "each fault has its end at the client, and costs the next call nothing", arguments: faults)
    func ends(_ fault: String, _ stream: Bool, _ sight: Sight) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for path in Self.paths(stream) {
            let client = try RawConnection(port: gateway.port)
            let response = try client.exchange(
                Request.chat(["Fault": fault, "Chunks": "16"], stream: stream, path: path)
            )
            switch sight {
            case .answer(let status, let code):
                let text = response.text.prefix(500)
                #expect(response.status == status && response.isWhole, "\(fault) \(text)")
                #expect(text.contains("\"\(code)"))
                // A head with two lengths is no accident of one connection.
                let advice =
                    fault == "double_length" ? "retrying will not help" : "retrying may help"
                #expect(text.contains("fault: vendor; \(advice)"))
                // A pooled connection that closes without a byte is tried once more.
                let attempts = response["x-weir-attempts"]
                #expect(attempts == "1" || fault == "no_head" && attempts == "2")
            case .broken:
                let claimsDone = response.text.contains("[DONE]")
                #expect(response.status == 200 && !response.isWhole && !claimsDone, "\(fault)")
                #expect(client.end != nil)
            case .whole:
                let holdsJunk = response.text.contains("evil")
                #expect(response.status == 200 && response.isWhole && !holdsJunk, "\(fault)")
            }
            // The next call on the gateway meets nothing of it.
            let next = try RawConnection(port: gateway.port).exchange(
                Request.chat(stream: true, path: path)
            )
            #expect(next.status == 200 && next.isWhole)
        }
        let expected: Outcome =
            switch sight {
            case .answer: .upstreamError
            case .broken: .truncated
            case .whole: .complete
            }
        if expected == .truncated {
            #expect(gateway.log.lines.filter { $0.contains("a response broke off") }.count == 3)
        }
        try gateway.await("settlements") {
            gateway.outcomes(expected) == (expected == .complete ? 6 : 3)
        }
    }

    @Test("a break is a reset where the end of the connection would look like the end of the body")
    func oldClient() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Request.chat(["Fault": "reset", "Chunks": "16"], stream: true)
                .replacing("HTTP/1.1", with: "HTTP/1.0")
        )
        _ = try? client.takeToEnd()
        #expect(client.end == .reset)
    }

    @Test("a vendor that cannot be reached differs from one that does not answer")
    func unreachable() throws {
        let refused = try TestGateway(vendor: try ByteVendor.closedPort())
        defer { refused.stop() }
        let response = try RawConnection(port: refused.port).exchange(Request.chat())
        #expect(response.status == 502)
        #expect(response.text.contains("\"vendor_unreachable\""))
        #expect(response.text.contains("CURLE_COULDNT_CONNECT"))
        #expect(response.text.contains("fault: network"))
        // The same client may go on with the same connection.
        let unresolved = try TestGateway(
            "[vendors.openai]\nbase_url = \"http://name.invalid/v1\""
        )
        defer { unresolved.stop() }
        let client = try RawConnection(port: unresolved.port)
        for _ in 0..<2 {
            let response = try client.exchange(Request.chat())
            #expect(response.status == 502)
            #expect(response.text.contains("\"vendor_unresolved\""))
        }
    }

    @Test("a TLS vendor that speaks no TLS is named as such")
    func noTLS() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.receiveMore()
            try connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, scheme: "https")
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.status == 502)
        #expect(response.text.contains("\"vendor_tls\""))
        #expect(response.text.contains("CURLE_SSL_CONNECT_ERROR"))
    }

    @Test("every byte offset of a response may be the last one, and none looks whole but the last")
    func everyCut() throws {
        let answer =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n"
            + "6\r\ndata: \r\n8\r\n[DONE]\n\n\r\n0\r\n\r\n"
        let bytes = Array(answer.utf8)
        let head =
            (answer.firstRange(of: "\r\n\r\n").map { answer[..<$0.upperBound].utf8.count }) ?? 0
        let vendor = try ByteVendor { connection, _ in
            let request = try connection.request()
            let mark = request.head.firstRange(of: "X-Last: ")
            let last =
                mark.flatMap { Int(request.head[$0.upperBound...].prefix { $0.isNumber }) } ?? 0
            try connection.send(Array(bytes.prefix(last)))
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for last in 0...bytes.count {
            let client = try RawConnection(port: gateway.port)
            let response = try client.exchange(Request.get("/v1/models", "X-Last: \(last)\r\n"))
            if last < head {
                #expect(response.status == 502 && response.isWhole, "\(last)")
            } else if last < bytes.count {
                #expect(response.status == 200 && !response.isWhole, "\(last)")
            } else {
                #expect(response.isWhole && response.text == "data: [DONE]\n\n")
            }
        }
    }
}
