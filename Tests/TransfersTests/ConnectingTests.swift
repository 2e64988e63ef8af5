import ExchangeCore
import Glibc
import HTTP
import Primitives
import Reactor
import Testing

@testable import Transfers

/// libcurl silently closes a socket that it gives up before it is a connection.
///
/// A client may get its number next, so the lanes must have forgotten the socket by then.
@Suite("Sockets that connect")
struct ConnectingTests {
    @Test("a request that is cancelled meanwhile leaves nothing that is known of its socket")
    func cancelled() throws {
        let driver = try LanesDriver()
        let server = try LoopVendor(driver.loop, on: "127.0.0.1", isDeaf: true)
        let endpoint = try Endpoint.test(["127.0.0.1"], port: server.port)
        let transfer = try driver.start(endpoint)
        let pool = try #require(transfer.pool)
        try driver.run { !pool.descriptors.isEmpty }
        let descriptor = pool.descriptors[0]
        driver.lanes.cancel(transfer)
        Self.expectUnknown(descriptor, driver, pool)
        #expect(pool.descriptors.isEmpty)
        server.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    /// Whether this machine has IPv6 on its loopback.
    private static let hasIPv6: Bool = {
        guard let address = SocketAddress("[::1]:0"),
            let descriptor = try? Socket.listen(on: address, reusePort: false)
        else { return false }
        Socket.close(descriptor)
        return true
    }()

    @Test(
        "an address that refuses, or loses the race, leaves nothing either",
        arguments: hasIPv6 ? [false, true] : [false])
    func firstAddressFails(isDeaf: Bool) throws {
        let driver = try LanesDriver()
        let server = try LoopVendor(driver.loop, on: "127.0.0.1")
        let deaf =
            isDeaf ? try LoopVendor(driver.loop, on: "[::1]", port: server.port, isDeaf: true) : nil
        let endpoint = try Endpoint.test(
            [isDeaf ? "::1" : "127.0.0.2", "127.0.0.1"], port: server.port)
        for number in 1...3 {
            let transfer = try driver.start(endpoint)
            let pool = try #require(transfer.pool)
            var seen: Set<Int32> = []
            try driver.run {
                seen.formUnion(pool.descriptors)
                return driver.results.count == number
            }
            #expect(driver.results.last?.code == .ok)
            #expect(pool.descriptors.count == 1, "the request found its connection at rest")
            // The number of a socket that is gone may be the server's by now, on the same loop.
            for descriptor in seen.subtracting(pool.descriptors)
            where !server.accepted.contains(descriptor) {
                Self.expectUnknown(descriptor, driver, pool)
            }
        }
        #expect(server.accepted.count == 1)
        #expect(driver.lanes.sockets.count { $0.pool != nil } == 1)
        deaf?.close()
        server.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test(
        "a connection that is refused altogether, or comes too late, leaves nothing",
        arguments: [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2", "127.0.0.1"]]
            + [["127.0.0.1", "127.0.0.2"]])
    func noAddressAnswers(addresses: [String]) throws {
        let driver = try LanesDriver()
        let deaf = try LoopVendor(driver.loop, on: "127.0.0.1", isDeaf: true)
        let endpoint = try Endpoint.test(addresses, port: deaf.port)
        for number in 1...2 {
            let transfer = try driver.start(endpoint, connectTimeout: .milliseconds(300))
            let pool = try #require(transfer.pool)
            try driver.run { driver.results.count == number }
            #expect(driver.results.last?.code != .ok)
            #expect(pool.descriptors.isEmpty)
            #expect(driver.lanes.sockets.allSatisfy { $0.pool == nil })
        }
        deaf.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("connections are spread over all addresses of a name, and one that refuses gets none")
    func addresses() throws {
        let driver = try LanesDriver()
        let first = try LoopVendor(driver.loop, on: "127.0.0.1")
        let others = try ["127.0.0.2", "127.0.0.4"].map {
            try LoopVendor(driver.loop, on: $0, port: first.port)
        }
        let endpoint = try Endpoint.test(
            ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"], port: first.port)
        let requests = 24
        for number in 1...requests {
            let transfer = try #require(driver.lanes.makeTransfer(to: endpoint))
            transfer.needsFreshConnection = true
            transfer.target.append("/")
            transfer.prepare(method: .get, body: .none, connectTimeout: .seconds(20))
            #expect(driver.lanes.start(transfer, delegate: driver) == nil)
            try driver.run { driver.results.count == number }
            #expect(driver.results.last?.code == .ok)
        }
        let counts = ([first] + others).map(\.accepted.count)
        #expect(counts.reduce(0, +) == requests)
        #expect(counts.allSatisfy { $0 >= requests / 3 - 2 }, "\(counts)")
        // Asked once, and then left alone for a while.
        let order = endpoint.addresses?.list(turn: 2, now: driver.loop.now) ?? []
        #expect(order.last == "127.0.0.3")
        for server in [first] + others { server.close() }
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("requests that a connection at rest can take open none at another address")
    func resting() throws {
        let driver = try LanesDriver()
        let first = try LoopVendor(driver.loop, on: "127.0.0.1")
        let second = try LoopVendor(driver.loop, on: "127.0.0.2", port: first.port)
        let endpoint = try Endpoint.test(["127.0.0.1", "127.0.0.2"], port: first.port)
        for number in 1...6 {
            _ = try driver.start(endpoint)
            try driver.run { driver.results.count == number }
        }
        #expect(first.accepted.count + second.accepted.count == 1)
        first.close()
        second.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    private static func expectUnknown(
        _ descriptor: Int32, _ driver: LanesDriver, _ pool: ConnectionPool
    ) {
        #expect(!pool.descriptors.contains(descriptor))
        #expect(driver.lanes.sockets[Int(descriptor)].pool == nil)
        #expect(driver.loop.interest(of: descriptor) == nil)
    }
}
