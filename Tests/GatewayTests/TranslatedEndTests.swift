import ExchangeCore
import Primitives
import Support
import Synchronization
import Testbed
import Testing

/// Where a vendor's answer ends, or comes in another way than it was asked for.
@Suite("Ends of translated answers")
struct TranslatedEndTests {
    private static let clients = ["messages", "responses", "gemini"]

    private static func chunk(_ delta: String, _ finish: String = "null") -> String {
        #"data: {"choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"# + "\n\n"
    }

    private static let hi = chunk(#"{"role":"assistant","content":"hi"}"#)
    private static let stop = chunk("{}", #""stop""#)
    private static let usage =
        #"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"# + "\n\n"

    /// A vendor that says its stream in one chunk, and cuts or ends the body behind a gate.
    private static func vendor(
        _ stream: String, isCut: Bool, _ gate: Gate
    ) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            _ = try connection.request()
            let size = String(stream.utf8.count, radix: 16)
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n\(size)\r\n\(stream)\r\n")
            try gate.awaitOpening()
            if !isCut { try connection.send("0\r\n\r\n") }
        }
    }

    /// What a client gets that has something before the vendor goes on.
    private static func exchange(
        _ request: String, _ gateway: TestGateway, _ gate: Gate
    ) throws -> RawResponse {
        let connection = try RawConnection(port: gateway.port)
        try connection.send(request)
        try connection.receiveMore()
        gate.open()
        return try connection.response()
    }

