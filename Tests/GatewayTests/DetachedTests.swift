import Access
import Codings
import ExchangeCore
import Glibc
import Primitives
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@testable import Gateway

/// `on_client_disconnect = "continue"`: an answer goes on without its client.
@Suite("Detached answers")
struct DetachedTests {
    private static func gateway(
        _ ports: [Int], server: String = "", chain: String = "",
        detached: DetachedBounds = DetachedBounds()
    ) throws -> TestGateway {
        try TestGateway(
            chain: ports, each: "on_client_disconnect = \"continue\"", server: server, rest: chain,
            detached: detached)
    }

    /// A vendor that answers with what comes before a wait for the client to have gone, and after.
    private static func vendor(
        _ before: String, _ after: String, _ gate: Gate
    ) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send(before)
                gate.arrive()
                try gate.awaitOpening()
                try connection.send(after)
            }
        }
    }

    private static let event = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
    private static let stream =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    private static func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    /// Where an answer stands when its client goes, and its two parts.
    enum Stage: String, CaseIterable {
        case waiting, held, streaming, plain

        var parts: (before: String, after: String) {
            let rest = chunk(event) + chunk("data: [DONE]\n\n") + "0\r\n\r\n"
            return switch self {
            case .waiting: ("", stream + rest)
            case .held: (stream + chunk(": ping\n\n"), rest)
            case .streaming: (stream + chunk(event), rest)
            case .plain: ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", "cd")
            }
        }
    }

    /// A client whose answer stands at a stage.
    private static func client(
        of gateway: TestGateway, _ gate: Gate, at stage: Stage
    ) throws -> RawConnection {
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(stream: stage != .plain))
        try gateway.await("the request") { gate.arrivals == 1 }
        if stage == .streaming { _ = try client.take(through: "Hi") }
        if stage == .plain { _ = try client.take(through: "ab") }
        return client
    }

    @Test(
        "are read to their end, and their connection serves the next", arguments: Stage.allCases,
        CancelTests.Departure.allCases)
    func stages(_ stage: Stage, _ departure: CancelTests.Departure) throws {
        let gate = Gate()
        let vendor = try Self.vendor(stage.parts.before, stage.parts.after, gate)
        defer { vendor.stop() }
        // A second target is never asked, whatever happens.
        let gateway = try Self.gateway([vendor.port, try ByteVendor.closedPort()])
        defer { gateway.stop() }
        let client = try Self.client(of: gateway, gate, at: stage)
        CancelTests.leave(client, departure)
        // Its connection is closed at once, and it is not settled yet.
        if departure == .halfCloses { _ = try client.takeToEnd() }
        try gateway.await("the departure") { gateway.metrics.detached.current == 1 }
        #expect(gateway.outcomes(.clientCancelled) == 0)
        gate.open()
        try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
        let response = try RawConnection(port: gateway.port)
            .exchange(Request.chat(stream: stage != .plain))
        #expect(response.isWhole && response.status == 200)
        #expect(vendor.connectionCount == 1)
    }

    /// What a vendor says of an answer whose usage is 10 tokens in and 1,000 out.
    private enum Billed: String, CaseIterable {
        case chat, chatStream, encoded, messages

        var isStream: Bool { self == .chatStream }
        func whole() throws -> [UInt8] {
            let json =
                self == .messages
                ? """
                {"id":"m","type":"message","role":"assistant","model":"m","content":[],\
                "stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":1000}}
                """
                : """
                {"id":"c","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":1000}}
                """
            if isStream {
                let events =
                    DetachedTests.event + "data: \(json)\n\n" + "data: [DONE]\n\n"
                let end = DetachedTests.chunk(events) + "0\r\n\r\n"
                return Array((DetachedTests.stream + end).utf8)
            }
            var body = Array(json.utf8)
            if self == .encoded { body = try #require(Gzip.compress(body)) }
            let coding = self == .encoded ? "Content-Encoding: gzip\r\n" : ""
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\(coding)"
                + "Content-Length: \(body.count)\r\n\r\n"
            return Array(head.utf8) + body
        }
    }

    @Test("are charged what their vendor reports, also where no head had come")
    func charged() throws {
        for billed in Billed.allCases {
            // Cut in the head, at its end, and in the body.
            let whole = try billed.whole()
            for cut in [0, whole.count / 2, whole.count - 8] {
                let (before, after) = (whole.prefix(cut), whole.dropFirst(cut))
                let gate = Gate()
                let vendor = try ByteVendor { connection, _ in
                    _ = try connection.request()
                    try connection.send(Array(before))
                    gate.arrive()
                    try gate.awaitOpening()
                    try connection.send(Array(after))
                }
                defer { vendor.stop() }
                let key = ClientKeyTests.key(1)
                let gateway = try TestGateway(
                    """
                    [vendors.v]
                    dialect = "\(billed == .messages ? "anthropic" : "openai")"
                    base_url = "http://127.0.0.1:\(vendor.port)\(billed == .messages ? "" : "/v1")"
                    credential = "none"
                    on_client_disconnect = "continue"
                    [[chains]]
                    name = "main"
                    models = ["*"]
                    targets = [{ vendor = "v", model = "m" }]
                    [prices.models.m]
                    input = 1000
                    output = 1000
                    max_output = 2000
                    \(ClientKeyTests.lines("ci", key, "budget = \"$9/month\""))
                    """)
                defer { gateway.stop() }
                let client = try RawConnection(port: gateway.port)
                try client.send(
                    Request.chat(stream: billed.isStream, extra: "x-weir-key: \(key)\r\n"))
                try gateway.await("the request") { gate.arrivals == 1 }
                client.close()
                try gateway.await("the departure") { gateway.metrics.detached.current == 1 }
                gate.open()
                try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
                let view = gateway.ledger.view().first { $0.scope.label == "ci" }
                #expect(view?.spent == 1010 * 1_000_000, "\(billed) at \(cut)")
                #expect(view?.inFlight == 0)
            }
        }
    }

    @Test("that break off are settled, and no vendor is asked again")
    func broken() throws {
        for before in ["", Self.stream + Self.chunk(Self.event)] {
            let gate = Gate()
            let vendor = try ByteVendor { connection, _ in
                _ = try connection.request()
                try connection.send(before)
                gate.arrive()
                try gate.awaitOpening()
                connection.reset()
            }
            defer { vendor.stop() }
            let second = try ScriptedVendor()
            defer { second.stop() }
            let gateway = try Self.gateway([vendor.port, second.port])
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(stream: true))
            try gateway.await("the request") { gate.arrivals == 1 }
            client.close()
            try gateway.await("the departure") { gateway.metrics.detached.current == 1 }
            gate.open()
            try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
            #expect(try second.statistics().requestCount == 0)
        }
    }

    @Test("do not go on beyond their bounds")
    func bounds() throws {
        let bounds = [
            (DetachedBounds(time: .milliseconds(50), bytes: 1 << 40), "1"),
            (DetachedBounds(time: .seconds(3600), bytes: 100_000), "0"),
        ]
        for (bound, delay) in bounds {
            let vendor = try ScriptedVendor()
            defer { vendor.stop() }
            let gateway = try Self.gateway([vendor.port], detached: bound)
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(["Chunks": "100000000", "Delay": delay], stream: true))
            _ = try client.take(through: "stream ")
            client.close()
            try gateway.await("the vendor to see it") {
                (try? vendor.statistics().disconnects.contains { $0.phase == "streaming" }) == true
            }
            try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
            #expect(gateway.metrics.detached.current == 1)
        }
    }

    @Test("do not outlast the vendor's own clocks", arguments: Stage.allCases, [true, false])
    func clocks(_ stage: Stage, isTotal: Bool) throws {
        let gate = Gate()
        let vendor = try Self.vendor(stage.parts.before, stage.parts.after, gate)
        defer { vendor.stop() }
        let clock = isTotal ? "total" : stage == .waiting ? "first_content" : "idle"
        let gateway = try Self.gateway(
            [vendor.port], chain: "[chains.clocks]\n\(clock) = \"300ms\"")
        defer { gateway.stop() }
        let client = try Self.client(of: gateway, gate, at: stage)
        client.close()
        // The gate stays shut.
        try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
        #expect(gateway.metrics.detached.current == 1)
    }

    @Test("give way to a client that comes when there are too many")
    func room() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway([vendor.port], server: "max_connections = 2")
        defer { gateway.stop() }
        for number in 1...2 {
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(["Chunks": "100000", "Delay": "5"], stream: true))
            _ = try client.take(through: "stream ")
            client.close()
            try gateway.await("the departure") { gateway.metrics.detached.current == number }
        }
        let first = try RawConnection(port: gateway.port)
        #expect(try first.exchange(Request.chat()).status == 200)
        #expect(gateway.outcomes(.clientCancelled) == 1)
        let second = try RawConnection(port: gateway.port)
        #expect(try second.exchange(Request.chat()).status == 200)
        #expect(gateway.outcomes(.clientCancelled) == 2)
        // A client gives way to no other client.
        let third = try RawConnection(port: gateway.port)
        #expect(try third.exchange(Request.chat()).status == 503)
    }

    @Test("count for and against their vendor as if the client waited")
    func health() throws {
        let cases = [
            ("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "", 5), ("", "", 0),
            ("", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 2),
        ]
        for (number, (before, after, status)) in cases.enumerated() {
            let gate = Gate()
            let vendor = try ByteVendor { connection, _ in
                _ = try connection.request()
                gate.arrive()
                try gate.awaitOpening()
                try connection.send(before + after)
            }
            defer { vendor.stop() }
            let gateway = try Self.gateway(
                [vendor.port], chain: "[chains.failover]\ncooldown_after = 1\n")
            defer { gateway.stop() }
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat())
            try gateway.await("the request") { gate.arrivals == 1 }
            client.close()
            try gateway.await("the departure") { gateway.metrics.detached.current == 1 }
            gate.open()
            try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
            let metrics = gateway.metrics.vendors[0]
            #expect(metrics.cooldowns.current == (number == 2 ? 0 : 1))
            #expect(metrics.attemptFailures.reduce(0) { $0 + $1.current } == (status == 0 ? 1 : 0))
            if status > 0 { #expect(metrics.statusClasses[status].current == 1) }
        }
    }

    @Test("of a client that was slow go on, too: what was paused is read again")
    func paused() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let bounds = DetachedBounds(time: .seconds(3600), bytes: 1 << 30)
        let gateway = try Self.gateway([vendor.port], detached: bounds)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Size": "20000000"]))
        // The client takes nothing: the answer fills every buffer on the way, and stands.
        let relayed = gateway.metrics.vendors[0].responseBytes
        var seen = 0
        var steady = 0
        try gateway.await("the pause") {
            steady = relayed.current > 0 && relayed.current == seen ? steady + 1 : 0
            seen = relayed.current
            return steady == 25
        }
        #expect(seen < 20_000_000)
        client.reset()
        try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
        #expect(gateway.metrics.detached.current == 1)
        #expect(relayed.current + gateway.metrics.undeliveredBytes.current > 20_000_000)
        #expect(try vendor.statistics().disconnects.isEmpty)
    }

    @Test("end with the gateway, at once when it stops and at their own end when it drains")
    func stopping() throws {
        for order in [WorkerOrder.stop, .drain] {
            let gate = Gate()
            let vendor = try Self.vendor(
                Stage.streaming.parts.before, Stage.streaming.parts.after, gate)
            defer { vendor.stop() }
            let gateway = try Self.gateway([vendor.port])
            let client = try RawConnection(port: gateway.port)
            try client.send(Request.chat(stream: true))
            _ = try client.take(through: "Hi")
            client.close()
            try gateway.await("the departure") { gateway.metrics.detached.current == 1 }
            gateway.order(order)
            if case .drain = order { gate.open() }
            gateway.join()
            #expect(gateway.outcomes(.clientCancelled) == 1)
            // What came after the client had gone: nothing, or all of it.
            let rest = Self.event.utf8.count + "data: [DONE]\n\n".utf8.count
            let dropped = gateway.metrics.undeliveredBytes.current
            if case .drain = order { #expect(dropped >= rest) } else { #expect(dropped < rest) }
            gate.open()
        }
    }

    @Test("are none where the request had not reached its vendor")
    func unsent() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        // While the body goes up.
        let gateway = try Self.gateway([vendor.port], server: "replay_limit = \"1KiB\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/ok HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
                + String(repeating: "b", count: 100_000))
        try gateway.await("the request to arrive") {
            (try? vendor.statistics().requestCount) == 1
        }
        client.close()
        try gateway.await("the settlement") { gateway.outcomes(.clientCancelled) == 1 }
        // While the next try is waited for.
        let failing = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 503 No\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n")
        }
        defer { failing.stop() }
        let chain = try Self.gateway([failing.port], chain: "retries = 3")
        defer { chain.stop() }
        let other = try RawConnection(port: chain.port)
        try other.send(Request.chat())
        try chain.await("the failure") { chain.log.lines.contains { $0.contains("tried again") } }
        other.close()
        try chain.await("the settlement") { chain.outcomes(.clientCancelled) == 1 }
        #expect(gateway.metrics.detached.current == 0 && chain.metrics.detached.current == 0)
    }
}

/// What a vendor waits at in the middle of an answer.
final class Gate: Sendable {
    private let arrived = Atomic<Int>(0)
    private let isOpen = Atomic<Bool>(false)

    var arrivals: Int { arrived.load(ordering: .relaxed) }

    func arrive() {
        arrived.add(1, ordering: .relaxed)
    }

    func open() {
        isOpen.store(true, ordering: .relaxed)
    }

    func awaitOpening() throws {
        guard Patience.await(everyMilliseconds: 2, { isOpen.load(ordering: .relaxed) }) else {
            throw RawConnection.Failure.timedOut("the gate")
        }
    }
}
