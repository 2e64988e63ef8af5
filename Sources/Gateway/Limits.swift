import Config
import ExchangeCore
import Primitives
import Routing

/// Bounds that no operator needs to set, each with its reason.
enum Limits {
    /// Bytes taken from one client per turn, so that a fast sender does not hold up the others.
    static let receiveBytesPerTurn = 64 << 10
    /// Connections taken per turn and listener: sixteen take as long as one step of a handshake.
    static let acceptsPerTurn = 16
    /// Connections that come after one another in less than this are a rush: in each turn of it
    /// twice as many are taken.
    static let acceptPeriod = Interval.milliseconds(1)
    /// Response bytes waiting for a client at which its vendor is paused, and at which it goes on.
    static let outputHighBytes = 256 << 10
    static let outputLowBytes = 64 << 10
    /// Upload bytes waiting for a vendor at which a client is not read, and at which it is again.
    static let uploadHighBytes = 256 << 10
    static let uploadLowBytes = 64 << 10
    /// Bytes of a body too large to keep at which its model is first looked for.
    static let modelScanBytesMin = 64 << 10
    /// Clients beyond the limit that are refused in order at the same time, for each worker.
    static let turnedAwayConnections = 64
    /// Handshakes of TLS under way at once, for each worker: each holds some 54 KiB.
    static let handshakesMax = 512
    /// How long a handshake may last where another one has no room: a client far away takes half of
    /// it, and one that stopped in the middle keeps others out for no longer.
    static let handshakePatience = Interval.seconds(1)
    /// Steps of handshakes a turn.
    ///
    /// One takes a quarter to half of a millisecond of a P-256 key, twice that of RSA. A chunk that
    /// comes waits for the rest of the turn, and for its own.
    static let handshakeStepsPerTurn = 1
    /// How long a vendor may take to answer a WebSocket's handshake: its clients wait no longer.
    static let handshakeTime = Interval.seconds(15)
    /// Bytes of following requests kept while one is being served.
    static let pipelinedBytes = 64 << 10
    /// How long a request's body waits for memory.
    static let roomTime = Interval.seconds(5)
    /// How often requests that wait for memory look for it: other workers give it back unseen.
    static let roomInterval = Interval.milliseconds(20)
    /// Resting clients that are closed at once when there are no descriptors left: to find them
    /// all connections are looked at.
    static let restingClosedAtOnce = 16
    /// How long accepting rests when there are no descriptors left.
    static let acceptPause = Interval.milliseconds(250)
    /// How long a connection goes on being read after its last response and after each byte since,
    /// and how far at least.
    ///
    /// A client that sends all before it reads sees the answer then, instead of a reset. It is read
    /// as far as `max_body` where that is more: no further than a body that is wanted.
    static let lingerTime = Interval.seconds(2)
    static let lingerBytesMin = 64 << 20
    /// How long a connection that has not sent its first request may take to do so while draining.
    static let drainGrace = Interval.seconds(1)
}

extension Limits {
    /// How long a clock lets something take: the chain's, the server's, or one of these.
    static func interval(
        of clock: Clock, _ route: RoutingTable.Route?, _ server: Configuration.Server
    ) -> Interval {
        if clock == .handshake { return handshakeTime }
        return route?.clocks.interval(of: clock) ?? server.slowClientTimeout
    }
}

/// How long, and how far, a detached answer is read: a vendor may never end one.
struct DetachedBounds: Sendable {
    var time = Interval.seconds(120)
    var bytes = 16 << 20
}
