import Codings
import Dialects
import LogStore
import Support
import Testbed
import Testing

private let key = "sk-gateway-canary-Q/1234567"

/// Whether a call's content, or one of the gateway's own secrets, is in a file.
@Suite("Content in the record")
struct RecordContentTests {
    private static func toml(_ vendor: Int, log: String = "", credential: String) -> String {
        """
        [log]
        \(log)
        [vendors.openai]
        base_url = "http://127.0.0.1:\(vendor)/v1"
        credential = "\(credential)"
        headers = { "X-Extra" = "env:extra-canary-secret" }
        [vendors.anthropic]
        base_url = "http://127.0.0.1:\(vendor)"
        credential = "\(credential)"
        """
    }

    /// A vendor that answers with these pieces, each in a write of its own.
    private static func vendor(
        _ type: String, _ pieces: [[UInt8]], coding: String = "", status: String = "200 OK"
    ) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send(
                    "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\n\(coding)"
                        + "X-Echo: \(key)\r\nTransfer-Encoding: chunked\r\n\r\n")
                for piece in pieces where !piece.isEmpty {
                    try connection.send("\(String(piece.count, radix: 16))\r\n")
                    try connection.send(piece)
                    try connection.send("\r\n")
                }
                try connection.send("0\r\n\r\n")
            }
        }
    }

    private static func call(_ gateway: TestGateway, _ content: String) throws -> RawResponse {
        let body = #"{"model":"m","stream":true,"messages":[{"content":"\#(content)"}]}"#
        return try RawConnection(port: gateway.port).exchange(
            "POST /v1/chat/completions?note=\(key.replacing("/", with: "%2F")) HTTP/1.1\r\n"
                + "Host: localhost\r\nX-Note: \(key)\r\nContent-Length: \(body.utf8.count)\r\n"
                + "\r\n\(body)")
    }

    @Test("a key of ours is masked wherever it comes back, in pieces cut anywhere")
    func echoes() throws {
        let text = #"data: {"choices":[{"delta":{"content":"\#(key) and \#(key)"}}]}"#
        let bytes = Array("\(text)\n\ndata: [DONE]\n\n".utf8)
        let found = bytes.firstRange(of: Array(key.utf8))
        let keyStart = try #require(found)
        let cuts = (keyStart...keyStart + key.utf8.count).map { [bytes[..<$0], bytes[$0...]] }
        let ways = cuts + [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
        for (number, way) in ways.enumerated() {
            let vendor = try Self.vendor("text/event-stream", way.map(Array.init))
            defer { vendor.stop() }
            let gateway = try TestGateway(
                Self.toml(vendor.port, credential: "env:\(key)"))
            defer { gateway.stop() }
            let response = try Self.call(gateway, "my key is \(key), is it?")
            // What the client gets is the vendor's, to the byte.
            #expect(response.body == bytes)
            gateway.stop()
            for form in [key, key.replacing("/", with: "%2F"), "extra-canary"] {
                #expect(try gateway.record.files(holding: form) == [], "\(number)")
            }
            let record = try #require(try gateway.record.records().first)
            let hidden = String(repeating: "*", count: key.utf8.count)
            let body = String(decoding: record.responseBody.bytes, as: UTF8.self)
            #expect(body.contains("\(hidden) and \(hidden)"), "\(number): \(body)")
            #expect(record.responseBody.bytes.count == bytes.count)
            let request = String(decoding: record.requestBody.bytes, as: UTF8.self)
            #expect(request.contains("my key is \(hidden), is it?"))
            #expect(record.outcome == "complete")
        }
    }

    @Test("an encoded body that hides a key of ours is not written down, and another one is")
    func encoded() throws {
        for (content, isKept) in [(key, false), ("nothing of ours", true)] {
            let text = #"{"model":"m","choices":[{"message":{"content":"\#(content)"}}]}"#
            let packed = Gzip.compress(Array(text.utf8))
            let body = try #require(packed)
            for pieces in [[body], body.map { [$0] }] {
                let vendor = try Self.vendor(
                    "application/json", pieces, coding: "Content-Encoding: gzip\r\n")
                defer { vendor.stop() }
                let gateway = try TestGateway(
                    Self.toml(vendor.port, credential: "env:\(key)"))
                defer { gateway.stop() }
                let client = try RawConnection(port: gateway.port)
                try client.send(
                    Array(
                        ("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                            + "Content-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n")
                            .utf8) + body)
                #expect(try client.response().body == body)
                gateway.stop()
                let record = try #require(try gateway.record.records().first)
                #expect((record.responseBody.bytes == body) == isKept, "\(content)")
                #expect((record.requestBody.bytes == body) == isKept, "\(content)")
                if !isKept { #expect(record.usageState == .unknown) }
            }
        }
        // A body that cannot be read may hold anything.
        let vendor = try Self.vendor(
            "application/json", [Array("opaque".utf8)], coding: "Content-Encoding: x-thing\r\n")
        defer { vendor.stop() }
        let gateway = try TestGateway(Self.toml(vendor.port, credential: "env:\(key)"))
        defer { gateway.stop() }
        #expect(try Self.call(gateway, "a").text == "opaque")
        gateway.stop()
        #expect(try gateway.record.records().first?.responseBody.bytes.isEmpty == true)
    }

    @Test("with capture none no content is in any file, while it runs and after", arguments: 0..<2)
    func none(_ isFailing: Int) throws {
        let usage = #"{"usage":{"prompt_tokens":3,"completion_tokens":4},"choices":[]}"#
        let stream =
            #"data: {"model":"m","choices":[{"delta":{"content":"content-canary"}}]}"# + "\n\n"
            + "data: \(usage)\n\ndata: [DONE]\n\n"
        let error = #"{"error":{"type":"invalid_request_error","message":"content-canary"}}"#
        let vendor = try Self.vendor(
            isFailing == 1 ? "application/json" : "text/event-stream",
            [Array((isFailing == 1 ? error : stream).utf8)],
            status: isFailing == 1 ? "422 No" : "200 OK")
        defer { vendor.stop() }
        let gateway = try TestGateway(
            Self.toml(vendor.port, log: "capture = \"none\"", credential: "client"))
        defer { gateway.stop() }
        for _ in 0..<20 {
            let response = try Self.call(
                gateway, "content-canary " + String(repeating: "x", count: 900))
            #expect(response.text.contains("canary"))
            #expect(try gateway.record.files(holding: "content-canary") == [])
        }
        gateway.stop()
        #expect(try gateway.record.files(holding: "content-canary") == [])
        let records = try gateway.record.records()
        #expect(records.count == 20)
        for record in records {
            #expect(record.model == "m" && record.requestBody.bytes.isEmpty)
            #expect(record.responseBytes == (isFailing == 1 ? error : stream).utf8.count)
            #expect(record.droppedFrames == 0)
            if isFailing == 1 {
                #expect(record.errorKind == "invalid_request_error" && record.errorMessage == "")
            } else {
                #expect(record.usage.input == 3 && record.usage.output == 4)
            }
        }
    }

    @Test("with capture head only the beginning is in a file, and usage is read all the same")
    func head() throws {
        let filler = String(repeating: "x", count: 6000)
        let stream =
            "data: {\"choices\":[{\"delta\":{\"content\":\"head-canary \(filler)\"}}]}\n\n"
            + #"data: {"choices":[{"delta":{"content":"tail-canary"}}]}"# + "\n\n"
            + #"data: {"usage":{"prompt_tokens":3,"completion_tokens":4},"choices":[]}"# + "\n\n"
        let vendor = try Self.vendor("text/event-stream", [Array(stream.utf8)])
        defer { vendor.stop() }
        let gateway = try TestGateway(
            Self.toml(vendor.port, log: "capture = \"head\"", credential: "client"))
        defer { gateway.stop() }
        _ = try Self.call(gateway, "begin-canary \(filler) end-canary")
        gateway.stop()
        for (text, isThere) in [
            ("head-canary", true), ("begin-canary", true), ("tail-canary", false),
            ("end-canary", false),
        ] { #expect(try gateway.record.files(holding: text).isEmpty != isThere, "\(text)") }
        let record = try #require(try gateway.record.records().first)
        #expect(record.usage.output == 4 && record.responseBody.bytes.count == 4096)
    }

    @Test("the client's address, session and agent are known, on each request of a connection")
    func callers() throws {
        let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"
        let vendor = try Self.vendor("text/event-stream", [Array(stream.utf8)])
        defer { vendor.stop() }
        let gateway = try TestGateway(
            Self.toml(vendor.port, log: "capture = \"none\"", credential: "client"))
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let body = #"{"model":"m","stream":true,"prompt_cache_key":"cache-1"}"#
        for fields in [
            "X-Claude-Code-Session-Id: s-1\r\nX-Claude-Code-Agent-Id: a-1\r\n", "",
        ] {
            _ = try client.exchange(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\(fields)"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        gateway.stop()
        let records = try gateway.record.records()
        #expect(records.map(\.client) == ["127.0.0.1", "127.0.0.1"])
        #expect(records.map(\.session) == ["s-1", "cache-1"])
        #expect(records.map(\.agent) == ["a-1", ""])
        #expect(records.map(\.errorClass) == ["", ""])
        #expect(records.map(\.sentModel) == ["m", "m"])
    }
}
