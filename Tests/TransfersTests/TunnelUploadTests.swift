import ExchangeCore
import Primitives
import Reactor
import Testing

@testable import Transfers

@Suite("Uploads of tunnels")
struct TunnelUploadTests {
    private static let accepting =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    /// What libcurl asks for at once.
    private static let room = 16 << 10

    /// An open tunnel, and what has been asked of its client's bytes since.
    private final class Rig {
        let driver: LanesDriver
        let vendor: LoopVendor
        let endpoint: Endpoint
        let tunnel: Transfer
        var pieces: [UploadPiece] = []
        private(set) var asked = 0

        init() throws {
            driver = try LanesDriver()
            vendor = try LoopVendor(driver.loop)
            vendor.answer = { _ in TunnelUploadTests.accepting }
            endpoint = try .test(port: vendor.port)
            driver.upload = { .notYet }
            tunnel = try driver.start(endpoint, body: .tunnel)
            driver.upload = { [unowned self] in
                asked += 1
                return pieces.isEmpty ? .notYet : pieces.removeFirst()
            }
            try driver.run { self.tunnel.isOpenTunnel && !self.driver.lanes.hasDueLanes }
            asked = 0
        }

        var interest: Interest? { driver.loop.interest(of: tunnel.descriptor) }

        func reset() { asked = 0 }

        /// The end of a turn in which the client has sent something.
        func send(_ pieces: [UploadPiece]) {
            self.pieces = pieces
            driver.lanes.resumeSending(tunnel)
            driver.lanes.runDueLanes()
        }

        /// The tunnel's end, if it has not ended.
        func close() {
            driver.lanes.cancel(tunnel)
            vendor.close()
            driver.lanes.close(endpoints: [endpoint])
        }
    }

    @Test("go out within the turn, and epoll is not asked whether the socket can be written")
    func atOnce() throws {
        let rig = try Rig()
        defer { rig.close() }
        for _ in 0..<3 {
            rig.send([.bytes(5)])
            #expect(rig.asked == 1 && rig.interest == .read)
            rig.send([.bytes(Self.room), .bytes(Self.room - 1)])
            #expect(rig.asked == 3 && rig.interest == .read && rig.tunnel.hasSentUpload)
            // The last buffer was full: there may be more.
            rig.send([.bytes(Self.room)])
            #expect(rig.asked == 5 && rig.tunnel.isSendingPaused && rig.interest == .read)
            rig.send([])
            #expect(rig.interest == .read)
            rig.reset()
        }
        var input = ByteBuffer()
        let connection = try #require(rig.vendor.accepted.last)
        rig.driver.loop.unwatch(connection)
        while case .moved = Socket.receive(connection, into: &input, room: 1 << 20) {}
        #expect(input.count == 3 * (5 + 3 * Self.room - 1))
    }

    @Test("that fail leave what the vendor said before it reset the connection")
    func reset() throws {
        let rig = try Rig()
        let connection = try #require(rig.vendor.accepted.last)
        // No turn comes between these and the sending.
        rig.vendor.send("farewell", on: connection)
        rig.driver.loop.unwatch(connection)
        Socket.resetOnClose(connection)
        Socket.close(connection)
        rig.send([.bytes(5)])
        #expect(rig.driver.results.map(\.code) == [.sendError])
        #expect(rig.driver.received == 8)
        rig.driver.lanes.close(endpoints: [rig.endpoint])
        rig.vendor.forget(connection)
        rig.vendor.close()
    }

    @Test("watch nothing while the client takes nothing and has sent nothing")
    func paused() throws {
        let rig = try Rig()
        defer { rig.close() }
        rig.send([.bytes(5)])
        rig.driver.lanes.pauseReceiving(rig.tunnel)
        #expect(rig.interest == nil)
        rig.send([.bytes(6)])
        #expect(rig.interest == nil && rig.tunnel.hasSentUpload)
        rig.driver.lanes.resumeReceiving(rig.tunnel)
        #expect(rig.interest == .read)
        rig.vendor.send("hello")
        try rig.driver.run { rig.driver.received == 5 }
    }

    @Test("go out by a handle that was a tunnel before, whatever state that was left in")
    func handles() throws {
        let rig = try Rig()
        defer { rig.close() }
        let handle = rig.tunnel
        for round in 1...4 {
            // Left while it rests, while it has bytes, and while nothing is read.
            if round > 1 { rig.send([.bytes(Self.room)]) }
            if round > 2 { rig.driver.lanes.pauseReceiving(handle) }
            rig.driver.lanes.cancel(handle)
            #expect(rig.endpoint.restingTunnels.count == 1)
            #expect(rig.endpoint.restingTransfers.isEmpty)
            rig.pieces = []
            rig.driver.upload = { .notYet }
            #expect(try rig.driver.start(rig.endpoint, body: .tunnel) === handle)
            try rig.driver.run { handle.isOpenTunnel && !rig.driver.lanes.hasDueLanes }
            #expect(rig.vendor.requests.count == round + 1)
            rig.driver.upload = { [unowned rig] in
                rig.pieces.isEmpty ? .notYet : rig.pieces.removeFirst()
            }
            rig.send([.bytes(5)])
            #expect(rig.interest == .read && handle.hasSentUpload)
            let before = rig.driver.received
            rig.vendor.send("hello")
            try rig.driver.run { rig.driver.received == before + 5 }
        }
        // A call is never made with such a handle.
        rig.vendor.answer = { _ in LoopVendor.ok }
        #expect(try rig.driver.exchange(rig.endpoint).code == .ok)
        #expect(rig.endpoint.restingTunnels.isEmpty)
    }
}
