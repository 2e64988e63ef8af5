import ExchangeCore
import Glibc
import HTTP
import Primitives
import Reactor
import Testing

@testable import Transfers

/// A socket that libcurl gives up before it is a connection is closed without a word.
///
/// Its number may be a client's the next moment, and nothing may be known of it by then.
@Suite("Sockets that connect")
struct ConnectingTests {
    /// A vendor on the same loop as the lanes: it answers every request with two bytes, or takes
    /// no connection at all.
    private final class Server: DescriptorHandler {
        let loop: EventLoop
        let listener: Int32
        let port: Int
        private(set) var accepted: [Int32] = []
        private var waiting: [Int32] = []

        init(_ loop: EventLoop, on host: String, port: Int = 0, isDeaf: Bool = false) throws {
            self.loop = loop
            let address = try #require(SocketAddress("\(host):\(port)"))
            listener = try Socket.listen(on: address, reusePort: false, backlog: isDeaf ? 0 : 16)
            self.port = try SocketAddress(boundTo: listener).port
            guard isDeaf else {
                loop.watch(listener, for: .read, self)
                return
            }
            // A full queue drops what else comes: who connects then is kept waiting.
            let full = try #require(SocketAddress("\(host):\(self.port)"))
            waiting = try (0..<4).map { _ in try Socket.connect(to: full) }
        }

        func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
            if descriptor == listener {
                guard case .connection(let client) = Socket.accept(listener) else { return }
                accepted.append(client)
                loop.watch(client, for: .read, self)
                return
            }
            var input = ByteBuffer()
            guard case .moved = Socket.receive(descriptor, into: &input, room: 4096) else {
                return loop.unwatch(descriptor)
            }
            var answer = ByteBuffer()
            answer.append("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            _ = Socket.send(descriptor, from: &answer)
        }

        func close() {
            loop.unwatch(listener)
            for descriptor in accepted { loop.unwatch(descriptor) }
            for descriptor in accepted + waiting + [listener] { Socket.close(descriptor) }
        }
    }

    /// Runs a loop with lanes until something holds.
    private final class Driver: TurnHandler, TimerHandler, TransferDelegate {
        let loop: EventLoop
        let lanes: Lanes
        private(set) var results: [TransferResult] = []
        private var isOver: () -> Bool = { true }
        private var isLate = false

        init() throws {
            loop = try EventLoop()
            lanes = Lanes(loop: loop)
            loop.turnHandler = self
        }

        var hasPendingWork: Bool { lanes.hasDueLanes }

        func turnEnded() {
            lanes.runDueLanes()
            if isOver() || isLate { loop.stop() }
        }

        func timerFired(_ timer: TimerWheel.Timer) { isLate = true }

        func run(until condition: @escaping () -> Bool) throws {
            let timer = loop.timers.create(self)
            defer { loop.timers.destroy(timer) }
            loop.timers.arm(timer, at: Instant.now() + .seconds(30))
            isOver = condition
            loop.resume()
            loop.run()
            try #require(!isLate, "what was awaited did not come")
        }

        /// Starts a request; the transfer is the lanes' from here on.
        func start(_ endpoint: Endpoint, connectTimeout: Interval = .seconds(20)) throws -> Transfer
        {
            let transfer = try #require(lanes.makeTransfer(to: endpoint))
            transfer.target.append("/")
            transfer.prepare(method: .get, body: .none, connectTimeout: connectTimeout)
            #expect(lanes.start(transfer, delegate: self) == nil)
            return transfer
        }

        func transferReceivedHead(_ transfer: Transfer) {}
        func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {}
        func transfer(
            _ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer
        ) -> UploadPiece { .end }
        func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
            results.append(result)
        }
    }

    private static func endpoint(_ addresses: [String], port: Int) throws -> Endpoint {
        let book = try AddressBook(hosts: ["vendor.test"]) { _ in .success(addresses) }
        _ = book.refresh()
        return try #require(
            Endpoint(
                name: "v", origin: Endpoint.Origin(scheme: "http", host: "vendor.test", port: port),
                index: 0, trust: nil, addresses: book.entry(for: "vendor.test")))
    }

    @Test("a request that is cancelled meanwhile leaves nothing that is known of its socket")
    func cancelled() throws {
        let driver = try Driver()
        let server = try Server(driver.loop, on: "127.0.0.1", isDeaf: true)
        let endpoint = try Self.endpoint(["127.0.0.1"], port: server.port)
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
        let driver = try Driver()
        let server = try Server(driver.loop, on: "127.0.0.1")
        let deaf =
            isDeaf ? try Server(driver.loop, on: "[::1]", port: server.port, isDeaf: true) : nil
        let endpoint = try Self.endpoint(
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
        let driver = try Driver()
        let deaf = try Server(driver.loop, on: "127.0.0.1", isDeaf: true)
        let endpoint = try Self.endpoint(addresses, port: deaf.port)
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
        let driver = try Driver()
        let first = try Server(driver.loop, on: "127.0.0.1")
        let others = try ["127.0.0.2", "127.0.0.4"].map {
            try Server(driver.loop, on: $0, port: first.port)
        }
        let endpoint = try Self.endpoint(
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
        let driver = try Driver()
        let first = try Server(driver.loop, on: "127.0.0.1")
        let second = try Server(driver.loop, on: "127.0.0.2", port: first.port)
        let endpoint = try Self.endpoint(["127.0.0.1", "127.0.0.2"], port: first.port)
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
        _ descriptor: Int32, _ driver: Driver, _ pool: ConnectionPool
    ) {
        #expect(!pool.descriptors.contains(descriptor))
        #expect(driver.lanes.sockets[Int(descriptor)].pool == nil)
        #expect(driver.loop.interest(of: descriptor) == nil)
    }
}
