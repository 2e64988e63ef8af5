public import Config
public import Primitives

/// The moment at which a step has taken too long, and the clock that measures it.
public struct Deadline: Equatable, Sendable {
    /// The moment.
    public let at: Instant
    /// What it measures.
    public let clock: Clock

    init(_ at: Instant, _ clock: Clock) {
        self.at = at
        self.clock = clock
    }
}

/// The next deadline of a connection and of its exchange, computed anew from the times of events,
/// so that traffic moves no timer.
public enum Deadlines {
    /// What a connection waits for.
    public enum Stage: Equatable, Sendable {
        /// The next request; `isDraining`: there is to be none.
        case nextRequest(isDraining: Bool)
        /// The rest of a request's head.
        case head
        /// More of a body; `isPaused`: the vendor does not take it, and the client is not read.
        case body(isPaused: Bool)
        /// The response, or its delivery.
        case response
        /// More bytes of a tunnel, either way; `ended`: when its client had no more.
        case tunnel(ended: Instant?)
        /// The client to close, once it has its response.
        case lingering
    }

    /// The limits of `[server]`, and the fixed ones.
    public struct ServerLimits: Sendable {
        /// Between two requests.
        public var keepalive: Interval
        /// For a request's head.
        public var head: Interval
        /// For a client to take or send something.
        public var slowClient: Interval
        /// For a request's body that is kept.
        public var body: Interval
        /// For a body that waits for memory.
        public var room: Interval
        /// For the first request of a connection, while draining.
        public var drainGrace: Interval
        /// For a client to close after its response.
        public var linger: Interval

        /// Limits of these lengths.
        public init(
            keepalive: Interval, head: Interval, slowClient: Interval, body: Interval,
            room: Interval, drainGrace: Interval, linger: Interval
        ) {
            self.keepalive = keepalive
            self.head = head
            self.slowClient = slowClient
            self.body = body
            self.room = room
            self.drainGrace = drainGrace
            self.linger = linger
        }
    }

    /// A connection: what it waits for, since when, and what waits for the client.
    public struct Connection {
        /// What it waits for.
        public var stage: Stage
        /// When the stage began; for a body, when its last byte came.
        public var stageBegan: Instant
        /// When the client last took or sent something.
        public var lastClientProgress: Instant
        /// Whether bytes wait for the client.
        public var hasOutput: Bool
        /// Whether a response is going out, or is there to its end.
        public var isAnswering: Bool
        /// The body that is coming in.
        public var upload: Upload?
        /// Until when its request waits for a limit of the client's.
        public var waitsUntil: Instant?

        /// A connection in this state.
        public init(
            stage: Stage, stageBegan: Instant, lastClientProgress: Instant, hasOutput: Bool,
            isAnswering: Bool, upload: Upload? = nil, waitsUntil: Instant? = nil
        ) {
            self.waitsUntil = waitsUntil
            self.stage = stage
            self.stageBegan = stageBegan
            self.lastClientProgress = lastClientProgress
            self.hasOutput = hasOutput
            self.isAnswering = isAnswering
            self.upload = upload
        }
    }

    /// An exchange in flight: its limits, and the times of its events.
    public struct Exchange {
        /// The limits of its chain.
        public var clocks: Chain.Clocks
        /// When the request was whole, or its streaming began.
        public var requestEnded: Instant
        /// When the current attempt began.
        public var attemptBegan: Instant
        /// When the vendor last gave or took a byte.
        public var lastVendorByte: Instant
        /// Whether bytes of the response came that were passed on.
        public var hasResponseBytes: Bool
        /// When the last content came, where that is watched.
        public var lastContent: Instant?
        /// When the same target is tried again.
        public var resumeAt: Instant?
        /// Until when the response may be held.
        public var holdUntil: Instant?
        /// When the client gets a sign of life.
        public var heartbeatAt: Instant?
        /// Until when a handshake must be answered.
        public var handshakeUntil: Instant?

        /// An exchange whose request has just become whole.
        public init(clocks: Chain.Clocks, requestEnded: Instant) {
            self.clocks = clocks
            self.requestEnded = requestEnded
            attemptBegan = requestEnded
            lastVendorByte = requestEnded
            hasResponseBytes = false
        }
    }

