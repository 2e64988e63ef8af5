import Glibc
import JSON
import Support
import Testing

@Suite("Tunnels of a process")
struct TunnelProcessTests {
    private static let handshake =
        "GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
        + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    @Test("after kill -9 are interrupted in the record, with what was seen of their responses")
    func killed() throws {
        let event = "{\"type\":\"response.output_text.delta\",\"delta\":\"Hal\"}"
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
            _ = try connection.take(6)
            try connection.send(WebSocketFrame.text(event).bytes())
            _ = try connection.takeToEnd()
        }
        defer { vendor.stop() }
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(vendor: vendor.port, folder: folder)
        let client = try RawConnection(port: gateway.port)
        try client.send(Self.handshake)
        _ = try client.take(through: "\r\n\r\n")
        let ask = "{\"type\":\"response.create\",\"model\":\"gpt-5\"}"
        try client.send(WebSocketFrame.text(ask).bytes(mask: [1, 2, 3, 4]))
        _ = try client.take(through: "Hal\"}")
        gateway.process.signal(SIGKILL)
        _ = try gateway.process.wait()
        let next = try GatewayProcess(vendor: vendor.port, folder: folder)
        try next.await("what was left") {
            try RecordTests.logs(next, ["verify"]).text.contains("pending 0")
        }
        next.process.signal(SIGTERM)
        #expect(try next.process.wait() == 0)
        let records = try RecordTests.records(next.recordPath)
        #expect(records.count == 2)
        for record in records { #expect(record["outcome"]?.text == "interrupted") }
        let response = records.first { $0["method"]?.text == "WEBSOCKET" }
        #expect(response?["model"]?.text == "gpt-5")
    }
}
