import Access
import LogStore
import Primitives
import Support
import Synchronization
import Testbed
import Testing

// Budgets: what calls are charged, and what is refused under one.
extension LimitTests {
    @Test("on money are charged what the vendor reports, streamed or not, encoded or not")
    func reported() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.chain([vendor.port], ClientKeyTests.lines("ci", key, "budget = \"$10/day\"")))
        let client = try RawConnection(port: gateway.port)
        // 14 tokens at 100 and 8 at 1,000 dollars a million.
        let cost = 14 * 100_000 + 8 * 1_000_000
        for (index, isStream) in [false, true, true].enumerated() {
            let response = try Self.call(client, key, stream: isStream)
            #expect(response.status == 200)
            #expect(!isStream || !response.text.contains("prompt_tokens"), "it asked for none")
            try gateway.await("the charge") {
                Self.state(gateway, "ci") == (cost * (index + 1), 0, 0)
            }
        }
        // Lists, and what only counts, cost nothing.
        let list = try client.exchange(Request.get("/v1/models", "x-weir-key: \(key)\r\n"))
        #expect(list.status == 200)
        gateway.stop()
        let records = try gateway.record.records()
        #expect(records.map(\.chargedNanodollars) == [cost, cost, cost, 0])
        #expect(records.map(\.chargedTokens) == [22, 22, 22, 0])
        #expect(records.map(\.chargeBasis) == ["reported", "reported", "reported", "free"])
    }

    @Test("on money say in each dialect that it is spent, and when it is there again")
    func spent() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try ClientKeyTests.gateway(
            vendor.port,
            Self.prices + ClientKeyTests.lines("ci", key, "budget = \"$0.08/month\""))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        // One call reserves 64 tokens of an answer, which is more than what is left of the budget.
        #expect(try Self.call(client, key).status == 200)
        try gateway.await("the charge") { Self.state(gateway, "ci").spent > 0 }
        for (path, extra, words) in [
            ("/v1/chat/completions", "", ["\"type\":\"insufficient_quota\"", "resets_at"]),
            (
                "/v1/responses", "originator: codex_cli_rs\r\n",
                ["\"type\":\"usage_limit_reached\"", "\"resets_at\":"]
            ),
            ("/v1/messages", "", ["\"type\":\"billing_error\"", "spend limit reached (monthly"]),
            (
                "/v1beta/models/m:generateContent", "",
                ["RESOURCE_EXHAUSTED", "QuotaFailure", "BudgetPerMonth", "retryDelay"]
            ),
        ] {
            let response = try Self.call(client, key, path: path, extra: extra)
            #expect(response.status == 429, "\(path) \(response.text)")
            for word in words { #expect(response.text.contains(word), "\(response.text)") }
            #expect(response.text.contains(":00 UTC)") && response.text.contains("key ci"))
            #expect(response["x-should-retry"] == "false")
            let policy = try #require(response["ratelimit-policy"])
            #expect(policy.hasPrefix("\"key ci\";q=80000;qu=\"microdollars\""), "\(policy)")
            #expect(response["retry-after"].flatMap { Int($0) } ?? 0 > 0)
        }
        let count = try client.exchange(
            Request.chat(path: "/v1/messages/count_tokens", extra: "x-weir-key: \(key)\r\n"))
        #expect(count.status == 200, "to count costs nothing")
    }

    @Test("on money are charged once for a chain, and nothing where no vendor answered")
    func chains() throws {
        let vendor = try ScriptedVendor()
        let error = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}"
        let failing = try (0..<2).map { _ in
            try FailingVendor(name: "500", answer: error, end: .closes, failureClass: "status")
                .start()
        }
        defer {
            vendor.stop()
            for vendor in failing { vendor.stop() }
        }
        let key = ClientKeyTests.key(1)
        let lines = ClientKeyTests.lines("ci", key, "budget = \"$10/day\"\nrequests = \"9/1h\"")
        let gateway = try TestGateway(
            Self.chain(failing.map(\.port) + [vendor.port], lines))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try Self.call(client, key).status == 200)
        try gateway.await("one charge") {
            Self.state(gateway, "ci") == (14 * 100_000 + 8 * 1_000_000, 0, 0)
        }
        let alone = try TestGateway(Self.chain(failing.map(\.port), lines))
        defer { alone.stop() }
        #expect(try Self.call(RawConnection(port: alone.port), key).status == 500)
        try alone.await("nothing charged") { Self.state(alone, "ci") == (0, 0, 0) }
    }

    @Test("on money are charged for each target of a chain that may have worked in vain")
    func attemptsInVain() throws {
        let vendor = try ScriptedVendor()
        let silent = try (0..<2).map { _ in
            try FailingVendor(name: "silent", answer: "", end: .closes, failureClass: "broken")
                .start()
        }
        defer {
            vendor.stop()
            for vendor in silent { vendor.stop() }
        }
        let key = ClientKeyTests.key(1)
        func spent(_ ports: [Int], budget: String = "$10") throws -> (status: Int, spent: Int) {
            let lines = ClientKeyTests.lines("ci", key, "budget = \"\(budget)/day\"")
            let gateway = try TestGateway(Self.chain(ports, lines))
            defer { gateway.stop() }
            let status = try Self.call(RawConnection(port: gateway.port), key).status
            try gateway.await("its end") {
                let state = Self.state(gateway, "ci")
                return state.inFlight == 0 && state.held == 0 && state.spent > 0
            }
            gateway.stop()
            let records = try gateway.record.records()
            let spent = Self.state(gateway, "ci").spent
            #expect(records.map { $0.chargedNanodollars } == [spent])
            return (status, spent)
        }
        let answer = 14 * 100_000 + 8 * 1_000_000
        let one = try spent([silent[0].port]).spent
        #expect(one > 50 * 100_000)
        #expect(try spent(silent.map(\.port)).spent == 2 * one)
        #expect(try spent(silent.map(\.port) + [vendor.port]) == (200, 2 * one + answer))
        // One that the budget does not cover any more is not asked: a call holds $0.0723 here.
        let asked = try vendor.statistics().requestCount
        let short = try spent(silent.map(\.port) + [vendor.port], budget: "$0.075")
        #expect(short.status >= 500 && short.spent == one)
        #expect(try vendor.statistics().requestCount == asked)
    }

    @Test("on money are charged all that is held, where a vendor goes on without its client")
    func background() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.chain([vendor.port], ClientKeyTests.lines("ci", key, "budget = \"$10/day\"")))
        defer { gateway.stop() }
        let body = #"{"model":"m","input":"[[mock hang=1]]","background":true}"#
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nx-weir-key: \(key)\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        try gateway.await("the vendor's request") {
            (try? vendor.statistics().requestCount) == 1
        }
        let held = Self.state(gateway, "ci").held
        client.close()
        try gateway.await("its charge") { Self.state(gateway, "ci") == (held, 0, 0) }
        #expect(held >= 64 * 1_000_000)
    }

    @Test("on money are charged by what came, where a client leaves or a stream breaks off")
    func brokenOff() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.chain([vendor.port], ClientKeyTests.lines("ci", key, "budget = \"$10/day\"")))
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Request.chat(
                ["chunks": "1000", "delay": "20"], stream: true, extra: "x-weir-key: \(key)\r\n"))
        _ = try client.take(through: "data: ")
        client.close()
        try gateway.await("an estimate") {
            let state = Self.state(gateway, "ci")
            return state.spent > 0 && state.held == 0
        }
        let first = Self.state(gateway, "ci").spent
        let cut = try Self.call(
            RawConnection(port: gateway.port), key, ["chunks": "9", "abort-after": "3"],
            stream: true)
        #expect(!cut.isWhole)
        try gateway.await("another") { Self.state(gateway, "ci").spent > first }
        gateway.stop()
        let records = try gateway.record.records()
        #expect(records.map(\.chargeBasis) == ["estimated", "estimated"])
        #expect(records.map(\.usageState) == [.unknown, .unknown])
        let sum = records.reduce(0) { $0 + ($1.chargedNanodollars ?? 0) }
        #expect(Self.state(gateway, "ci") == (sum, 0, 0))
    }

    @Test("on money are charged the prompt that a vendor reported before its stream broke off")
    func brokenOffAfterTheOpening() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            Self.chain([vendor.port], ClientKeyTests.lines("ci", key, "budget = \"$90/day\""))
                .replacing("\"openai\"", with: "\"anthropic\"")
                .replacing("include_usage = \"inject\"\n", with: "")
                .replacing("max_output = 64", with: "max_output = 64000"))
        let cut = try Self.call(
            RawConnection(port: gateway.port), key, ["chunks": "9", "abort-after": "3"],
            stream: true, path: "/v1/messages")
        #expect(cut.status == 200 && !cut.isWhole)
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Request.chat(
                ["chunks": "1000", "delay": "20"], stream: true, path: "/v1/messages",
                extra: "x-weir-key: \(key)\r\n"))
        _ = try client.take(through: "content_block_delta")
        client.close()
        try gateway.await("both charges") { Self.state(gateway, "ci").inFlight == 0 }
        gateway.stop()
        let records = try gateway.record.records()
        #expect(records.count == 2)
        for record in records {
            #expect(record.chargeBasis == "estimated" && record.usageState == .unknown)
            // The prompt to the token, as the opening has it; of the answer each byte.
            let bytes = record.responseBytes
            #expect(bytes > 0)
            #expect(record.chargedNanodollars == 14 * 100_000 + bytes * 1_000_000)
        }
    }

    @Test("on money are charged the prompt of a call whose vendor was asked and said nothing")
    func unanswered() throws {
        let hanging = try ScriptedVendor()
        let silent = try FailingVendor(
            name: "silent", answer: "", end: .closes, failureClass: "broken"
        ).start()
        defer {
            hanging.stop()
            silent.stop()
        }
        let key = ClientKeyTests.key(1)
        func spent(_ port: Int, _ call: (TestGateway) throws -> Void) throws -> Int {
            let gateway = try TestGateway(
                Self.chain([port], ClientKeyTests.lines("ci", key, "budget = \"$10/day\"")))
            defer { gateway.stop() }
            try call(gateway)
            try gateway.await("its end") {
                let state = Self.state(gateway, "ci")
                return state.inFlight == 0 && state.held == 0
                    && (gateway.ledger.view().first?.admitted ?? 0) > 0
            }
            gateway.stop()
            let records = try gateway.record.records()
            #expect(records.count == 1)
            #expect(records.first?.chargedNanodollars == Self.state(gateway, "ci").spent)
            return Self.state(gateway, "ci").spent
        }
        let left = try spent(hanging.port) { gateway in
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(["hang": "1"], extra: "x-weir-key: \(key)\r\n"))
            try gateway.await("the vendor's request") {
                (try? hanging.statistics().requestCount) == 1
            }
            client.close()
        }
        // A token a byte of the prompt, at the vendor's price.
        #expect(left > 50 * 100_000 && left < 200 * 100_000, "\(left)")
        let reset = try spent(silent.port) { gateway in
            let status = try Self.call(RawConnection(port: gateway.port), key).status
            #expect(status >= 500)
        }
        #expect(reset == left)
        let refused = try spent(ByteVendor.closedPort()) { gateway in
            let status = try Self.call(RawConnection(port: gateway.port), key).status
            #expect(status >= 500)
        }
        #expect(refused == 0, "nothing was sent")
    }

    @Test("refuse what has no price, or no bound, under a budget")
    func unpriced() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...2).map(ClientKeyTests.key)
        let gateway = try ClientKeyTests.gateway(
            vendor.port,
            "[prices.models.other]\ninput = 1\noutput = 1\n"
                + ClientKeyTests.lines("strict", keys[0], "budget = \"$10/day\"")
                + ClientKeyTests.lines(
                    "free", keys[1], "budget = \"$10/day\"\nunpriced = \"allow\""))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let refused = try Self.call(client, keys[0])
        #expect(refused.status == 403 && refused.text.contains("model_unpriced"))
        #expect(try Self.call(client, keys[1]).status == 200)
        #expect(try vendor.statistics().requestCount == 1)
    }

    @Test("refuse under a budget what is not read, or refers to what is not there, and say which")
    func unbounded() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try ClientKeyTests.gateway(
            vendor.port,
            "[prices.models.\"gpt-4o\"]\ninput = 1\noutput = 1\n"
                + ClientKeyTests.lines("ci", key, "budget = \"$10/day\""),
            server: "replay_limit = \"1KiB\"")
        defer { gateway.stop() }
        for (more, status, code, words) in [
            (
                #""pad":"\#(String(repeating: "x", count: 2000))""#, 413, "body_unreadable",
                "larger than replay_limit"
            ),
            (
                #""previous_response_id":"r""#, 403, "prompt_unbounded",
                "refers to what it does not contain"
            ),
        ] {
            let body = #"{"model":"gpt-4o","max_tokens":1,\#(more)}"#
            let refused = try RawConnection(port: gateway.port).exchange(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nx-weir-key: \(key)\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            #expect(refused.status == status && refused.text.contains(code))
            #expect(refused.text.contains(words), "\(refused.text)")
        }
        #expect(try vendor.statistics().requestCount == 0)
    }

    @Test(
        "refuse under a budget, and under a limit on tokens, what is done where it is not counted",
        arguments: [
            "/v1/batches", "/v1/messages/batches", "/v1/realtime/client_secrets",
            "/v1beta/models/gpt-4o:batchGenerateContent",
        ])
    func outOfSight(_ path: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = (1...3).map(ClientKeyTests.key)
        let gateway = try ClientKeyTests.gateway(
            vendor.port,
            "[prices.models.\"gpt-4o\"]\ninput = 1\noutput = 1\n"
                + ClientKeyTests.lines("money", keys[0], "budget = \"$10/day\"")
                + ClientKeyTests.lines("tokens", keys[1], "tokens = \"1M/1h\"")
                + ClientKeyTests.lines("requests", keys[2], "requests = \"10/1h\""))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for key in keys[..<2] {
            let refused = try Self.call(client, key, path: path)
            #expect(refused.status == 403 && refused.text.contains("work_uncounted"))
        }
        #expect(try vendor.statistics().requestCount == 0)
        let free = try Self.call(client, keys[2], path: path)
        #expect(!free.text.contains("work_uncounted"), "no limit of that key counts it")
    }

    @Test("on money hold no more than hold_max for a call, and charge what it costs")
    func holdMax() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        // One call may cost more than seven cents, and holds two.
        let gateway = try TestGateway(
            Self.chain(
                [vendor.port],
                "[access]\nhold_max = \"$0.02\"\n"
                    + ClientKeyTests.lines("ci", key, "budget = \"$0.08/month\"")))
        defer { gateway.stop() }
        let held = try (1...4).map { count in
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(["hang": "1"], extra: "x-weir-key: \(key)\r\n"))
            try gateway.await("\(count) held") {
                Self.state(gateway, "ci") == (0, count * 20_000_000, count)
            }
            return client
        }
        #expect(try Self.call(RawConnection(port: gateway.port), key).status == 429)
        for client in held { client.close() }
        try gateway.await("nothing held") { Self.state(gateway, "ci").held == 0 }
        // Of a call that was broken off no more is charged than was held.
        let estimated = Self.state(gateway, "ci").spent
        #expect(estimated > 0 && estimated <= 80_000_000)
        #expect(try Self.call(RawConnection(port: gateway.port), key).status == 200)
        try gateway.await("the charge") {
            Self.state(gateway, "ci") == (estimated + 14 * 100_000 + 8 * 1_000_000, 0, 0)
        }
    }
}
