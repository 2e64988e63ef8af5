import Dialects
import ExchangeCore
import JSON
import LogStore
import Support
import Testbed
import Testing

@Suite("Translated")
struct TranslatedTests {
    struct Pair: Sendable, CustomStringConvertible {
        let client: DialectClient
        let vendor: DialectClient
        let stream: Bool

        var description: String { "\(client)>\(vendor)\(stream ? ", streaming" : "")" }
    }

    static let pairs: [Pair] = DialectClient.all.flatMap { client in
        DialectClient.all.filter { $0.form != client.form }.flatMap { vendor in
            [false, true].map { Pair(client: client, vendor: vendor, stream: $0) }
        }
    }

    /// A gateway with a chain over one vendor of another dialect.
    static func gateway(
        _ vendor: DialectClient, _ port: Int, each: String = "credential = \"none\"",
        chain: String = ""
    ) throws -> TestGateway {
        try TestGateway(
            vendor.vendor("v", port: port, rest: each)
                + "[[chains]]\nname = \"c\"\ntargets = [{ vendor = \"v\" }]\n\(chain)\n")
    }

    @Test("an answer in another dialect is whole in the client's", arguments: pairs)
    func answers(_ pair: Pair) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(pair.vendor, vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            pair.client.request("[[mock chunks=5]]", stream: pair.stream))
        #expect(response.status == 200 && response.isWhole, "\(response.text)")
        #expect(pair.client.text(response) == "The stream passes and is ", "\(response.text)")
        #expect(pair.client.hasEnd(response), "\(response.text)")
        #expect(response["x-weir-vendor"] == "v")
        let translated = response["x-weir-translated"] ?? ""
        #expect(translated.hasPrefix("\(pair.client.form)>\(pair.vendor.form)"))
        let type = pair.stream ? "text/event-stream" : "application/json"
        #expect(response["content-type"]?.hasPrefix(type) ?? false)
        // What the vendor says of its own bytes and of its account is another dialect's.
        #expect(response["anthropic-ratelimit-requests-limit"] == nil)
        let seen = try vendor.statistics().requests[0]
        #expect(seen.target.hasSuffix(pair.vendor.path(stream: pair.stream)))
        #expect(seen["accept-encoding"] == "identity")
        #expect((seen["anthropic-version"] != nil) == (pair.vendor.form == "messages"))
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
    }

    @Test("the record keeps the vendor's bytes, and reads them in its dialect", arguments: pairs)
    func record(_ pair: Pair) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(pair.vendor, vendor.port)
        let response = try RawConnection(port: gateway.port).exchange(
            pair.client.request("[[mock chunks=5]]", stream: pair.stream))
        #expect(response.status == 200)
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.outcome == "complete" && record.status == 200)
        #expect(record.usageState == .reported)
        #expect(record.usage.output == 5)
        #expect(record.answeringModel == "m-1" || pair.vendor.form == "gemini")
        #expect(!record.finishReason.isEmpty)
        let attempt = try #require(record.attempts.first)
        #expect(attempt.translation.hasPrefix("\(pair.client.form)>\(pair.vendor.form)"))
        let body = String(decoding: record.responseBody.bytes, as: UTF8.self)
        #expect(body != response.text)
        #expect(pair.vendor.text(body) == "The stream passes and is ")
        // The request is the client's.
        #expect(
            String(decoding: record.requestBody.bytes, as: UTF8.self)
                == pair.client.body("[[mock chunks=5]]", stream: pair.stream))
    }

    @Test(
        "a stream that breaks off ends in an error, and without an end",
        arguments: pairs.filter(\.stream), ["reset", "early_close"])
    func broken(_ pair: Pair, _ fault: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(pair.vendor, vendor.port)
        let response = try RawConnection(port: gateway.port).exchange(
            pair.client.request("[[mock chunks=40 fault=\(fault)]]", stream: true))
        #expect(response.status == 200 && !response.isWhole)
        #expect(pair.client.text(response).hasPrefix("The stream passes"))
        #expect(!pair.client.hasEnd(response))
        #expect(pair.client.endsInError(response), "\(response.text.suffix(300))")
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.outcome == "truncated")
    }

    @Test("a stream without its end is none, though its transfer is whole")
    func unmarked() throws {
        let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n"
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
                    + "\(event.utf8.count)\r\n\r\n\(event)")
        }
        defer { vendor.stop() }
        let client = DialectClient("messages")
        let gateway = try Self.gateway(DialectClient("chat"), vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            client.request("hi", stream: true))
        #expect(client.text(response) == "hi" && !response.isWhole)
        #expect(client.endsInError(response) && !client.hasEnd(response))
        try gateway.await("the settlement") { gateway.outcomes(.truncated) == 1 }
    }

    @Test("a vendor's refusal is one in the client's dialect", arguments: pairs)
    func errors(_ pair: Pair) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        for (status, shown) in [(429, 429), (400, 400), (401, 502), (503, 503)] {
            let gateway = try Self.gateway(pair.vendor, vendor.port)
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(
                pair.client.request(
                    "[[mock status=\(status) retry_after=7]]", stream: pair.stream))
            // Anthropic's clients have a status of their own for a vendor that is overloaded.
            let statuses = status == 503 ? [503, 529] : [shown]
            #expect(statuses.contains(response.status), "\(response.text)")
            #expect(response.isWhole && pair.client.endsInError(response), "\(response.text)")
            #expect(response["retry-after"] == "7")
            #expect(response["content-type"] == "application/json")
        }
    }

    @Test("a chain goes on in another dialect, and back", arguments: pairs)
    func failover(_ pair: Pair) throws {
        let failing = try ScriptedVendor()
        let good = try ScriptedVendor()
        defer {
            failing.stop()
            good.stop()
        }
        // The client's own dialect fails; then another one does, and the client's own is asked.
        for order in [[pair.client, pair.vendor], [pair.vendor, pair.client]] {
            let gateway = try TestGateway(
                order[0].vendor("bad", port: try ByteVendor.closedPort())
                    + order[1].vendor("good", port: good.port)
                    + "[[chains]]\nname = \"c\"\n"
                    + "targets = [{ vendor = \"bad\" }, { vendor = \"good\" }]\n")
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(
                pair.client.request("[[mock chunks=5]]", stream: pair.stream))
            #expect(response.status == 200 && response.isWhole)
            #expect(response["x-weir-vendor"] == "good" && response["x-weir-attempts"] == "2")
            #expect(pair.client.text(response) == "The stream passes and is ")
            let isTranslated = order[1].form == pair.vendor.form
            #expect((response["x-weir-translated"] != nil) == isTranslated)
        }
    }

    @Test("a stream that fails before its first content leaves the next target", arguments: pairs)
    func earlyFailure(_ pair: Pair) throws {
        guard pair.stream else { return }
        let errors = [
            "chat": "data: {\"error\":{\"message\":\"no\",\"code\":\"server_error\"}}\n\n",
            "responses":
                "data: {\"type\":\"error\",\"error\":{\"code\":\"server_error\","
                + "\"message\":\"no\"}}\n\n",
            "messages":
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                + "\"message\":\"no\"}}\n\n",
            "gemini":
                "data: {\"error\":{\"code\":503,\"message\":\"no\","
                + "\"status\":\"UNAVAILABLE\"}}\r\n\r\n",
        ]
        let event = try #require(errors[pair.vendor.form])
        let failing = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
                    + "\(event.utf8.count)\r\n\r\n\(event)")
        }
        let good = try ScriptedVendor()
        defer {
            failing.stop()
            good.stop()
        }
        let ask = pair.client.request("[[mock chunks=5]]", stream: true)
        let gateway = try TestGateway(
            pair.vendor.vendor("bad", port: failing.port)
                + pair.vendor.vendor("good", port: good.port)
                + "[[chains]]\nname = \"c\"\n"
                + "targets = [{ vendor = \"bad\" }, { vendor = \"good\" }]\n")
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(ask)
        #expect(response.status == 200 && response["x-weir-vendor"] == "good")
        #expect(pair.client.text(response) == "The stream passes and is ")
        // Alone it keeps its status: nothing has gone out.
        let single = try Self.gateway(pair.vendor, failing.port)
        defer { single.stop() }
        let refused = try RawConnection(port: single.port).exchange(ask)
        #expect(refused.status >= 500 && refused.isWhole, "\(refused.status)")
        #expect(pair.client.endsInError(refused), "\(refused.text)")
        #expect(refused["content-type"] == "application/json")
    }

    @Test("what a dialect cannot say goes to the next target, or is refused by name")
    func refused() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let client = DialectClient("responses")
        let ask = client.request(
            "hi", stream: false, extra: "\"previous_response_id\":\"resp_1\",")
        let gateway = try Self.gateway(DialectClient("messages"), vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(ask)
        #expect(response.status == 400)
        #expect(response.text.contains("previous_response_id"), "\(response.text)")
        #expect(client.endsInError(response))
        #expect(try vendor.statistics().requestCount == 0)
        let chain = try TestGateway(
            DialectClient("messages").vendor("other", port: vendor.port)
                + client.vendor("own", port: vendor.port)
                + "[[chains]]\nname = \"c\"\n"
                + "targets = [{ vendor = \"other\" }, { vendor = \"own\" }]\n")
        defer { chain.stop() }
        let passed = try RawConnection(port: chain.port).exchange(ask)
        #expect(passed.status == 200 && passed["x-weir-vendor"] == "own")
        #expect(passed["x-weir-attempts"] == "1" && passed["x-weir-translated"] == nil)
    }

    @Test("a loss is declared, or passes a target over where that is wanted")
    func losses() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let ask = DialectClient("chat").request(
            "[[mock chunks=5]]", stream: false, extra: "\"seed\":7,")
        let gateway = try Self.gateway(DialectClient("messages"), vendor.port)
        let response = try RawConnection(port: gateway.port).exchange(ask)
        let translated = response["x-weir-translated"] ?? ""
        #expect(translated.hasPrefix("chat>messages; lost="))
        #expect(translated.contains("-seed"))
        gateway.stop()
        let record = try #require(try gateway.record.records().last)
        #expect(record.attempts.first?.translation == translated)
        let strict = try Self.gateway(
            DialectClient("messages"), vendor.port, chain: "translate_loss = \"refuse\"")
        defer { strict.stop() }
        let refused = try RawConnection(port: strict.port).exchange(ask)
        #expect(refused.status == 400 && refused.text.contains("-seed"), "\(refused.text)")
    }

    @Test("without a key of its own a vendor gets no request of another dialect")
    func keys() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(
            DialectClient("messages"), vendor.port, each: "credential = \"client\"")
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            DialectClient("chat").request(
                "hi", stream: false, fields: "Authorization: Bearer canary\r\n"))
        #expect(response.status == 404 && response.text.contains("no credential of its own"))
        let own = try Self.gateway(
            DialectClient("messages"), vendor.port, each: "credential = \"env:canary-own\"")
        defer { own.stop() }
        let asked = try RawConnection(port: own.port).exchange(
            DialectClient("chat").request(
                "hi", stream: false,
                fields: "Authorization: Bearer canary-client\r\nOpenAI-Organization: o\r\n"
                    + "X-Stainless-Lang: js\r\nUser-Agent: me/1\r\n"))
        #expect(asked.status == 200)
        let seen = try vendor.statistics().requests[0]
        #expect(seen["x-api-key"] != nil && seen["authorization"] == nil)
        #expect(seen["openai-organization"] == nil && seen["x-stainless-lang"] == nil)
        #expect(seen["user-agent"] == "me/1")
    }

    @Test("quirks change requests of a vendor's own dialect where that is wanted, and say so")
    func quirks() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let ask = DialectClient("messages").request(
            "[[mock chunks=5]]", stream: false, extra: "\"temperature\":0.5,")
        let table = "[[quirks]]\nmodel = \"m-*\"\nsampling = false\n"
        for (line, isChanged) in [("quirks = true", true), ("quirks = false", false)] {
            let gateway = try Self.gateway(
                DialectClient("messages"), vendor.port, each: "credential = \"none\"\n\(line)",
                chain: table)
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(ask)
            #expect(response.status == 200)
            let translated = response["x-weir-translated"]
            #expect(translated == (isChanged ? "messages>messages; lost=-temperature" : nil))
            let body = DialectClient("messages").body(
                "[[mock chunks=5]]", stream: false, extra: "\"temperature\":0.5,")
            let seen = try #require(try vendor.statistics().requests.last { $0.method == "POST" })
            #expect((seen.bodyBytes == body.utf8.count) == !isChanged)
        }
    }

    @Test(
        "tokens are counted by the vendor's own question",
        arguments: [
            ("messages", "responses"), ("messages", "gemini"), ("responses", "messages"),
            ("responses", "gemini"), ("gemini", "messages"), ("gemini", "responses"),
            ("messages", "chat"),
        ])
    func counts(_ client: String, _ vendor: String) throws {
        let paths = [
            "messages": "/v1/messages/count_tokens", "responses": "/v1/responses/input_tokens",
            "gemini": "/v1beta/models/m-1:countTokens",
        ]
        let path = try #require(paths[client])
        let asked = try ByteVendor { connection, _ in
            let (head, body) = try connection.request()
            let text = String(decoding: body, as: UTF8.self)
            let isRight =
                paths[vendor].map { head.hasPrefix("POST \($0) ") } ?? false
                && !text.contains("max_tokens") && text.contains("hello")
            let answer =
                vendor == "gemini" ? "{\"totalTokens\":14}" : "{\"input_tokens\":14}"
            let shown = isRight ? answer : "{}"
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                    + "\(shown.utf8.count)\r\n\r\n\(shown)")
        }
        defer { asked.stop() }
        let gateway = try Self.gateway(DialectClient(vendor), asked.port)
        defer { gateway.stop() }
        let body = DialectClient(client).body("hello", stream: false)
            .replacing("\"max_tokens\":64,", with: "")
        let response = try RawConnection(port: gateway.port).exchange(
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        guard vendor != "chat" else {
            return #expect(
                response.status == 404 && response.text.contains("not_found_error"),
                "\(response.text)")
        }
        #expect(response.status == 200, "\(response.text)")
        #expect(
            response.text.contains(client == "gemini" ? "totalTokens\":14" : "input_tokens\":14"))
    }
}
