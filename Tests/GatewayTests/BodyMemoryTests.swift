import ExchangeCore
import Primitives
import Support
import Telemetry
import Testbed
import Testing
import Transfers

@Suite("Memory for bodies, as clients see it")
struct BodyMemoryTests {
    /// Two bodies of 200 KiB are more than there is room for: each takes 256 KiB of storage.
    private static let server = """
        [server]
        replay_limit = "200KiB"
        body_budget = "450KiB"

        """

    private static func gateway(
        _ vendor: ScriptedVendor, server: String = server, models: String = "[\"gpt*\"]",
        roomTime: Interval = .seconds(3600)
    ) throws -> TestGateway {
        try TestGateway(
            server + """
                [vendors.openai]
                base_url = "http://127.0.0.1:\(vendor.port)/v1"
                [[chains]]
                name = "c"
                models = \(models)
                targets = [{ vendor = "openai" }]
                """, roomTime: roomTime)
    }

    /// A request whose body has so many bytes, in two parts.
    private static func request(_ bytes: Int, chunked: Bool = false) -> (String, String) {
        let start = "{\"model\":\"gpt-4o\",\"stream\":false,\"x\":\""
        let end = "\"}"
        let filler = String(repeating: "x", count: bytes - start.utf8.count - end.utf8.count)
        let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        guard chunked else {
            return (head + "Content-Length: \(bytes)\r\n\r\n" + start + filler, end)
        }
        let first = start + filler
        return (
            head + "Transfer-Encoding: chunked\r\n\r\n"
                + "\(String(first.utf8.count, radix: 16))\r\n\(first)\r\n",
            "\(String(end.utf8.count, radix: 16))\r\n\(end)\r\n0\r\n\r\n"
        )
    }

    /// Sends a request's beginning in steps, each as long as all before it.
    ///
    /// Storage doubles, unless a larger piece comes at once. In one piece it would depend on where
    /// the kernel cuts the text how much each body takes.
    private static func send(
        _ text: String, on client: RawConnection, to gateway: TestGateway
    ) throws {
        let bytes = Array(text.utf8)
        let head = text.firstRange(of: "\r\n\r\n")?.upperBound ?? text.startIndex
        let bodyBegin = text.utf8.distance(from: text.startIndex, to: head)
        let before = gateway.bodies.bytes
        var (sent, step) = (0, bodyBegin + 8192)
        while true {
            let end = min(sent + step, bytes.count)
            try client.send(String(decoding: bytes[sent..<end], as: UTF8.self))
            sent = end
            guard sent < bytes.count else { return }
            step = sent - bodyBegin
            try gateway.await("a step") { gateway.bodies.bytes >= before + step * 3 / 4 }
        }
    }

