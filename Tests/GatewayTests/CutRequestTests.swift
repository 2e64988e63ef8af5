import LogStore
import Support
import Telemetry
import Testbed
import Testing

/// A request that never becomes whole is an exchange like others, once its head was read.
@Suite("Cut requests")
struct CutRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// What the client sends of the body, and how it says how long it is.
        let framing: String
        let body: String
        /// What is in the record of it.
        let kept: String
        var outcome = "client_cancelled"
        var status = 0
        var code = "request_incomplete"
        /// Whether the client closes its connection, and does not wait for an answer.
        var isGone = true
        var server = ""

        var testDescription: String { name }
    }

    private static let cases = [
        Case(
            name: "gone with a length", framing: "Content-Length: 5000", body: "{\"model\":\"m",
            kept: "{\"model\":\"m"),
        Case(name: "gone before the body", framing: "Content-Length: 5000", body: "", kept: ""),
        Case(
            name: "gone between chunks", framing: "Transfer-Encoding: chunked",
            body: "5\r\nhello\r\n", kept: "hello"),
        Case(
            name: "gone within a chunk", framing: "Transfer-Encoding: chunked",
            body: "5\r\nhello\r\n50\r\nwor", kept: "hellowor"),
        Case(
            name: "a chunk that is none", framing: "Transfer-Encoding: chunked",
            body: "5\r\nhello\r\nzz\r\n", kept: "hello", outcome: "refused", status: 400,
            code: "malformed_request", isGone: false),
        Case(
            name: "too much in chunks", framing: "Transfer-Encoding: chunked",
            body: "5\r\nhello\r\n10000\r\n", kept: "hello", outcome: "refused", status: 413,
            code: "request_too_large", isGone: false, server: "max_body = \"64KiB\""),
        Case(
            name: "too long by its head", framing: "Content-Length: 70000", body: "", kept: "",
            outcome: "refused", status: 413, code: "request_too_large", isGone: false,
            server: "max_body = \"64KiB\""),
        Case(
            name: "too slow", framing: "Content-Length: 5000", body: "{\"model\":",
            kept: "{\"model\":", outcome: "slow_client", status: 408, code: "request_timeout",
            isGone: false, server: "slow_client_timeout = \"300ms\""),
    ]

    @Test("have a record with the bytes that came, and the accounts are right", arguments: cases)
    func records(_ cut: Case) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: cut.server)
        defer { gateway.stop() }
        do {
            let client = try RawConnection(port: gateway.port)
            try client.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\(cut.framing)\r\n"
                    + "Expect: 100-continue\r\n\r\n")
            // From here on the head was read.
            if cut.status != 413 || !cut.kept.isEmpty {
                _ = try client.take(through: "100 Continue\r\n\r\n")
            }
            if !cut.body.isEmpty { try client.send(cut.body) }
            if !cut.isGone { #expect(try client.response().status == cut.status) }
        }
        // A client that was gone before its head was whole is no exchange.
        do {
            let client = try RawConnection(port: gateway.port)
            try client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: local")
        }
        #expect(try RawConnection(port: gateway.port).exchange(Request.chat()).status == 200)
        try gateway.await("both records") { gateway.record.metrics.stored.current == 2 }
        gateway.stop()
        let records = try gateway.record.records()
        #expect(records.count == 2)
        let record = try #require(records.first)
        #expect(record.outcome == cut.outcome && record.status == cut.status)
        #expect(record.errorKind == cut.code && !record.errorMessage.isEmpty)
        #expect(record.attempts.isEmpty && record.target == "/v1/chat/completions")
        #expect(String(decoding: record.requestBody.bytes, as: UTF8.self) == cut.kept)
        #expect(record.requestBody.totalBytes == cut.kept.utf8.count)
        let account = try Store(reading: gateway.record.folder).account(
            folder: gateway.record.folder)
        #expect(account.emitted == 2 && account.stored == 2 && account.difference == 0)
    }
}
