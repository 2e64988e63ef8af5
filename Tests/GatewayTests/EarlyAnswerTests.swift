import ExchangeCore
import Reactor
import Support
import Synchronization
import Telemetry
import Testing

/// A vendor that answers while an upload is still going on, and closes.
@Suite("Answers before the end of an upload")
struct EarlyAnswerTests {
    /// What a vendor does once it has answered.
    enum Then: CaseIterable, Sendable {
        /// It reads the rest of the upload, and drops it.
        case readsOn
        /// It closes at once. Its kernel resets the connection, because bytes were not read.
        case closes
        /// It closes once more of the upload has come than it will ever read.
        case closesLater
    }

    /// How the body goes up: streamed by its length, streamed in chunks, or kept whole before.
    enum Body: CaseIterable, Sendable {
        case length, chunks, kept
    }

    private static let total = 30 << 20

    private static func vendor(_ then: Then) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            try connection.send(
                "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 23\r\nConnection: close\r\n\r\n{\"error\":\"much too big\"")
            switch then {
            case .readsOn: _ = try connection.takeToEnd()
            case .closes: break
            case .closesLater: try connection.awaitReadable(bytes: 256 << 10)
            }
        }
    }

    @Test(
        "reach a client that sends all before it reads, whatever the vendor does then",
        arguments: Then.allCases, Body.allCases)
    func sendsFirst(_ then: Then, _ body: Body) throws {
        let vendor = try Self.vendor(then)
        defer { vendor.stop() }
        let limit = body == .kept ? "64MiB" : "1MiB"
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"\(limit)\"")
        defer { gateway.stop() }
        for _ in 0..<5 {
            let client = try RawConnection(port: gateway.port)
            try Self.upload(body, on: client)
            let response = try client.response()
            #expect(response.status == 413, "\(response.text)")
            #expect(response.text == "{\"error\":\"much too big\"")
            #expect(client.end != .reset)
        }
        try gateway.await("the settlements") {
            Outcome.allCases.reduce(0) { $0 + gateway.outcomes($1) } == 5
        }
        #expect(gateway.outcomes(.complete) == 5)
    }

    private static func upload(_ body: Body, on client: RawConnection) throws {
        let piece = [UInt8](repeating: 0x62, count: 64 << 10)
        let framing =
            body == .chunks ? "Transfer-Encoding: chunked" : "Content-Length: \(total)"
        try client.send("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\r\n")
        for _ in 0..<(total / piece.count) {
            if body == .chunks { try client.send("10000\r\n") }
            try client.send(piece)
            if body == .chunks { try client.send("\r\n") }
        }
        if body == .chunks { try client.send("0\r\n\r\n") }
    }

    @Test("of the gateway's own reach a client that sends all before it reads, too")
    func ownRefusal() throws {
        let vendor = try Self.vendor(.closes)
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "max_body = \"1MiB\"")
        defer { gateway.stop() }
        for body in [Body.length, .chunks] {
            let client = try RawConnection(port: gateway.port)
            try Self.upload(body, on: client)
            #expect(try client.response().status == 413)
            #expect(client.end != .reset)
        }
        #expect(vendor.connectionCount == 0)
    }
}