    @Test(
        "a body that finds no room waits, and goes on when another is sent",
        arguments: [false, true])
    func waits(isChunked: Bool) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor)
        defer { gateway.stop() }
        let (start, end) = Self.request(200 << 10, chunked: isChunked)
        let first = try RawConnection(port: gateway.port)
        try Self.send(start, on: first, to: gateway)
        try gateway.await("the first body") { gateway.bodies.bytes >= 200 << 10 }
        let second = try RawConnection(port: gateway.port)
        try Self.send(start, on: second, to: gateway)
        try gateway.await("the second body") { gateway.bodies.room == .short }
        #expect(try vendor.statistics().requests.count == 0)
        try first.send(end)
        #expect(try first.response().status == 200)
        try second.send(end)
        #expect(try second.response().status == 200)
        try gateway.await("the memory to be given back") { gateway.bodies.bytes == 0 }
        // The connections go on.
        #expect(try second.exchange(Request.chat()).status == 200)
    }

    @Test("a body that finds no room in time is refused in its dialect, and gives back what it has")
    func refused() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor, roomTime: .milliseconds(50))
        defer { gateway.stop() }
        let (start, end) = Self.request(200 << 10)
        let first = try RawConnection(port: gateway.port)
        try Self.send(start, on: first, to: gateway)
        try gateway.await("the first body") { gateway.bodies.bytes >= 200 << 10 }
        let held = gateway.bodies.bytes
        let second = try RawConnection(port: gateway.port)
        try Self.send(start, on: second, to: gateway)
        let response = try second.response()
        #expect(response.status == 503)
        #expect(response.text.contains("no_room_for_body") && response.text.contains("\"error\""))
        #expect(response["x-should-retry"] == "true")
        try gateway.await("the memory of the refused") { gateway.bodies.bytes == held }
        try first.send(end)
        #expect(try first.response().status == 200)
        try gateway.await("the memory to be given back") { gateway.bodies.bytes == 0 }
        // A small call needs no room.
        #expect(try RawConnection(port: gateway.port).exchange(Request.chat()).status == 200)
    }

    @Test("many bodies at once hold no more than the budget, a quarter, and a piece")
    func bounded() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        // The end of a client that is not read is seen once its time is up.
        let gateway = try Self.gateway(vendor, roomTime: .milliseconds(500))
        defer { gateway.stop() }
        let (start, _) = Self.request(200 << 10)
        var clients: [RawConnection] = []
        for _ in 0..<16 {
            let client = try RawConnection(port: gateway.port)
            // Those that are refused close while they are sent to.
            try? client.send(start)
            clients.append(client)
            #expect(gateway.bodies.bytes <= 450 << 10 + 450 << 8 + 256 << 10)
        }
        try gateway.await("a refusal at once") { gateway.metrics.refused.current > 0 }
        clients = []
        try gateway.await("the memory to be given back") { gateway.bodies.bytes == 0 }
    }

    @Test("a body that needs no model streams when there is no room")
    func streams() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor, models: "[\"*\"]")
        defer { gateway.stop() }
        let (start, end) = Self.request(200 << 10)
        let first = try RawConnection(port: gateway.port)
        try Self.send(start, on: first, to: gateway)
        try gateway.await("the first body") { gateway.bodies.bytes >= 200 << 10 }
        let second = try RawConnection(port: gateway.port)
        try second.send(start + end)
        #expect(try second.response().status == 200)
        #expect(try vendor.statistics().requests.count == 1)
        try first.send(end)
        #expect(try first.response().status == 200)
        try gateway.await("the memory to be given back") { gateway.bodies.bytes == 0 }
    }

    @Test("every end gives the memory back", arguments: ["closes", "waits", "large", "malformed"])
    func ends(_ how: String) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor, server: Self.server + "max_body = \"190KiB\"\n")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let (start, end) = Self.request(180 << 10, chunked: true)
        try Self.send(start, on: client, to: gateway)
        try gateway.await("the body") { gateway.bodies.bytes >= 180 << 10 }
        switch how {
        case "closes": client.close()
        case "waits":
            let other = try RawConnection(port: gateway.port)
            try Self.send(start, on: other, to: gateway)
            try gateway.await("the wait") { gateway.bodies.room == .short }
            other.close()
            try gateway.await("the other's memory") { gateway.bodies.room == .free }
            try client.send(end)
            #expect(try client.response().status == 200)
        case "large":
            try client.send("4000\r\n" + String(repeating: "x", count: 0x4000) + "\r\n")
            #expect(try client.response().status == 413)
        default:
            try client.send("zz\r\n")
            #expect(try client.response().status == 400)
        }
        try gateway.await("the memory to be given back") { gateway.bodies.bytes == 0 }
    }

    @Test("a kept body that comes too slowly in all is 408")
    func slow() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "body_timeout = \"100ms\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let (start, _) = Self.request(10 << 10)
        try client.send(start)
        let response = try client.response()
        #expect(response.status == 408 && response.text.contains("request_timeout"))
        try gateway.await("the outcome") { gateway.bodies.bytes == 0 }
    }
}
