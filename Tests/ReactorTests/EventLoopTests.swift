import Glibc
import Primitives
import Reactor
import Synchronization
import Testing

@Suite("Event loop")
struct EventLoopTests {
    /// A connected pair of non-blocking sockets.
    private struct Pair {
        let left: Int32
        let right: Int32

        init() throws {
            let address = try #require(SocketAddress("127.0.0.1:0"))
            let listener = try Socket.listen(on: address, reusePort: false)
            defer { Socket.close(listener) }
            left = try Socket.connect(to: try SocketAddress(boundTo: listener))
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, 5000)
            guard case .connection(let accepted) = Socket.accept(listener) else {
                throw SystemError(call: "accept")
            }
            right = accepted
        }
    }

    private final class Handler: DescriptorHandler {
        var events: [(Int32, Readiness)] = []
        var onReady: ((Int32, Readiness) -> Void)?

        func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
            events.append((descriptor, readiness))
            onReady?(descriptor, readiness)
        }
    }

    private final class Turns: TurnHandler {
        var count = 0
        var hasPendingWork = false
        var onTurn: (() -> Void)?

        func turnEnded() {
            count += 1
            onTurn?()
        }
    }

    private static func send(_ text: StaticString, on descriptor: Int32) {
        var buffer = ByteBuffer()
        buffer.append(text)
        _ = Socket.send(descriptor, from: &buffer)
    }

    @Test("drops events of a number that was closed and reused in the same batch")
    func staleEvents() throws {
        let loop = try EventLoop()
        let first = try Pair()
        let second = try Pair()
        let handler = Handler()
        let stranger = Handler()
        var reused: [Int32] = []
        // Both are readable in one batch; the first served closes the other and watches a
        // connection that took over its number.
        handler.onReady = { descriptor, _ in
            let other = descriptor == first.right ? second.right : first.right
            loop.forget(other)
            reused.append(dup2(descriptor, other))
            loop.watch(other, for: .write, stranger)
            loop.unwatch(descriptor)
            loop.stop()
        }
        loop.watch(first.right, for: .read, handler)
        loop.watch(second.right, for: .read, handler)
        Self.send("a", on: first.left)
        Self.send("b", on: second.left)
        loop.run()
        #expect(handler.events.count == 1)
        #expect(reused == [first.right] || reused == [second.right])
        #expect(stranger.events.isEmpty)
    }

    @Test("counts a change of interest from the next wait on, and only the last of a turn")
    func changes() throws {
        let loop = try EventLoop()
        let pair = try Pair()
        let handler = Handler()
        let turns = Turns()
        turns.hasPendingWork = true
        loop.turnHandler = turns
        handler.onReady = { descriptor, readiness in
            // What was sent stays unread, and is of no interest any more.
            loop.watch(descriptor, for: [.read, .write], handler)
            loop.watch(descriptor, for: readiness.contains(.write) ? [] : .write, handler)
        }
        loop.watch(pair.right, for: .read, handler)
        Self.send("a", on: pair.left)
        turns.onTurn = { if turns.count > 200 && handler.events.count > 1 { loop.stop() } }
        loop.run()
        #expect(handler.events.map(\.1) == [.read, .write])
        loop.unwatch(pair.right)
        Socket.close(pair.left)
        Socket.close(pair.right)
    }

    @Test("follows a number that was closed without a word while a change of it waited")
    func changeOfAnother() throws {
        let loop = try EventLoop()
        let first = try Pair()
        let second = try Pair()
        let handler = Handler()
        let stranger = Handler()
        stranger.onReady = { _, _ in loop.stop() }
        handler.onReady = { descriptor, _ in
            loop.watch(descriptor, for: .write, handler)
            // Its number is another connection's now, which the kernel does not watch.
            _ = dup2(second.right, descriptor)
            loop.watch(descriptor, for: [.read, .peerClose], stranger)
            Self.send("b", on: second.left)
        }
        loop.watch(first.right, for: .read, handler)
        Self.send("a", on: first.left)
        loop.run()
        #expect(handler.events.count == 1)
        #expect(stranger.events.map(\.1) == [.read])
        for descriptor in [first.left, first.right, second.left, second.right] {
            loop.unwatch(descriptor)
            Socket.close(descriptor)
        }
    }

    @Test("reports again what a handler left, and the peer's close")
    func levelTriggered() throws {
        let loop = try EventLoop()
        let pair = try Pair()
        let handler = Handler()
        handler.onReady = { descriptor, readiness in
            if readiness.contains(.read), handler.events.count == 3 { Socket.close(pair.left) }
            if !readiness.isDisjoint(with: .closed) { loop.stop() }
        }
        loop.watch(pair.right, for: [.read, .peerClose], handler)
        Self.send("xyz", on: pair.left)
        loop.run()
        #expect(handler.events.count > 3)
        #expect(loop.interest(of: pair.right) == [.read, .peerClose])
        loop.unwatch(pair.right)
        #expect(loop.interest(of: pair.right) == nil)
        Socket.close(pair.right)
    }

    @Test("turns without waiting while its owner has work")
    func pendingWork() throws {
        let loop = try EventLoop()
        let turns = Turns()
        turns.hasPendingWork = true
        turns.onTurn = { if turns.count == 5 { loop.stop() } }
        loop.turnHandler = turns
        loop.run()
        #expect(turns.count == 5)
    }

    @Test("serves timers beside events")
    func timers() throws {
        final class Once: TimerHandler {
            var fired = 0
            let loop: EventLoop
            init(_ loop: EventLoop) { self.loop = loop }
            func timerFired(_ timer: TimerWheel.Timer) {
                fired += 1
                loop.stop()
            }
        }
        let loop = try EventLoop()
        let once = Once(loop)
        let timer = loop.timers.create(once)
        let due = Instant.now() + .milliseconds(5)
        loop.timers.arm(timer, at: due)
        loop.run()
        #expect(once.fired == 1)
        #expect(loop.now >= due)
    }

    @Test("is woken by mail from other threads, in order, with a bound")
    func mailbox() throws {
        let received = Mutex<[Int]>([])
        let loop = try EventLoop()
        let mailbox = try Mailbox<Int> { number in received.withLock { $0.append(number) } }
        mailbox.open(on: loop)
        let turns = Turns()
        turns.onTurn = { if received.withLock({ $0.count }) == 300 { loop.stop() } }
        loop.turnHandler = turns
        let thread = try Reactor.Thread(name: "mail") {
            for number in 0..<300 { mailbox.post(number) }
        }
        loop.run()
        thread.join()
        #expect(received.withLock { $0 } == Array(0..<300))
        let small = try Mailbox<Int>(capacity: 2) { _ in }
        #expect(small.post(1))
        #expect(small.post(2))
        #expect(!small.post(3))
    }
}

