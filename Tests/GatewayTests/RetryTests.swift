import ExchangeCore
import Primitives
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("Retries and health")
struct RetryTests {
    /// A vendor that answers its requests one after the other as a list says, the last one for
    /// ever.
    private static func vendor(
        _ answers: [String], seen: @escaping @Sendable () -> Void = {}
    ) throws -> ByteVendor {
        let next = Mutex<Int>(0)
        let index: @Sendable () -> Int = {
            next.withLock { count in
                defer { count += 1 }
                return min(count, answers.count - 1)
            }
        }
        return try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                seen()
                try connection.send(answers[index()])
            }
        }
    }

    private static func answer(_ status: String, _ body: String = "ok", _ fields: String = "")
        -> String
    {
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    private static let ok = answer("200 OK")

    @Test("the same target is tried again, after a wait, before the next")
    func retries() throws {
        let first = try Self.vendor([
            Self.answer("503 Oh", "no", "Retry-After: 0\r\n"),
            Self.answer("500 Oh", "no", "Retry-After-Ms: 300\r\n"), Self.ok,
        ])
        defer { first.stop() }
        let second = try Self.vendor([Self.answer("200 OK", "second")])
        defer { second.stop() }
        let gateway = try FailoverTests.chain("openai", [first.port, second.port], "retries = 2")
        defer { gateway.stop() }
        let began = Instant.now()
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.text == "ok")
        #expect(response["x-weir-vendor"] == "v0")
        #expect(response["x-weir-attempts"] == "3")
        // The vendor's own word was heeded: never earlier.
        #expect(Instant.now() - began >= .milliseconds(300))
    }

    @Test("a vendor that asks for too long a wait, or for no further try, is left")
    func leaves() throws {
        for field in ["Retry-After: 3600\r\n", "X-Should-Retry: false\r\n"] {
            let first = try Self.vendor([Self.answer("503 Oh", "no", field)])
            defer { first.stop() }
            let second = try Self.vendor([Self.answer("200 OK", "second")])
            defer { second.stop() }
            let gateway = try FailoverTests.chain(
                "openai", [first.port, second.port], "retries = 5")
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(Request.chat())
            #expect(response.text == "second")
            #expect(response["x-weir-attempts"] == "2")
        }
    }

    @Test("attempts are bounded in all")
    func budget() throws {
        let count = Atomic<Int>(0)
        let vendor = try Self.vendor([Self.answer("500 Oh", "no", "Retry-After: 0\r\n")]) {
            count.add(1, ordering: .relaxed)
        }
        defer { vendor.stop() }
        let gateway = try FailoverTests.chain(
            "openai", [vendor.port, vendor.port], "retries = 10\nattempts = 4"
        )
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.status == 500 && response.text == "no")
        #expect(response["x-weir-attempts"] == "4")
        #expect(count.load(ordering: .relaxed) == 4)
    }

    @Test("a dead pooled connection takes nothing from the chain's allowance")
    func staleThenNext() throws {
        // Answers once on a connection, and closes it under the second request; fresh ones
        // likewise.
        let first = try ByteVendor { connection, number in
            _ = try connection.request()
            guard number == 1 else { return }
            try connection.send(Self.ok)
            _ = try connection.request()
        }
        defer { first.stop() }
        let second = try Self.vendor([Self.answer("200 OK", "second")])
        defer { second.stop() }
        let gateway = try FailoverTests.chain("openai", [first.port, second.port])
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.chat()).text == "ok")
        let response = try client.exchange(Request.chat())
        #expect(response.text == "second")
        #expect(response["x-weir-attempts"] == "3")
    }

    @Test("a client that goes away during the wait ends it")
    func cancelDuringWait() throws {
        let vendor = try Self.vendor([Self.answer("503 Oh", "no", "Retry-After: 8\r\n")])
        defer { vendor.stop() }
        let gateway = try FailoverTests.chain("openai", [vendor.port, vendor.port], "retries = 3")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat())
        try gateway.await("the wait") {
            gateway.log.lines.contains { $0.contains("it is tried again") }
        }
        client.close()
        try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
        #expect(vendor.connectionCount == 1)
    }

    @Test("a target that failed three times in a row is passed over")
    func cooldown() throws {
        let count = Atomic<Int>(0)
        let first = try Self.vendor([Self.answer("500 Oh", "no")]) {
            count.add(1, ordering: .relaxed)
        }
        defer { first.stop() }
        let second = try Self.vendor([Self.ok])
        defer { second.stop() }
        let gateway = try FailoverTests.chain("openai", [first.port, second.port])
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for number in 1...8 {
            let response = try client.exchange(Request.chat())
            #expect(response.text == "ok")
            #expect(response["x-weir-attempts"] == (number <= 3 ? "2" : "1"))
        }
        #expect(count.load(ordering: .relaxed) == 3)
    }

    @Test("a refused credential of ours cools down at once, a 429 for as long as it says")
    func coolsAtOnce() throws {
        let quota = "{\"error\":{\"code\":\"insufficient_quota\"}}"
        for bad in [
            Self.answer("401 No", "no"), Self.answer("429 No", "no", "Retry-After: 60\r\n"),
            Self.answer("429 No", quota), Self.answer("400 No", quota),
        ] {
            let first = try Self.vendor([bad])
            defer { first.stop() }
            let second = try Self.vendor([Self.ok])
            defer { second.stop() }
            let gateway = try FailoverTests.chain("openai", [first.port, second.port])
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            let attempts = try (0..<3).map { _ in
                try client.exchange(Request.chat())["x-weir-attempts"]
            }
            #expect(attempts == ["2", "1", "1"], "\(bad)")
        }
    }

    @Test("a 400 that is the client's fault passes as it was, though its body was read first")
    func suspicion() throws {
        let body = "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"bad field\"}}"
        let chunked =
            "HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\nX-Own: 1\r\n\r\n"
            + "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        for answer in [Self.answer("400 Bad", body, "X-Own: 1\r\n"), chunked] {
            let first = try Self.vendor([answer])
            defer { first.stop() }
            let second = try Self.vendor([Self.ok])
            defer { second.stop() }
            let gateway = try FailoverTests.chain("openai", [first.port, second.port])
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            for _ in 0..<2 {
                let response = try client.exchange(Request.chat())
                #expect(response.status == 400 && response.isWhole && response.text == body)
                #expect(response["x-own"] == "1")
                #expect(response["x-weir-attempts"] == "1")
            }
            #expect(second.connectionCount == 0)
        }
    }

    @Test("when every target is in cooldown the chain is tried all the same")
    func allCoolingDown() throws {
        let vendor = try Self.vendor(
            Array(repeating: Self.answer("500 Oh", "no"), count: 8) + [Self.ok]
        )
        defer { vendor.stop() }
        let gateway = try FailoverTests.chain(
            "openai", [vendor.port, vendor.port], failover: "cooldown_after = 1"
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<4 {
            let response = try client.exchange(Request.chat())
            // The last vendor's answer, as it was.
            #expect(response.status == 500 && response.text == "no")
        }
        #expect(try client.exchange(Request.chat()).text == "ok")
    }

    @Test("an error of ours says whether to ask again, and when")
    func advice() throws {
        let gateway = try FailoverTests.chain(
            "openai", [try ByteVendor.closedPort()],
            failover: "cooldown_after = 1\ncooldown = \"20s\""
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let failed = try client.exchange(Request.chat())
        #expect(failed.status == 502)
        #expect(failed["x-should-retry"] == "true")
        // In cooldown, but the next request is sent all the same: no reason to wait for its end.
        #expect(failed["retry-after"] == "1")
        let refused = try client.exchange(
            "POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"
        )
        #expect(refused["x-should-retry"] == "false" && refused["retry-after"] == nil)
    }

    @Test("a failing vendor's answer is kept for the end, when the others cannot even be reached")
    func lastAnswer() throws {
        let first = try Self.vendor([
            Self.answer("429 No", "limited", "Retry-After: 7\r\nX-RateLimit-Remaining: 0\r\n")
        ])
        defer { first.stop() }
        let gateway = try FailoverTests.chain("openai", [first.port, try ByteVendor.closedPort()])
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.status == 429 && response.text == "limited" && response.isWhole)
        #expect(response["retry-after"] == "7" && response["x-ratelimit-remaining"] == "0")
        #expect(response["x-weir-vendor"] == "v0" && response["x-weir-attempts"] == "2")
    }

    @Test("a trace shows where the time went; Anthropic gets the version it demands")
    func extras() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try FailoverTests.chain(
            "anthropic", [try ByteVendor.closedPort(), vendor.port]
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let traced = try client.exchange(
            Request.chat(path: "/v1/messages", extra: "X-Weir-Trace: 1\r\n")
        )
        let timing = traced["server-timing"] ?? ""
        #expect(timing.hasPrefix("failed;dur=") && timing.contains(", vendor;dur="))
        let plain = try client.exchange(
            Request.chat(path: "/v1/messages", extra: "anthropic-version: 2026-10-21\r\n")
        )
        #expect(plain["server-timing"] == nil)
        let versions = try vendor.statistics().requests.map { $0["anthropic-version"] }
        #expect(versions == ["2023-06-01", "2026-10-21"])
    }
}
