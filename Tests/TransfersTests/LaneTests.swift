import Glibc
import Primitives
import Reactor
import Testing

@testable import Transfers

/// The test plays libcurl's part here: it makes the calls that a multi handle makes, in orders that
/// no vendor can be made to cause.
@Suite("A lane")
struct LaneTests {
    /// libcurl's `CURL_POLL_IN` and the rest: their numbers are part of its interface.
    private enum Poll {
        static let input: Int32 = 1
        static let output: Int32 = 2
        static let both: Int32 = 3
        static let remove: Int32 = 4
    }

    /// A lane with one connection that the test made itself.
    private final class Rig {
        let driver: LanesDriver
        let lane: Lane
        let endpoint: Endpoint
        let pool: ConnectionPool
        let listener: Int32
        let port: Int
        private var open: [Int32] = []

        init() throws {
            driver = try LanesDriver()
            lane = try #require(Lane(lanes: driver.lanes))
            let address = try #require(SocketAddress("127.0.0.1:0"))
            listener = try Socket.listen(on: address, reusePort: false)
            port = try SocketAddress(boundTo: listener).port
            endpoint = try Endpoint.test(port: port)
            pool = lane.pool(for: endpoint)
        }

        /// Both ends of a connection to the listener.
        func connect() throws -> (near: Int32, far: Int32) {
            let near = try Socket.connect(to: try #require(SocketAddress("127.0.0.1:\(port)")))
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            try #require(unsafe poll(&entry, 1, 30_000) == 1)
            guard case .connection(let far) = Socket.accept(listener) else {
                throw SystemError(call: "accept")
            }
            open += [near, far]
            return (near, far)
        }

        func transfer() throws -> Transfer {
            let transfer = try #require(Transfer(endpoint: endpoint))
            transfer.pool = pool
            return transfer
        }

        /// A transfer whose request is about to leave on a socket.
        func hold(_ descriptor: Int32) throws -> Transfer {
            let transfer = try transfer()
            pool.opened(descriptor, for: transfer)
            let port = try SocketAddress(boundTo: descriptor).port
            #expect(driver.lanes.hold(transfer, localPort: port) { "127.0.0.1" })
            return transfer
        }

        var state: (Int32) -> SocketState {
            { self.driver.lanes.sockets[Int($0)] }
        }

        func interest(_ descriptor: Int32) -> Interest? {
            driver.loop.interest(of: descriptor)
        }

        /// Says that a test closed a socket by itself.
        func forget(_ descriptor: Int32) { open.removeAll { $0 == descriptor } }

        func close() {
            lane.close()
            driver.lanes.close(endpoints: [endpoint])
            for descriptor in open + [listener] {
                driver.loop.unwatch(descriptor)
                Socket.close(descriptor)
            }
        }
    }

    @Test(
        "follows libcurl's timer: none, at once, or later",
        arguments: [
            ([-1], false, false), ([0], false, true), ([5], true, false), ([50, -1], false, false),
            ([50, 0], false, true), ([0, 50], true, true), ([50, 60_000], true, false),
            ([-1, -1], false, false), ([0, 0], false, true), ([0, -1], false, true),
        ])
    func timer(_ milliseconds: [Int], isArmed: Bool, isDue: Bool) throws {
        let rig = try Rig()
        defer { rig.close() }
        let timer = try #require(rig.lane.timer)
        for value in milliseconds { rig.lane.setTimer(value) }
        #expect(rig.driver.loop.timers.isArmed(timer) == isArmed)
        #expect(rig.lane.isDue == isDue && rig.driver.lanes.hasDueLanes == isDue)
        rig.driver.lanes.runDueLanes()
        #expect(!rig.lane.isDue && !rig.driver.lanes.hasDueLanes)
    }

    @Test("is due when its timer fires, and runs at the end of that turn")
    func timerFires() throws {
        let rig = try Rig()
        defer { rig.close() }
        let timer = try #require(rig.lane.timer)
        rig.lane.setTimer(1)
        try rig.driver.run { !rig.driver.loop.timers.isArmed(timer) }
        #expect(!rig.lane.isDue && !rig.driver.lanes.hasDueLanes)
    }

    @Test("has no timer once it is closed: libcurl's last calls arm none")
    func timerAfterClose() throws {
        let rig = try Rig()
        let other = try #require(Lane(lanes: rig.driver.lanes))
        let armed = rig.driver.loop.timers.armedCount
        other.close()
        for value in [-1, 0, 5] { other.setTimer(value) }
        #expect(rig.driver.loop.timers.armedCount == armed && !other.isDue)
        rig.close()
    }

