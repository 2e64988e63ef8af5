import ExchangeCore
import Gateway
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("Drain")
struct DrainTests {
    @Test("lets running exchanges end, closes idle clients, refuses new ones, and then ends")
    func drain() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let resting = try RawConnection(port: gateway.port)
        #expect(try resting.exchange(Request.get("/v1/ok")).status == 200)
        let streaming = try RawConnection(port: gateway.port)
        try streaming.send(Request.chat(["Chunks": "20", "Delay": "30"], stream: true))
        _ = try streaming.take(through: "\r\n\r\n")
        let waiting = try RawConnection(port: gateway.port)
        try waiting.send(Request.chat(["Ttft": "400"]))
        // In the middle of its request, and with one behind the one that runs.
        let sending = try RawConnection(port: gateway.port)
        let half = Array(Request.chat().utf8)
        try sending.send(Array(half[..<100]))
        try gateway.await("the requests to arrive") {
            (try? vendor.statistics().requestCount) == 3
                && gateway.metrics.accepted.current == 4
        }
        gateway.order(.drain)
        #expect(try resting.takeToEnd().isEmpty)
        #expect(resting.end == .closed)
        try sending.send(Array(half[100...]))
        let late = try sending.response()
        #expect(late.status == 200 && late["connection"] == "close")
        #expect(try waiting.response().status == 200)
        // The head went out before the drain: its end is read from the framing.
        let rest = try streaming.takeToEnd()
        #expect(String(decoding: rest, as: UTF8.self).hasSuffix("[DONE]\n\n\r\n0\r\n\r\n"))
        gateway.join()
        #expect(throws: RawConnection.Failure.self) { try RawConnection(port: gateway.port) }
    }

    @Test("has an end: what still runs is broken off")
    func timeout() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "drain_timeout = \"300ms\"")
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Chunks": "2", "Delay": "3600000"], stream: true))
        _ = try client.take(through: "The ")
        gateway.order(.drain)
        let rest = try client.takeToEnd()
        #expect(!String(decoding: rest, as: UTF8.self).hasSuffix("0\r\n\r\n"))
        gateway.join()
        #expect(gateway.outcomes(.truncated) == 1)
        #expect(gateway.log.lines.contains { $0.contains("the drain timed out") })
    }

    @Test("is cut short by a stop")
    func stop() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let client = try RawConnection(port: gateway.port)
        try client.send(Request.chat(["Hang": "1"]))
        try gateway.await("the request to arrive") { (try? vendor.statistics().requestCount) == 1 }
        gateway.order(.drain)
        gateway.order(.stop)
        gateway.join()
        #expect(try client.takeToEnd().isEmpty)
    }

    @Test("clients get one more answer when another process takes new ones, which may come back")
    func retirement() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let resting = try RawConnection(port: gateway.port)
        #expect(try resting.exchange(Request.get("/v1/ok")).status == 200)
        let streaming = try RawConnection(port: gateway.port)
        try streaming.send(Request.chat(["Chunks": "20", "Delay": "30"], stream: true))
        _ = try streaming.take(through: "\r\n\r\n")
        let isRested = Atomic<Bool>(false)
        gateway.order(.retire(keeping: [true]) { isRested.store(true, ordering: .releasing) })
        // A connection at rest stays, and its next answer says that it is the last.
        let last = try resting.exchange(Request.get("/v1/ok"))
        #expect(last.status == 200 && last["connection"] == "close")
        #expect(try resting.takeToEnd().isEmpty)
        // An answer whose head said nothing is not the last one on its connection.
        let rest = try streaming.take(through: "\r\n0\r\n\r\n")
        #expect(rest.contains("[DONE]"))
        #expect(try streaming.exchange(Request.get("/v1/ok"))["connection"] == "close")
        try gateway.await("the last client to go") { isRested.load(ordering: .acquiring) }
        // New clients wait in the kernel, for another process or for this one.
        let waiting = try RawConnection(port: gateway.port)
        try waiting.send(Request.get("/v1/ok"))
        #expect(gateway.metrics.accepted.current == 2)
        gateway.order(.resume)
        let served = try waiting.response()
        #expect(served.status == 200 && served["connection"] == nil)
        // A socket that the other process does not want closes.
        gateway.order(.retire(keeping: [false]) {})
        #expect(try waiting.exchange(Request.get("/v1/ok"))["connection"] == "close")
        #expect(throws: RawConnection.Failure.self) { try RawConnection(port: gateway.port) }
        gateway.order(.drain)
        gateway.join()
    }

    @Test("of a gateway at rest ends at once")
    func atRest() throws {
        let gateway = try TestGateway("")
        gateway.order(.drain)
        gateway.join()
    }
}
