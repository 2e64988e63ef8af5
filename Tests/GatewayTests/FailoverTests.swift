import ExchangeCore
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("Failover")
struct FailoverTests {
    struct Call: Sendable, CustomStringConvertible {
        let dialect: String
        let stream: Bool
        let vendor: FailingVendor

        var description: String { "\(dialect)\(stream ? ", streaming" : ""): \(vendor)" }

        var path: String {
            switch dialect {
            case "openai": "/v1/chat/completions"
            case "anthropic": "/v1/messages"
            default:
                "/v1beta/models/m:" + (stream ? "streamGenerateContent?alt=sse" : "generateContent")
            }
        }

        func request(_ extra: String = "") -> String {
            Request.chat(["Chunks": "5"], stream: stream, path: path, extra: extra)
        }
    }

    static let calls: [Call] = ["openai", "anthropic", "gemini"].flatMap { dialect in
        [false, true].flatMap { stream in
            (FailingVendor.plain + (stream ? FailingVendor.streams(dialect) : [])).map {
                Call(dialect: dialect, stream: stream, vendor: $0)
            }
        }
    }

    /// A chain over vendors at these ports, each with a key of its own.
    static func chain(
        _ dialect: String, _ ports: [Int], _ options: String = "",
        clocks: String = "first_content = \"400ms\"", each: String? = nil, failover: String = "",
        models: [String] = []
    ) throws -> TestGateway {
        // A vendor's own clocks count at the last target, too; the chain's would let it be silent.
        let vendorClocks = each ?? (clocks.contains("idle") ? clocks : clocks + "\nidle = \"1s\"")
        let names = ports.indices.map { "v\($0)" }
        let base = dialect == "openai" ? "/v1" : ""
        let vendors = zip(names, ports).map { name, port in
            """
            [vendors.\(name)]
            dialect = "\(dialect)"
            base_url = "http://127.0.0.1:\(port)\(base)"
            credential = "canary-of-\(name)"
            \(vendorClocks)
            """
        }
        let targets = names.enumerated().map { index, name in
            let model = index < models.count ? ", model = \"\(models[index])\"" : ""
            return "{ vendor = \"\(name)\"\(model) }"
        }
        return try TestGateway(
            vendors.joined(separator: "\n") + """

                [[chains]]
                name = "chain"
                targets = [\(targets.joined(separator: ", "))]
                \(options)
                [chains.clocks]
                connect = "400ms"
                \(clocks)
                [chains.failover]
                \(failover)
                """
        )
    }

    @Test(
        "the next target answers, byte for byte, and the client notices nothing",
        arguments: QuickRun.sample(calls, every: 5))
    func next(_ call: Call) throws {
        let failing = try call.vendor.start()
        defer { failing.stop() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let gateway = try Self.chain(call.dialect, [failing.port, good.port])
        defer { gateway.stop() }
        let direct = try RawConnection(port: good.port).exchange(call.request())
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(
            call.request("Authorization: Bearer canary-of-client\r\n"))
        #expect(response.status == 200 && response.isWhole)
        #expect(response.body == direct.body)
        #expect(response["x-weir-vendor"] == "v1")
        #expect(response["x-weir-attempts"] == "2")
        #expect(response["x-own"] == nil)
        let seen = try good.statistics().requests
        #expect(seen.count == 2)
        #expect(seen[1].bodyDigest == seen[0].bodyDigest)
        let sent = seen[1].fields.map { "\($0)" }.joined() + seen[1].target
        #expect(!sent.contains("canary-of-client") && !sent.contains("canary-of-v0"))
        #expect(sent.contains("canary-of-v1"))
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
        // The first three vendors are those that are always there.
        let metrics = try #require(gateway.metrics.vendors.first { $0.vendor == "v0" })
        #expect(metrics.movedOn.current == 1)
        #expect(metrics.attemptFailures.reduce(0) { $0 + $1.current } == 1)
        let line = gateway.log.lines.first { $0.contains("the next is tried") } ?? ""
        #expect(
            line.contains("\"\(call.vendor.failureClass)\"")
                || line.contains(": \(call.vendor.failureClass)"), "\(line)")
        // One line for a failover, not two.
        #expect(!gateway.log.lines.contains { $0.contains("gave no response") })
        #expect(!gateway.log.lines.joined().contains("canary"))
    }

