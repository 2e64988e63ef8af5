import Primitives
import Support
import Telemetry
import Testbed
import Testing

@testable import Gateway

@Suite("Connections of one address")
struct AddressSeatTests {
    @Test("are counted for each address, and a host of IPv6 has a network to itself")
    func seats() throws {
        let seats = AddressSeats(seatsMax: 2)
        let addresses = try ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"].map {
            try #require(IPAddress($0))
        }
        for address in addresses {
            #expect(seats.enter(address) && seats.enter(address) && !seats.enter(address))
        }
        let neighbour = try #require(IPAddress("2001:db8::ffff:2"))
        #expect(!seats.enter(neighbour))
        seats.leave(addresses[2])
        #expect(seats.enter(neighbour) && !seats.enter(addresses[2]))
        seats.leave(addresses[0])
        #expect(seats.enter(addresses[0]) && !seats.enter(addresses[0]))
    }

    @Test("beyond max_connections_per_address are turned away with 503, until one has left")
    func turnedAway() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, server: "max_connections_per_address = 2")
        defer { gateway.stop() }
        let first = try RawConnection(port: gateway.port)
        let second = try RawConnection(port: gateway.port)
        for client in [first, second, first, second] {
            #expect(try client.exchange(Request.get("/v1/ok")).status == 200)
        }
        for _ in 0..<3 {
            let refused = try RawConnection(port: gateway.port).response()
            #expect(refused.status == 503 && refused["retry-after"] == "1")
            #expect(refused.text.contains("too many connections of this address"))
        }
        #expect(gateway.metrics.turnedAway.current == 3)
        first.close()
        let isServed = try Patience.await(everyMilliseconds: 5) {
            let next = try RawConnection(port: gateway.port)
            defer { next.close() }
            return try next.exchange(Request.get("/v1/ok")).status == 200
        }
        #expect(isServed)
    }
}