    @Test("watches a socket for what libcurl wants of it, and changes it")
    func interests() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, _) = try rig.connect()
        rig.pool.opened(near, for: try rig.transfer())
        #expect(rig.interest(near) == nil)
        let both: Interest = [.read, .write]
        for (what, interest) in [
            (Poll.input, Interest.read), (Poll.both, both), (Poll.output, .write),
            (Poll.input, .read),
        ] {
            unsafe rig.lane.watchSocket(nil, near, what)
            #expect(rig.interest(near) == interest)
            #expect(rig.state(near).isWanted)
        }
    }

    @Test("keeps a connection registered when libcurl loses interest: its next request comes")
    func staysRegistered() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, _) = try rig.connect()
        let transfer = try rig.hold(near)
        unsafe rig.lane.watchSocket(nil, near, Poll.both)
        unsafe rig.lane.watchSocket(nil, near, Poll.remove)
        #expect(rig.interest(near) == .read)
        #expect(!rig.state(near).isWanted && !rig.state(near).isResting)
        rig.driver.lanes.letRest(transfer)
        #expect(rig.state(near).isResting && rig.interest(near) == .read)
        #expect(rig.pool.idleCount == 1)
    }

    @Test("leaves a paused connection alone: its bytes would wake it every turn")
    func paused() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, _) = try rig.connect()
        let transfer = try rig.hold(near)
        unsafe rig.lane.watchSocket(nil, near, Poll.input)
        rig.driver.lanes.release(near, isPaused: true, rig.lane)
        #expect(rig.interest(near) == nil && !rig.state(near).isWanted)
        // Its vendor may close it while it rests, and nothing else would say so.
        rig.driver.lanes.letRest(transfer)
        #expect(rig.interest(near) == .read)
    }

    @Test("forgets a socket that is given up before it was a connection")
    func lost() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, _) = try rig.connect()
        rig.pool.opened(near, for: try rig.transfer())
        unsafe rig.lane.watchSocket(nil, near, Poll.output)
        unsafe rig.lane.watchSocket(nil, near, Poll.remove)
        #expect(rig.interest(near) == nil && rig.state(near).pool == nil)
        #expect(rig.pool.descriptors.isEmpty)
    }

    @Test("unwatches what libcurl opened without asking, such as its resolver's sockets")
    func internalSockets() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, _) = try rig.connect()
        unsafe rig.lane.watchSocket(nil, near, Poll.input)
        #expect(rig.interest(near) == .read)
        unsafe rig.lane.watchSocket(nil, near, Poll.remove)
        #expect(rig.interest(near) == nil)
    }

    @Test("registers a number anew whose socket libcurl closed without a word")
    func reusedNumber() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, _) = try rig.connect()
        _ = try rig.hold(near)
        unsafe rig.lane.watchSocket(nil, near, Poll.input)
        unsafe rig.lane.watchSocket(nil, near, Poll.remove)
        // The kernel forgets a registration with the socket; another gets its number.
        let (other, far) = try rig.connect()
        try #require(dup2(other, near) == near)
        Socket.close(other)
        rig.forget(other)
        let transfer = try rig.transfer()
        rig.pool.opened(near, for: transfer)
        #expect(rig.pool.descriptors == [near])
        #expect(rig.state(near).opener == ObjectIdentifier(transfer))
        #expect(rig.state(near).holder == nil && !rig.state(near).hasServed)
        // The number is watched still; the event proves that the kernel knows it, too.
        #expect(rig.interest(near) == .read)
        var output = ByteBuffer()
        output.append("x")
        _ = Socket.send(far, from: &output)
        try rig.driver.run { rig.interest(near) == nil }
    }

    @Test("makes sure that no request goes out on a connection that its vendor ended at rest")
    func endedAtRest() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, far) = try rig.connect()
        let transfer = try rig.hold(near)
        rig.driver.lanes.letRest(transfer)
        #expect(rig.pool.idleCount == 1)
        Socket.shutDownWriting(far)
        try rig.driver.run { rig.state(near).isRetired }
        #expect(rig.pool.idleCount == 0 && rig.interest(near) == nil)
        #expect(!rig.state(near).isResting)
        rig.pool.closing(near)
        #expect(rig.pool.idleCount == 0 && rig.pool.retiredCount == 0)
    }

    @Test("does not let a request go out on a connection with bytes that wait")
    func surplus() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, far) = try rig.connect()
        let first = try rig.hold(near)
        rig.driver.lanes.letRest(first)
        var output = ByteBuffer()
        output.append("x")
        _ = Socket.send(far, from: &output)
        var entry = pollfd(fd: near, events: Int16(POLLIN), revents: 0)
        try #require(unsafe poll(&entry, 1, 30_000) == 1)
        let second = try rig.transfer()
        let port = try SocketAddress(boundTo: near).port
        #expect(!rig.driver.lanes.hold(second, localPort: port) { "127.0.0.1" })
    }

    @Test("a transfer that ended takes nothing from the one that holds its connection by now")
    func handedOn() throws {
        let rig = try Rig()
        defer { rig.close() }
        let (near, _) = try rig.connect()
        let first = try rig.hold(near)
        // libcurl starts the next on the connection before the end of the first is reported.
        let second = try rig.transfer()
        let port = try SocketAddress(boundTo: near).port
        #expect(rig.driver.lanes.hold(second, localPort: port) { "127.0.0.1" })
        rig.driver.lanes.letRest(first)
        #expect(rig.state(near).holder == ObjectIdentifier(second))
        #expect(!rig.state(near).isResting)
    }

    @Test("knows no idle connection of an endpoint it never served")
    func unknownEndpoint() throws {
        let rig = try Rig()
        defer { rig.close() }
        let other = try Endpoint.test(port: 1, index: 7)
        #expect(rig.lane.idleCount(for: other) == 0)
        #expect(rig.lane.pool(for: other) !== rig.pool)
        #expect(rig.lane.pool(for: other) === rig.lane.pool(for: other))
    }
}