    /// The next deadline of a connection, and of the exchange in flight on it.
    public static func next(
        _ connection: Connection, _ exchange: Exchange?, _ limits: ServerLimits
    ) -> Deadline? {
        let began = connection.stageBegan
        let slowClient = Deadline(connection.lastClientProgress + limits.slowClient, .slowClient)
        switch connection.stage {
        case .nextRequest(let isDraining):
            return isDraining
                ? Deadline(began + limits.drainGrace, .drainGrace)
                : Deadline(began + limits.keepalive, .keepalive)
        case .head:
            return Deadline(began + limits.head, .head)
        case .body where connection.hasOutput && connection.isAnswering:
            // The answer came before the request was complete, and the client does not take it.
            return slowClient
        case .body(let isPaused):
            if let since = connection.upload?.awaitsRoomSince {
                return Deadline(since + limits.room, .room)
            }
            // A client that is not read cannot be slow.
            let client = isPaused ? nil : slowUpload(connection, limits)
            return earlier(
                client, exchange.flatMap { vendor($0, stage: connection.stage, began: began) })
        case .response:
            if connection.hasOutput { return earlier(slowClient, exchange.flatMap(total)) }
            if let at = connection.waitsUntil { return Deadline(at, .limit) }
            guard let exchange else { return nil }
            let heartbeat = exchange.heartbeatAt.map { Deadline($0, .heartbeat) }
            if let at = exchange.resumeAt {
                return earlier(heartbeat, earlier(Deadline(at, .backoff), total(exchange)))
            }
            let vendor = vendor(exchange, stage: connection.stage, began: began)
            let answer = earlier(exchange.handshakeUntil.map { Deadline($0, .handshake) }, vendor)
            let hold = exchange.holdUntil.map { Deadline($0, .hold) }
            return earlier(heartbeat, earlier(hold, answer))
        case .tunnel(let ended):
            if let ended { return Deadline(ended + limits.slowClient, .tunnelEnd) }
            let client = connection.hasOutput ? slowClient : nil
            return earlier(client, exchange.flatMap { tunnel($0, connection) })
        case .lingering:
            return Deadline(began + limits.linger, .linger)
        }
    }

    /// When a detached exchange has gone on for long enough: the vendor's own clocks go on, and
    /// beyond them there is a bound.
    ///
    /// `hasHead`: whether the response's head has come.
    public static func detached(
        _ exchange: Exchange, since began: Instant, atMost time: Interval, hasHead: Bool
    ) -> Deadline {
        var at = began + time
        let clocks = exchange.clocks
        if clocks.total > .zero { at = min(at, exchange.requestEnded + clocks.total) }
        if hasHead {
            if clocks.idle > .zero { at = min(at, exchange.lastVendorByte + clocks.idle) }
        } else if clocks.firstContent > .zero {
            at = min(at, exchange.attemptBegan + clocks.firstContent)
        }
        return Deadline(at, .detached)
    }

    /// When a client that is read is too slow: it sends nothing, or too little in all.
    private static func slowUpload(
        _ connection: Connection, _ limits: ServerLimits
    ) -> Deadline? {
        let silent = Deadline(connection.stageBegan + limits.slowClient, .slowClient)
        guard let upload = connection.upload else { return silent }
        let slow =
            upload.isStreamed
            ? Deadline(upload.paceBegan + Upload.paceTime, .pace)
            : Deadline(upload.began + limits.body, .body)
        return earlier(silent, slow)
    }

    private static func vendor(
        _ exchange: Exchange, stage: Stage, began: Instant
    ) -> Deadline? {
        let clocks = exchange.clocks
        if stage == .body(isPaused: true), clocks.idle > .zero {
            // The client is held up because the vendor does not take the upload.
            return earlier(
                Deadline(exchange.lastVendorByte + clocks.idle, .idle), total(exchange))
        }
        if !exchange.hasResponseBytes {
            // A vendor may wait for the end of an upload, which is the client's time.
            guard clocks.firstContent > .zero, stage == .response else { return total(exchange) }
            let at = max(exchange.attemptBegan, began) + clocks.firstContent
            return earlier(Deadline(at, .firstContent), total(exchange))
        }
        let idle =
            clocks.idle > .zero ? Deadline(exchange.lastVendorByte + clocks.idle, .idle) : nil
        let content = exchange.lastContent.map { Deadline($0 + clocks.contentIdle, .contentIdle) }
        return earlier(earlier(idle, content), total(exchange))
    }

    /// When a tunnel has been silent both ways for too long.
    private static func tunnel(_ exchange: Exchange, _ connection: Connection) -> Deadline? {
        guard exchange.clocks.tunnelIdle > .zero else { return nil }
        let last = max(exchange.lastVendorByte, connection.lastClientProgress)
        return Deadline(last + exchange.clocks.tunnelIdle, .tunnelIdle)
    }

    private static func total(_ exchange: Exchange) -> Deadline? {
        guard exchange.clocks.total > .zero else { return nil }
        return Deadline(exchange.requestEnded + exchange.clocks.total, .total)
    }

    private static func earlier(_ left: Deadline?, _ right: Deadline?) -> Deadline? {
        guard let left else { return right }
        guard let right else { return left }
        return left.at <= right.at ? left : right
    }
}