@Suite("Sockets")
struct SocketTests {
    @Test("addresses are read and written in one form")
    func addresses() {
        for text in ["127.0.0.1:8080", "[::1]:443", "0.0.0.0:0", "[::]:65535"] {
            #expect(SocketAddress(text)?.description == text)
        }
        #expect(SocketAddress("localhost:1")?.description == "127.0.0.1:1")
        for text in [
            "", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "a:b", "[a]:1",
        ] {
            #expect(SocketAddress(text) == nil, "\(text)")
        }
    }

    /// Whether a listener takes a connection at an address.
    private static func isTaken(_ text: String, by listener: Int32) throws -> Bool {
        let client = try Socket.connect(to: try #require(SocketAddress(text)))
        defer { Socket.close(client) }
        for _ in 0..<200 {
            if case .connection(let taken) = Socket.accept(listener) {
                Socket.close(taken)
                return true
            }
            if Socket.pendingError(client) != 0 { return false }
            poll(nil, 0, 1)
        }
        return false
    }

    @Test("[::] takes connections of both families, 0.0.0.0 those of IPv4 alone")
    func families() throws {
        for (text, takesIPv4, takesIPv6) in [
            ("[::]:0", true, true), ("0.0.0.0:0", true, false), ("[::1]:0", false, true),
        ] {
            let address = try #require(SocketAddress(text))
            // A machine may be without IPv6.
            guard let listener = try? Socket.listen(on: address, reusePort: true) else { continue }
            defer { Socket.close(listener) }
            let port = try SocketAddress(boundTo: listener).port
            #expect(try Self.isTaken("127.0.0.1:\(port)", by: listener) == takesIPv4, "\(text)")
            guard takesIPv6 else { continue }
            #expect(try Self.isTaken("[::1]:\(port)", by: listener), "\(text)")
        }
    }

    @Test("several listeners share a port, and a second without sharing says why it cannot")
    func listening() throws {
        let address = try #require(SocketAddress("127.0.0.1:0"))
        let first = try Socket.listen(on: address, reusePort: true)
        defer { Socket.close(first) }
        let bound = try SocketAddress(boundTo: first)
        #expect(bound.port > 0)
        let second = try Socket.listen(on: bound, reusePort: true)
        Socket.close(second)
        do {
            Socket.close(try Socket.listen(on: bound, reusePort: false))
            Issue.record("bound twice")
        } catch {
            #expect(error.code == EADDRINUSE)
            #expect("\(error)".contains("bind 127.0.0.1"))
        }
    }

    @Test(
        "clients inherit from their listener that small pieces go at once, and the dead are found")
    func inherited() throws {
        func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
            var value: Int32 = -1
            var length = socklen_t(MemoryLayout<Int32>.size)
            unsafe getsockopt(descriptor, level, name, &value, &length)
            return value
        }
        let address = try #require(SocketAddress("127.0.0.1:0"))
        let listener = try Socket.listen(on: address, reusePort: false)
        defer { Socket.close(listener) }
        let far = try Socket.connect(to: try SocketAddress(boundTo: listener))
        defer { Socket.close(far) }
        var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&entry, 1, 5000)
        guard case .connection(let client) = Socket.accept(listener) else {
            Issue.record("not accepted")
            return
        }
        defer { Socket.close(client) }
        let tcp = Int32(IPPROTO_TCP)
        #expect(option(client, tcp, TCP_NODELAY) != 0)
        #expect(option(client, SOL_SOCKET, SO_KEEPALIVE) != 0)
        #expect(option(client, tcp, TCP_KEEPIDLE) == Socket.keepAliveIdleSeconds)
        #expect(option(client, tcp, TCP_KEEPINTVL) == Socket.keepAliveIntervalSeconds)
    }

    @Test("a peer that resets differs from one that closes")
    func ends() throws {
        let address = try #require(SocketAddress("127.0.0.1:0"))
        let listener = try Socket.listen(on: address, reusePort: false)
        defer { Socket.close(listener) }
        for resets in [false, true] {
            let client = try Socket.connect(to: try SocketAddress(boundTo: listener))
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&entry, 1, 5000)
            guard case .connection(let server) = Socket.accept(listener) else {
                Issue.record("not accepted")
                return
            }
            if resets { Socket.resetOnClose(client) }
            Socket.close(client)
            var readable = pollfd(fd: server, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&readable, 1, 5000)
            var buffer = ByteBuffer()
            let outcome = Socket.receive(server, into: &buffer, room: 10)
            #expect(outcome == (resets ? .failed(ECONNRESET) : .closed))
            Socket.close(server)
        }
        #expect(Socket.accept(listener) == .wouldBlock)
    }

    @Test("processors and descriptors are counted")
    func resources() {
        #expect(Reactor.Thread.processorCount >= 1)
        #expect(Resources.raiseDescriptorLimit() >= 256)
    }
}