    @Test(
        "the last target's answer passes as it was, or an error of ours in the dialect",
        arguments: QuickRun.sample(calls, every: 5))
    func exhausted(_ call: Call) throws {
        let vendors = try (0..<2).map { _ in try call.vendor.start() }
        defer { vendors.forEach { $0.stop() } }
        // An answer that stops after its error event is waited for by the idle clock alone.
        let gateway = try Self.chain(
            call.dialect, vendors.map(\.port),
            clocks: "first_content = \"400ms\"\nidle = \"400ms\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(call.request())
        let vendor = call.vendor
        #expect(response["x-weir-attempts"] == "2")
        if vendor.hasHead {
            #expect(response["x-weir-vendor"] == "v1")
            #expect(vendor.answer.hasPrefix("HTTP/1.1 \(response.status) \(response.reason)\r\n"))
            // What the last target sends passes byte for byte, and breaks where it breaks.
            #expect(response.isWhole == vendor.isWhole)
            #expect(response.body.starts(with: vendor.body))
            let rest = String(
                decoding: response.body.dropFirst(vendor.body.count), as: UTF8.self)
            let isReadAsEvents = vendor.isEventStream && !vendor.body.isEmpty
            if isReadAsEvents, !vendor.isWhole {
                let opening =
                    call.dialect == "anthropic"
                    ? "event: error\ndata: {\"type\":\"error\"," : "data: {\"error\":{"
                #expect(rest.hasPrefix(opening) && rest.contains("weir: vendor v1 broke the"))
            } else {
                #expect(rest.isEmpty)
            }
        } else {
            #expect(response.isWhole && response["x-weir-vendor"] == nil)
            #expect(response.status == (vendor.end == .hangs ? 504 : 502))
            let opening = call.dialect == "anthropic" ? "{\"type\":\"error\"," : "{\"error\":{"
            #expect(response.text.hasPrefix(opening) && response.text.contains("weir: vendor v1 "))
        }
        #expect(!response.text.contains("canary"))
    }

    @Test(
        "a client's own mistake is never tried again",
        arguments: ["400 Bad Request", "404 Not Found", "413 Too Large", "422 Unprocessable"]
    )
    func clientsFault(_ status: String) throws {
        let failing = try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send("HTTP/1.1 \(status)\r\nContent-Length: 4\r\n\r\nnope")
            }
        }
        defer { failing.stop() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let gateway = try Self.chain("openai", [failing.port, good.port])
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.status == Int(status.prefix(3)) && response.text == "nope")
        #expect(response["x-weir-attempts"] == "1")
        #expect(try good.statistics().requestCount == 0)
    }

    @Test("refused connections, names that do not resolve, and no TLS fail over too")
    func unreachable() throws {
        let good = try ScriptedVendor()
        defer { good.stop() }
        let closed = try ByteVendor.closedPort()
        for bad in [
            "http://127.0.0.1:\(closed)", "http://name.invalid", "https://127.0.0.1:\(good.port)",
        ] {
            let gateway = try TestGateway(
                """
                [vendors.bad]
                dialect = "openai"
                base_url = "\(bad)/v1"
                credential = "none"
                [vendors.good]
                dialect = "openai"
                base_url = "http://127.0.0.1:\(good.port)/v1"
                [[chains]]
                name = "c"
                targets = [{ vendor = "bad" }, { vendor = "good" }]
                """
            )
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(Request.chat())
            #expect(response.status == 200)
            #expect(response["x-weir-vendor"] == "good")
        }
    }

    @Test("after content nothing is tried again: the stream breaks, with an error its SDK reads")
    func afterContent() throws {
        for dialect in ["openai", "anthropic", "gemini"] {
            let failing = try ScriptedVendor()
            defer { failing.stop() }
            let good = try ScriptedVendor()
            defer { good.stop() }
            let gateway = try Self.chain(dialect, [failing.port, good.port])
            defer { gateway.stop() }
            let call = Call(dialect: dialect, stream: true, vendor: FailingVendor.plain[0])
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(["Chunks": "8", "Fault": "reset"], stream: true, path: call.path)
            )
            #expect(response.status == 200 && !response.isWhole)
            #expect(response["x-weir-attempts"] == "1")
            #expect(try good.statistics().requestCount == 0)
            let last = response.text.suffix(500)
            #expect(last.contains("vendor_broke_off") && !last.contains("[DONE]"))
            if dialect == "anthropic" {
                #expect(last.contains("event: error\ndata: {\"type\":\"error\""))
            }
        }
    }

    @Test("a healthy stream is held until its first content, and no longer")
    func hold() throws {
        let first = try ScriptedVendor()
        defer { first.stop() }
        let gateway = try Self.chain(
            "openai", [first.port, first.port], "hold_time = \"1h\"", clocks: "")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Request.chat(["Chunks": "3", "Ttft": "300", "Delay": "3600000"], stream: true))
        let text = try client.take(through: "\"content\":\"The \"")
        // The opening and the first content came together, in their order.
        #expect(text.contains("\"role\":\"assistant\""))
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test("what cannot be held longer goes out: by time, by size, and what is not understood")
    func release() throws {
        let opening = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"
        let pieces: [(String, String, String)] = [
            ("hold_time = \"200ms\"", opening, "assistant"),
            ("hold_bytes = \"1KiB\"", String(repeating: ": filling\n", count: 200), "filling"),
            ("hold_time = \"1h\"", "data: {broken\n\n", "broken"),
            ("hold_time = \"1h\"", "data: <html>\n\n", "html"),
        ]
        for (option, piece, mark) in pieces {
            let slow = try ByteVendor { connection, _ in
                _ = try connection.request()
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n"
                        + "\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n"
                )
                _ = try connection.takeToEnd()
            }
            defer { slow.stop() }
            let gateway = try Self.chain("openai", [slow.port, slow.port], option, clocks: "")
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(stream: true))
            _ = try client.take(through: mark)
        }
    }

    @Test("an encoded stream is passed on at once: it cannot be read")
    func encoded() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n3\r\n\u{1}\u{2}\u{3}\r\n"
            )
            _ = try connection.takeToEnd()
        }
        defer { vendor.stop() }
        let gateway = try Self.chain("openai", [vendor.port, vendor.port], clocks: "")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: true))
        _ = try client.take(through: "\u{1}\u{2}\u{3}")
    }

    @Test("a target's model is spliced into the body, and every other byte stays")
    func model() throws {
        let bodies = Mutex<[String]>([])
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                bodies.withLock { $0.append(String(decoding: request.body, as: UTF8.self)) }
                let isFirst = bodies.withLock { $0.count } % 2 == 1
                try connection.send(
                    "HTTP/1.1 \(isFirst ? "500 Oh" : "200 OK")\r\nContent-Length: 2\r\n\r\nok"
                )
            }
        }
        defer { vendor.stop() }
        let gateway = try Self.chain(
            "openai", [vendor.port, vendor.port],
            models: ["first-\"model", "second"].map {
                $0.replacing("\"", with: "")
            }
        )
        defer { gateway.stop() }
        let body = "{ \"n\": 1.50, \"model\" : \"gpt-4o\",\"x\":{\"model\":1}, \"s\":\"\\u00e9\" }"
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        #expect(response.status == 200)
        #expect(
            bodies.withLock { $0 } == [
                body.replacing("\"gpt-4o\"", with: "\"first-model\""),
                body.replacing("\"gpt-4o\"", with: "\"second\""),
            ]
        )
    }

    @Test("Gemini's model stands in the path, and is replaced there")
    func geminiModel() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.chain("gemini", [vendor.port], models: ["gemini-other"])
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let response = try client.exchange(
            Request.chat(path: "/v1beta/models/gemini-2.5-flash:generateContent?a=b")
        )
        #expect(response.status == 200)
        #expect(
            try vendor.statistics().requests[0].target
                == "/v1beta/models/gemini-other:generateContent?a=b"
        )
    }

    @Test("the caller's key goes to the vendor it is meant for, and to no other")
    func clientCredential() throws {
        let failing = try FailingVendor.plain[0].start()
        defer { failing.stop() }
        let other = try ScriptedVendor()
        defer { other.stop() }
        let gateway = try TestGateway(
            """
            [vendors.one]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(failing.port)/v1"
            [vendors.two]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(other.port)/v1"
            [[chains]]
            name = "c"
            targets = [{ vendor = "one" }, { vendor = "two" }]
            """
        )
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(extra: "Authorization: Bearer canary-of-client\r\n")
        )
        #expect(response.status == 502)
        #expect(try other.statistics().requestCount == 0)
    }
}
