import Config
import ExchangeCore
import Primitives
import Testing

@Suite("Deadlines")
struct DeadlinesTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)
    private static let limits = Deadlines.ServerLimits(
        keepalive: .seconds(60), head: .seconds(10), slowClient: .seconds(30),
        body: .seconds(50), room: .seconds(5), drainGrace: .seconds(1), linger: .seconds(2))

    private static func connection(
        _ stage: Deadlines.Stage, hasOutput: Bool = false, isAnswering: Bool = false,
        progress: Interval = .zero
    ) -> Deadlines.Connection {
        Deadlines.Connection(
            stage: stage, stageBegan: start, lastClientProgress: start + progress,
            hasOutput: hasOutput, isAnswering: isAnswering)
    }

    private static var noClocks: Chain.Clocks {
        var clocks = Chain.Clocks()
        clocks.firstContent = .zero
        clocks.idle = .zero
        clocks.contentIdle = .zero
        clocks.total = .zero
        return clocks
    }

    private static func exchange(
        _ change: (inout Deadlines.Exchange) -> Void = { _ in }
    ) -> Deadlines.Exchange {
        var clocks = Chain.Clocks()
        clocks.firstContent = .seconds(100)
        clocks.idle = .seconds(20)
        clocks.contentIdle = .seconds(50)
        clocks.total = .seconds(900)
        var exchange = Deadlines.Exchange(clocks: clocks, requestEnded: start)
        change(&exchange)
        return exchange
    }

    private static func next(
        _ connection: Deadlines.Connection, _ exchange: Deadlines.Exchange? = nil
    ) -> String {
        Deadlines.next(connection, exchange, limits).map {
            "\($0.clock) \(Int(($0.at - start).seconds))"
        } ?? "none"
    }

    @Test("of a connection without an exchange")
    func resting() {
        #expect(Self.next(Self.connection(.nextRequest(isDraining: false))) == "keepalive 60")
        #expect(Self.next(Self.connection(.nextRequest(isDraining: true))) == "drainGrace 1")
        #expect(Self.next(Self.connection(.head)) == "head 10")
        #expect(Self.next(Self.connection(.body(isPaused: false))) == "slowClient 30")
        #expect(Self.next(Self.connection(.body(isPaused: true))) == "none")
        #expect(Self.next(Self.connection(.response)) == "none")
        #expect(Self.next(Self.connection(.lingering)) == "linger 2")
    }

    @Test("of a tunnel: neither side's silence ends it, but for the clock that is there for it")
    func tunnels() {
        func tunnel(_ idle: Interval, ended: Interval? = nil, hasOutput: Bool = false) -> String {
            let exchange = Self.exchange {
                $0.clocks.tunnelIdle = idle
                $0.hasResponseBytes = true
            }
            let stage = Deadlines.Stage.tunnel(ended: ended.map { Self.start + $0 })
            return Self.next(Self.connection(stage, hasOutput: hasOutput), exchange)
        }
        // Idle, total and all others of the exchange are set, and count for nothing.
        #expect(tunnel(.zero) == "none")
        #expect(tunnel(.seconds(3700)) == "tunnelIdle 3700")
        #expect(tunnel(.zero, hasOutput: true) == "slowClient 30")
        #expect(tunnel(.zero, ended: .seconds(7)) == "tunnelEnd 37")
    }

    @Test("of an exchange whose response is due, comes, pauses, or waits for its client")
    func responding() {
        let response = Self.connection(.response)
        #expect(Self.next(response, Self.exchange()) == "firstContent 100")
        let later = Self.exchange { $0.attemptBegan = Self.start + .seconds(3) }
        #expect(Self.next(response, later) == "firstContent 103")
        let coming = Self.exchange {
            $0.hasResponseBytes = true
            $0.lastVendorByte = Self.start + .seconds(5)
        }
        #expect(Self.next(response, coming) == "idle 25")
        let comments = Self.exchange {
            $0.hasResponseBytes = true
            $0.lastVendorByte = Self.start + .seconds(45)
            $0.lastContent = Self.start
        }
        #expect(Self.next(response, comments) == "contentIdle 50")
        // What waits for the client is the client's time.
        let waiting = Self.connection(.response, hasOutput: true, progress: .seconds(4))
        #expect(Self.next(waiting, coming) == "slowClient 34")
        let resuming = Self.exchange { $0.resumeAt = Self.start + .seconds(1) }
        #expect(Self.next(response, resuming) == "backoff 1")
        let held = Self.exchange { $0.holdUntil = Self.start + .seconds(6) }
        #expect(Self.next(response, held) == "hold 6")
        let late = Self.exchange {
            $0.clocks.total = .seconds(2)
            $0.holdUntil = Self.start + .seconds(6)
        }
        #expect(Self.next(response, late) == "total 2")
        let unbounded = Self.exchange { $0.clocks = Self.noClocks }
        #expect(Self.next(response, unbounded) == "none")
        // Without a chain: before the first byte and after it.
        for hasBytes in [false, true] {
            let direct = Self.exchange {
                $0.clocks = .withoutChain
                $0.hasResponseBytes = hasBytes
            }
            #expect(Self.next(response, direct) == "none")
        }
    }

    @Test("of an exchange whose request is still coming in")
    func uploading() {
        let reading = Self.connection(.body(isPaused: false))
        #expect(Self.next(reading, Self.exchange()) == "slowClient 30")
        let paused = Self.connection(.body(isPaused: true))
        #expect(Self.next(paused, Self.exchange()) == "idle 20")
        let answered = Self.connection(
            .body(isPaused: false), hasOutput: true, isAnswering: true, progress: .seconds(9))
        #expect(Self.next(answered, Self.exchange()) == "slowClient 39")
        let unasked = Self.connection(.body(isPaused: false), hasOutput: true)
        #expect(Self.next(unasked) == "slowClient 30")
    }

    @Test("of a body that is slow in all, one that is passed on slowly, and one that waits")
    func bodies() {
        func next(
            isPaused: Bool = false, silentSince seconds: Int64 = 0,
            _ change: (inout Upload) -> Void
        ) -> String {
            var upload = Upload(began: Self.start)
            change(&upload)
            var connection = Self.connection(.body(isPaused: isPaused))
            connection.stageBegan = Self.start + .seconds(seconds)
            connection.upload = upload
            return Self.next(connection)
        }
        // Kept: the last byte came late, and the whole takes too long.
        #expect(next { _ in } == "slowClient 30")
        #expect(next(silentSince: 25) { $0.received(1 << 20, now: Self.start) } == "body 50")
        #expect(next(isPaused: true) { _ in } == "none")
        // Passed on: bytes come all the time, and too few.
        #expect(next(silentSince: 55) { $0.isStreamed = true } == "pace 60")
        let almost = next(silentSince: 55) {
            $0.isStreamed = true
            $0.received(Upload.paceBytes - 1, now: Self.start + .seconds(40))
        }
        #expect(almost == "pace 60")
        let enough = next(silentSince: 55) {
            $0.isStreamed = true
            $0.received(Upload.paceBytes - 1, now: Self.start + .seconds(40))
            $0.received(1, now: Self.start + .seconds(41))
        }
        #expect(enough == "slowClient 85")
        let span = next(silentSince: 95) {
            $0.isStreamed = true
            $0.received(Upload.paceBytes, now: Self.start + .seconds(41))
            $0.received(1, now: Self.start + .seconds(95))
        }
        #expect(span == "pace 101")
        // Not read for a while, for its vendor's sake.
        let resumed = next(silentSince: 90) {
            $0.isStreamed = true
            $0.resumed(now: Self.start + .seconds(90))
        }
        #expect(resumed == "slowClient 120")
        // Not read because there is no memory: the wait is not the client's.
        let waiting = next(isPaused: true) {
            $0.awaitRoom(now: Self.start + .seconds(7))
            $0.awaitRoom(now: Self.start + .seconds(9))
        }
        #expect(waiting == "room 12")
        let readOn = next(silentSince: 27) {
            $0.awaitRoom(now: Self.start + .seconds(7))
            $0.stopAwaitingRoom(now: Self.start + .seconds(10))
        }
        #expect(readOn == "body 53")
        #expect(
            next {
                $0.awaitRoom(now: Self.start)
                $0.stopAwaitingRoom(now: Self.start)
            } == "slowClient 30")
    }

    @Test("of an exchange without its client: the vendor's clocks, and a bound")
    func detached() {
        func at(_ exchange: Deadlines.Exchange, hasHead: Bool) -> Int {
            let deadline = Deadlines.detached(
                exchange, since: Self.start, atMost: .seconds(120), hasHead: hasHead)
            #expect(deadline.clock == .detached)
            return Int((deadline.at - Self.start).seconds)
        }
        #expect(at(Self.exchange(), hasHead: true) == 20)
        #expect(at(Self.exchange(), hasHead: false) == 100)
        #expect(at(Self.exchange { $0.clocks.total = .seconds(7) }, hasHead: true) == 7)
        #expect(at(Self.exchange { $0.clocks = Self.noClocks }, hasHead: true) == 120)
    }
}
