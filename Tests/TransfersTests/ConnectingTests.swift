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
            for descriptor in seen.subtracting(pool.descriptors) {
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

    private static func expectUnknown(
        _ descriptor: Int32, _ driver: LanesDriver, _ pool: ConnectionPool
    ) {
        #expect(!pool.descriptors.contains(descriptor))
        #expect(driver.lanes.sockets[Int(descriptor)].pool == nil)
        #expect(driver.loop.interest(of: descriptor) == nil)
    }
}
