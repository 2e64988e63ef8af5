import Primitives
import Routing
import Support
import Synchronization
import Telemetry
import Testing
import Transfers

@Suite("Stale connections")
struct StaleConnectionTests {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test("a pooled connection that died at rest costs nothing: the request goes out once")
    func diedAtRest() throws {
        let requests = Atomic<Int>(0)
        let closings = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            requests.add(1, ordering: .relaxed)
            try connection.send(Self.answer)
            connection.finishSending()
            // The gateway notices and closes its side too.
            _ = try connection.takeToEnd()
            closings.add(1, ordering: .relaxed)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        for number in 1...5 {
            let response = try client.exchange(Request.chat())
            #expect(response.text == "ok")
            #expect(response["x-weir-attempts"] == "1")
            try gateway.await("the gateway's close") {
                closings.load(ordering: .relaxed) == number
            }
        }
        #expect(requests.load(ordering: .relaxed) == 5)
    }

    @Test("a connection that dies under a request is tried once more, fresh, by our decision")
    func diedUnderRequest() throws {
        let requests = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, number in
            _ = try connection.request()
            requests.add(1, ordering: .relaxed)
            try connection.send(Self.answer)
            // The second request on the connection is read, and then the connection closed.
            if number == 1 {
                _ = try connection.request()
                requests.add(1, ordering: .relaxed)
            } else {
                _ = try connection.receiveMore()
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.chat()).text == "ok")
        let second = try client.exchange(Request.chat())
        #expect(second.text == "ok")
        // Both sendings are counted: the vendor may have acted on the first.
        #expect(second["x-weir-attempts"] == "2")
        #expect(requests.load(ordering: .relaxed) == 3)
        #expect(gateway.metrics.vendors[0].staleRetries.current == 1)
    }

    @Test("a connection that dies later under a request is a reset: the vendor may be at work")
    func diedLate() throws {
        let requests = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            requests.add(1, ordering: .relaxed)
            try connection.send(Self.answer)
            _ = try connection.request()
            requests.add(1, ordering: .relaxed)
        }
        defer { vendor.stop() }
        // Any time at all is late.
        let never = StaleWindow(least: Interval(nanoseconds: -1), most: Interval(nanoseconds: -1))
        let gateway = try TestGateway(vendor: vendor.port, staleWindow: never)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.chat()).text == "ok")
        let second = try client.exchange(Request.chat())
        #expect(second.status == 502 && second["x-weir-attempts"] == "1")
        #expect(second.text.contains("\"vendor_broke_off\""))
        #expect(requests.load(ordering: .relaxed) == 2)
        #expect(gateway.metrics.vendors[0].staleRetries.current == 0)
        #expect(
            gateway.metrics.vendors[0].attemptFailures[FailureClass.reset.index].current == 1)
    }

    @Test("a vendor that always dies is asked twice, never more")
    func alwaysDies() throws {
        let requests = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, number in
            if number == 1 {
                _ = try connection.request()
                try connection.send(Self.answer)
            }
            _ = try connection.request()
            requests.add(1, ordering: .relaxed)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.chat()).text == "ok")
        let response = try client.exchange(Request.chat())
        #expect(response.status == 502)
        #expect(response["x-weir-attempts"] == "2")
        #expect(requests.load(ordering: .relaxed) == 2)
    }

    @Test("a body that was streamed away is not sent again")
    func streamedBody() throws {
        let requests = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, number in
            _ = try connection.request()
            requests.add(1, ordering: .relaxed)
            try connection.send(Self.answer)
            if number == 1 {
                _ = try connection.request()
                requests.add(1, ordering: .relaxed)
            } else {
                _ = try connection.receiveMore()
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"10B\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        #expect(try client.exchange(Request.get("/v1/models")).text == "ok")
        let response = try client.exchange(Request.chat())
        #expect(response.status == 502)
        #expect(response["x-weir-attempts"] == "1")
        #expect(requests.load(ordering: .relaxed) == 2)
    }
}
