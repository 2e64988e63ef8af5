import ExchangeCore
import Gateway
import Support
import Telemetry
import Testing

/// What broke never looks whole, and what is whole arrives.
@Suite("Honest ends")
struct HonestEndsTests {
    private static let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"

    /// The beginning of a stream whose head says more than will come.
    private static func begin(_ missing: Int) -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            + "Content-Length: \(event.utf8.count + missing)\r\n\r\n\(event)"
    }

    @Test(
        "a stream of a length that its vendor breaks off is never filled up by words of ours",
        arguments: [1, 80, 140, 200, 4000])
    func streamOfALength(_ missing: Int) throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(Self.begin(missing))
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat(stream: true))
        #expect(response["content-length"] == nil)
        #expect(response["transfer-encoding"] == "chunked")
        #expect(!response.isWhole && response.text.hasPrefix(Self.event))
        #expect(response.text.contains("\"vendor_broke_off\""))
    }

    @Test("a body of a length that its vendor breaks off ends short, without a byte of ours")
    func bodyOfALength() throws {
        let beginning = "{\"choices\":[{\"message\":"
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 400\r\n\r\n\(beginning)")
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let response = try RawConnection(port: gateway.port).exchange(Request.chat())
        #expect(response["content-length"] == "400")
        #expect(!response.isWhole && response.text == beginning)
    }

    @Test("a client of HTTP/1.0 gets a stream to the connection's end: closed whole, reset broken")
    func oldClient() throws {
        for missing in [0, 50] {
            let vendor = try ByteVendor { connection, _ in
                _ = try connection.request()
                try connection.send(Self.begin(missing))
            }
            defer { vendor.stop() }
            let gateway = try TestGateway(vendor: vendor.port)
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            try client.send(
                Request.chat(stream: true).replacing("HTTP/1.1", with: "HTTP/1.0"))
            let text = String(decoding: (try? client.takeToEnd()) ?? [], as: UTF8.self)
            #expect(client.end == (missing == 0 ? .closed : .reset))
            if missing == 0 {
                #expect(text.hasSuffix("\r\n\r\n\(Self.event)") && !text.contains("vendor_broke"))
            }
        }
    }

    @Test("a stop resets a response that is complete here while its client has not taken it")
    func stopWhileWaiting() throws {
        let length = 8 << 20
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n")
            try connection.send([UInt8](repeating: 0x61, count: length))
        }
        defer { vendor.stop() }
        for method in ["HTTP/1.1", "HTTP/1.0"] {
            let gateway = try TestGateway(vendor: vendor.port)
            let client = try RawConnection(port: gateway.port, receiveBufferBytes: 4096)
            try client.send(
                Request.get("/v1/files/f/content").replacing("HTTP/1.1", with: method))
            _ = try client.take(through: "\r\n\r\n")
            gateway.order(.stop)
            gateway.join()
            let rest = try? client.takeToEnd()
            #expect(client.end == .reset && (rest?.count ?? 0) < length)
        }
    }

    @Test("bytes behind a last request cost no answer", arguments: ["\r\n", "GET / HTTP", "x"])
    func strayBytes(_ stray: String) throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let last = Request.chat().replacing("\r\nHost:", with: "\r\nConnection: close\r\nHost:")
        let old = Request.chat().replacing("HTTP/1.1", with: "HTTP/1.0")
        for request in [last, old] {
            let client = try RawConnection(port: gateway.port)
            try client.send(request + stray)
            let text = String(decoding: try client.takeToEnd(), as: UTF8.self)
            #expect(text.hasSuffix("\r\n\r\nok"))
            #expect(client.end == .closed)
        }
    }

    @Test("a client that is one too many is refused in its dialect, and its connection in order")
    func turnedAway() throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "max_connections = 1")
        defer { gateway.stop() }
        let first = try RawConnection(port: gateway.port)
        #expect(try first.exchange(Request.chat()).status == 200)
        for (path, mark) in [
            ("/v1/chat/completions", "\"code\":\"too_many_connections\""),
            ("/v1/messages", "\"type\":\"error\""),
            ("/v1beta/models/m:generateContent", "\"status\":\"UNAVAILABLE\""),
        ] {
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(path: path) + "more")
            let response = try client.response()
            #expect(response.status == 503 && response.isWhole)
            #expect(response.text.contains(mark), "\(response.text)")
            #expect(response["x-should-retry"] == "true" && response["retry-after"] == "1")
            #expect(response["connection"] == "close")
            #expect(try client.takeToEnd().isEmpty)
            #expect(client.end == .closed)
        }
        #expect(gateway.metrics.turnedAway.current == 3)
        first.close()
        try gateway.await("the seat") { gateway.metrics.closed.current == 4 }
        #expect(try RawConnection(port: gateway.port).exchange(Request.chat()).status == 200)
    }
}
