import Codings
import JSON
import LogStore
import Support
import Synchronization
import Testbed
import Testing

/// Content codings hide nothing that a decision needs, and what passes is untouched.
@Suite("Content codings on the way")
struct EncodedTests {
    private static func gzip(_ text: String) throws -> [UInt8] {
        try #require(Gzip.compress(Array(text.utf8)))
    }

    /// A vendor that answers every request with these bytes, and ends with them where nothing else
    /// says where they end.
    private static func vendor(_ answer: [UInt8]) throws -> ByteVendor {
        let text = String(decoding: answer, as: UTF8.self)
        let isFramed = text.contains("Content-Length") || text.contains("chunked")
        return try ByteVendor { connection, _ in
            repeat {
                _ = try connection.request()
                try connection.send(answer)
            } while isFramed
        }
    }

    private static func chunked(_ chunks: [String]) -> [UInt8] {
        let body = chunks.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined()
        return Array(
            ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n\(body)0\r\n\r\n").utf8)
    }

    @Test("an answer in chunks goes out with its first byte, and byte for byte")
    func chunks() throws {
        let answer = Self.chunked([" ", "\n", "{\"a\"", ":1}"])
        let vendor = try Self.vendor(answer)
        defer { vendor.stop() }
        let slow = try ByteVendor { connection, _ in
            _ = try connection.request()
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n \n\r\n"
            try connection.send(head + "1\r\n{\r\n")
            _ = try connection.takeToEnd()
        }
        defer { slow.stop() }
        let gateway = try Self.owned(vendor.port, vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response.text == " \n{\"a\":1}")
        #expect(response["x-weir-attempts"] == "1")
        let waiting = try Self.owned(slow.port, vendor.port)
        defer { waiting.stop() }
        let client = try RawConnection(port: waiting.port)
        try client.send(Request.chat())
        _ = try client.take(through: "1\r\n{\r\n")
    }

    private static func whole(
        _ status: String, _ body: [UInt8], _ fields: String = "Content-Encoding: gzip\r\n",
        type: String = "application/json"
    ) -> [UInt8] {
        let head =
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\n\(fields)"
            + "Content-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    private static let opening =
        #"data: {"choices":[{"delta":{"role":"assistant","content":""}}]}"# + "\n\n"
    private static let error = #"data: {"error":{"message":"boom","code":429}}"# + "\n\n"
    private static let content =
        #"data: {"choices":[{"delta":{"content":"hello"}}]}"# + "\n\ndata: [DONE]\n\n"

    @Test("an encoded failure moves on like the same one in clear")
    func failures() throws {
        let good = try Self.vendor(
            Self.whole("200 OK", Array("{\"id\":\"second\"}".utf8), ""))
        defer { good.stop() }
        let stream = "text/event-stream"
        for (name, answer) in [
            ("an error event", try Self.whole("200 OK", Self.gzip(Self.error), type: stream)),
            (
                "an error event after the opening",
                try Self.whole("200 OK", Self.gzip(Self.opening + Self.error), type: stream)
            ),
            ("an empty stream", try Self.whole("200 OK", Self.gzip(""), type: stream)),
            ("comments alone", try Self.whole("200 OK", Self.gzip(": a\n\n"), type: stream)),
            ("an opening alone", try Self.whole("200 OK", Self.gzip(Self.opening), type: stream)),
            (
                "a spent key under 400",
                try Self.whole(
                    "400 Bad", Self.gzip(#"{"error":{"code":"insufficient_quota"}}"#))
            ),
            ("a 503", try Self.whole("503 Busy", Self.gzip("{}"))),
            ("a compressed nothing", try Self.whole("200 OK", Self.gzip(""))),
            ("compressed spaces", try Self.whole("200 OK", Self.gzip(" \n\n"))),
            ("no byte", Self.whole("200 OK", [], "")),
            ("no chunk", Self.chunked([])), ("chunks of spaces", Self.chunked([" \n", "\n"])),
            (
                "nothing up to the end of the connection",
                Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n".utf8)
            ),
        ] {
            let bad = try Self.vendor(answer)
            defer { bad.stop() }
            // A 400 is about a credential only where it is ours.
            let gateway = try Self.owned(bad.port, good.port)
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(stream: true, extra: "Accept-Encoding: gzip\r\n"))
            #expect(response.text.contains("second"), "\(name): \(response)")
            #expect(response["x-weir-attempts"] == "2")
        }
    }

    private static func owned(_ first: Int, _ second: Int) throws -> TestGateway {
        try TestGateway(
            """
            [vendors.v0]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(first)/v1"
            credential = "env:gateway-canary"
            [vendors.v1]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(second)/v1"
            credential = "none"
            [[chains]]
            name = "c"
            targets = [{ vendor = "v0" }, { vendor = "v1" }]
            """)
    }

    @Test("an encoded answer goes out byte for byte, once its content has come")
    func answers() throws {
        let body = try Self.gzip(Self.opening + Self.content)
        let bytes = Self.whole("200 OK", body, type: "text/event-stream")
        let good = try Self.vendor(bytes)
        defer { good.stop() }
        let down = try ByteVendor.closedPort()
        for fields in ["", "terminal = \"strict\""] {
            let gateway = try TestGateway(chain: [good.port, down], each: fields)
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(stream: true))
            #expect(response.body == body && response.isWhole)
            #expect(response["content-encoding"] == "gzip")
            #expect(response["x-weir-attempts"] == "1")
        }
        // A coding that is unknown here, or broken, passes as it came.
        for (fields, body) in [
            ("Content-Encoding: x-thing\r\n", Array("anything".utf8)),
            ("Content-Encoding: gzip\r\n", Array("no gzip at all".utf8)),
        ] {
            let odd = try Self.vendor(Self.whole("200 OK", body, fields, type: "text/event-stream"))
            defer { odd.stop() }
            let gateway = try TestGateway(chain: [odd.port, down], each: "")
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(stream: true))
            #expect(response.body == body, "\(fields)")
        }
    }

    @Test("a stream under strict whose marker is missing is broken off, encoded, too")
    func strict() throws {
        let cut = #"data: {"choices":[{"delta":{"content":"hello"}}]}"# + "\n\n"
        let vendor = try Self.vendor(
            Self.whole("200 OK", try Self.gzip(cut), type: "text/event-stream"))
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            terminal = "strict"
            """)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat(stream: true))
        #expect(!response.isWhole)
        // No event of ours stands between the bytes of a coding.
        #expect(response.body == (try Self.gzip(cut)))
    }

    @Test("a target's model is put into encoded bodies and forms, or the target is passed over")
    func splices() throws {
        let seen = Mutex<[(head: String, body: [UInt8])]>([])
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                seen.withLock { $0.append(request) }
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        defer { vendor.stop() }
        func gateway(_ targets: String) throws -> TestGateway {
            try TestGateway(
                """
                [server]
                replay_limit = "64KiB"
                [vendors.a]
                dialect = "openai"
                base_url = "http://127.0.0.1:\(vendor.port)/v1"
                credential = "none"
                [vendors.b]
                dialect = "openai"
                base_url = "http://127.0.0.1:\(vendor.port)/b"
                credential = "none"
                [[chains]]
                name = "c"
                targets = [\(targets)]
                """)
        }
        let one = try gateway("{ vendor = \"a\", model = \"new\" }")
        defer { one.stop() }
        let plain = #"{"a":1.0,"model":"old"}"#
        let form =
            "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nold\r\n--B--\r\n"
        for (type, coding, body, expected) in [
            ("application/json", "", Array(plain.utf8), #"{"a":1.0,"model":"new"}"#),
            (
                "application/json", "Content-Encoding: gzip\r\nContent-MD5: x\r\n",
                try Self.gzip(plain), #"{"a":1.0,"model":"new"}"#
            ),
            (
                "multipart/form-data; boundary=B", "", Array(form.utf8),
                form.replacing("old", with: "new")
            ),
        ] {
            let client = try RawConnection(port: one.port)
            try client.send(
                Array(
                    ("POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\n\(coding)"
                        + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
            #expect(try client.response().text == "ok")
            let last = try #require(seen.withLock { $0.last })
            #expect(String(decoding: last.body, as: UTF8.self) == expected)
            let head = last.head.lowercased()
            #expect(!head.contains("content-encoding") && !head.contains("content-md5"))
            #expect(head.contains("content-length: \(expected.utf8.count)\r\n"))
        }
        let two = try gateway("{ vendor = \"a\", model = \"new\" }, { vendor = \"b\" }")
        defer { two.stop() }
        let large = #"{"model":"old","pad":"\#(String(repeating: "x", count: 100_000))"}"#
        for (status, coding, body) in [
            (415, "Content-Encoding: x-thing\r\n", Array("opaque".utf8)),
            (413, "", Array(large.utf8)),
            (400, "", Array(#"{"model":"old","model":"older"}"#.utf8)),
        ] {
            let request: [UInt8] =
                Array(
                    ("POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "\(coding)Content-Length: \(body.count)\r\n\r\n").utf8) + body
            let passed = try RawConnection(port: two.port)
            try passed.send(request)
            #expect(try passed.response()["x-weir-vendor"] == "b")
            #expect(two.log.lines.last?.contains("passed over") == true)
            let refused = try RawConnection(port: one.port)
            try refused.send(request)
            let response = try refused.response()
            #expect(response.status == status && response.text.contains("model_not_replaced"))
        }
        one.stop()
        two.stop()
        let models = try one.record.records().map { $0.attempts.map(\.model) }
        #expect(models == [["new"], ["new"], ["new"], [], [], []])
        #expect(try two.record.records().map { $0.attempts.map(\.model) } == [[""], [""], [""]])
    }

    @Test("Gemini's interactions stream, and its endpoint in OpenAI's shapes is one of theirs")
    func google() throws {
        let seen = Mutex<[String]>([])
        let interactions = [
            #"{"event_type":"interaction.created","interaction":{"id":"1"}}"#,
            #"{"event_type":"step.delta","delta":{"type":"text","text":"hello"}}"#,
        ].map { "data: \($0)\n\n" }.joined()
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                seen.withLock {
                    $0.append(request.head + String(decoding: request.body, as: UTF8.self))
                }
                let isOpenAI = request.head.contains("/openai/")
                let first = isOpenAI ? Self.opening + Self.content : interactions
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n"
                        + "\(String(first.utf8.count, radix: 16))\r\n\(first)\r\n")
                // The rest does not come before the client has seen what there is.
                _ = try connection.receiveMore()
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.gemini]
            base_url = "http://127.0.0.1:\(vendor.port)"
            credential = "env:AIza-gateway-canary"
            [vendors.other]
            dialect = "gemini"
            base_url = "http://127.0.0.1:\(vendor.port)"
            credential = "none"
            [[chains]]
            name = "g"
            targets = [{ vendor = "gemini", model = "gemini-new" }, { vendor = "other" }]
            """)
        defer { gateway.stop() }
        for (path, mark) in [
            ("/v1beta/interactions", "hello"), ("/v1beta/openai/chat/completions", "hello"),
        ] {
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(stream: true, path: path))
            // The content goes out while the stream is open: it is held for nothing.
            let text = try client.take(through: mark)
            #expect(text.contains("x-weir-attempts: 1"))
            let request = try #require(seen.withLock { $0.last })
            #expect(request.contains(#""model":"gemini-new""#), "\(path)")
            #expect(request.hasPrefix("POST \(path) "))
            let isBearer = request.contains("Authorization: Bearer AIza-gateway-canary")
            #expect(isBearer == path.contains("openai"))
        }
    }
}