    @Test(
        "a cut behind the reason is an error, and no end", arguments: clients,
        [hi + stop, hi + stop + usage])
    func cuts(_ client: String, _ stream: String) throws {
        let gate = Gate()
        let vendor = try Self.vendor(stream, isCut: true, gate)
        defer { vendor.stop() }
        let client = DialectClient(client)
        let gateway = try TranslatedTests.gateway(DialectClient("chat"), vendor.port)
        defer { gateway.stop() }
        let response = try Self.exchange(client.request("hi", stream: true), gateway, gate)
        #expect(client.text(response) == "hi" && !response.isWhole, "\(response.text)")
        #expect(!client.hasEnd(response), "\(response.text)")
        #expect(client.endsInError(response), "\(response.text)")
        if client.form == "responses" { #expect(response.text.contains("response.failed")) }
        try gateway.await("the settlement") { gateway.outcomes(.truncated) == 1 }
    }

    @Test(
        "the body's end is one, where the vendor's streams need no mark", arguments: [false, true])
    func marks(_ isStrict: Bool) throws {
        let gate = Gate()
        let vendor = try Self.vendor(Self.hi + Self.stop, isCut: false, gate)
        defer { vendor.stop() }
        let client = DialectClient("messages")
        let gateway = try TranslatedTests.gateway(
            DialectClient("chat"), vendor.port,
            each: "credential = \"none\"" + (isStrict ? "\nterminal = \"strict\"" : ""))
        defer { gateway.stop() }
        let response = try Self.exchange(client.request("hi", stream: true), gateway, gate)
        #expect(client.text(response) == "hi", "\(response.text)")
        #expect(client.hasEnd(response) == !isStrict, "\(response.text)")
        #expect(response.isWhole == !isStrict, "\(response.text)")
    }

    @Test("a cut behind the end mark changes nothing", arguments: ["chat", "responses", "gemini"])
    func marked(_ client: String) throws {
        let events = [
            ("message_start", #""message":{"id":"m","model":"m","usage":{"input_tokens":1}}"#),
            ("content_block_start", #""index":0,"content_block":{"type":"text","text":""}"#),
            ("content_block_delta", #""index":0,"delta":{"type":"text_delta","text":"hi"}"#),
            ("content_block_stop", #""index":0"#),
            ("message_delta", #""delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}"#),
        ]
        let stream =
            events.map { #"data: {"type":"\#($0)",\#($1)}"# + "\n\n" }.joined()
            + #"data: {"type":"message_stop"}"# + "\n\n"
        let gate = Gate()
        let vendor = try Self.vendor(stream, isCut: true, gate)
        defer { vendor.stop() }
        let client = DialectClient(client)
        let gateway = try TranslatedTests.gateway(DialectClient("messages"), vendor.port)
        defer { gateway.stop() }
        let response = try Self.exchange(client.request("hi", stream: true), gateway, gate)
        #expect(client.text(response) == "hi" && response.isWhole, "\(response.text)")
        #expect(client.hasEnd(response) && !client.endsInError(response), "\(response.text)")
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
    }

    @Test(
        "a vendor's own answer to the question of a stream is one", arguments: clients,
        [false, true])
    func otherWay(_ client: String, _ isStreamed: Bool) throws {
        let whole =
            #"{"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"#
            + #""finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
        let stream = Self.hi + Self.stop + Self.usage + "data: [DONE]\n\n"
        // What the client did not ask for.
        let (type, body) =
            isStreamed ? ("application/json", whole) : ("text/event-stream", stream)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nContent-Length: "
                    + "\(body.utf8.count)\r\n\r\n\(body)")
        }
        defer { vendor.stop() }
        let client = DialectClient(client)
        let gateway = try TranslatedTests.gateway(DialectClient("chat"), vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            client.request("hi", stream: isStreamed))
        #expect(response.status == 200 && response.isWhole, "\(response.text)")
        let wanted = isStreamed ? "text/event-stream" : "application/json"
        #expect(response["content-type"]?.hasPrefix(wanted) == true, "\(response.text)")
        #expect(client.text(response) == "hi" && client.hasEnd(response), "\(response.text)")
    }

    @Test(
        "a failing reason before content leaves the next target", arguments: clients, [false, true])
    func failing(_ client: String, _ isStreamed: Bool) throws {
        let whole =
            #"{"choices":[{"index":0,"message":{"role":"assistant","content":""},"#
            + #""finish_reason":"network_error"}]}"#
        let stream =
            Self.chunk(#"{"role":"assistant","content":""}"#)
            + Self.chunk("{}", #""network_error""#) + "data: [DONE]\n\n"
        let (type, body) =
            isStreamed ? ("text/event-stream", stream) : ("application/json", whole)
        let bad = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\nContent-Length: "
                    + "\(body.utf8.count)\r\n\r\n\(body)")
        }
        defer { bad.stop() }
        let good = try ScriptedVendor()
        defer { good.stop() }
        let client = DialectClient(client)
        let chat = DialectClient("chat")
        let gateway = try TestGateway(
            chat.vendor("bad", port: bad.port, rest: "credential = \"none\"")
                + chat.vendor("good", port: good.port, rest: "credential = \"none\"")
                + "[[chains]]\nname = \"c\"\n"
                + "targets = [{ vendor = \"bad\" }, { vendor = \"good\" }]\n")
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(
            client.request("[[mock chunks=5]]", stream: isStreamed))
        #expect(response.status == 200 && response.isWhole, "\(response.text)")
        #expect(response["x-weir-vendor"] == "good", "\(response.text)")
        #expect(client.hasEnd(response), "\(response.text)")
    }

    @Test("an envelope of another chain's answer reaches no vendor of the client's own dialect")
    func otherChain() throws {
        let thinking =
            #"{"type":"thinking","thinking":"t","signature":"weir1:eyJmIjoiY2hhdCIsImsi"#
            + #"OiJub25lIn0"},"#
        let seen = Mutex<[[UInt8]]>([])
        let vendor = try ByteVendor { connection, _ in
            let sent = try connection.request().body
            seen.withLock { $0.append(sent) }
            let hasEnvelope = sent.span.firstRange(of: "weir1:") != nil
            try connection.send(
                "HTTP/1.1 \(hasEnvelope ? 400 : 200) OK\r\nContent-Length: 2\r\n\r\n{}")
        }
        defer { vendor.stop() }
        let messages = DialectClient("messages")
        for isTranslating in [true, false] {
            let chain = { (name: String, models: String, vendor: String) in
                "[[chains]]\nname = \"\(name)\"\nmodels = [\"\(models)\"]\n"
                    + "targets = [{ vendor = \"\(vendor)\" }]\ntranslate = \(isTranslating)\n"
            }
            let gateway = try TestGateway(
                messages.vendor("own", port: vendor.port)
                    + DialectClient("chat").vendor("other", port: vendor.port)
                    + chain("x", "x-*", isTranslating ? "other" : "own")
                    + chain("m", "m", "own"))
            defer { gateway.stop() }
            for block in [thinking, ""] {
                let body = { (block: String) in
                    #"{"model":"m","max_tokens":9 ,"messages":[{"role":"user","content":"a"},"#
                        + #"{"role":"assistant","content":[\#(block){"type":"text","text":"b"}]},"#
                        + #"{"role":"user","content":"c"}]}"#
                }
                let sent = body(block)
                let response = try RawConnection(port: gateway.port).exchange(
                    "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nx-api-key: k\r\n"
                        + "Content-Type: application/json\r\n"
                        + "Content-Length: \(sent.utf8.count)\r\n\r\n\(sent)")
                // Without any translation an envelope is a stranger's bytes, and passes as they do.
                let isRemoved = isTranslating && !block.isEmpty
                let passes = isRemoved || block.isEmpty
                #expect(response.status == (passes ? 200 : 400), "\(response.text)")
                let translated = response["x-weir-translated"] ?? ""
                #expect(translated.hasPrefix("messages>messages") == isRemoved)
                guard !isRemoved else { continue }
                #expect(seen.withLock { $0.last } == Array(sent.utf8))
            }
        }
    }
}
