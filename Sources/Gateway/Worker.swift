public import Access
public import Config
public import Cryptography
import ExchangeCore
public import Logging
import Primitives
public import Reactor
import Routing
public import Telemetry
import Transfers

/// The settings of every worker: values, and the few objects that workers share.
public struct WorkerSettings: Sendable {
    /// `[server]`.
    public var server: Configuration.Server
    /// How many clients may come in.
    public var admission: Admission
    /// Where to say what an operator should know.
    public var logger: Logger
    /// How far detached answers are read.
    var detached = DetachedBounds()
    /// How long a body waits for memory.
    var roomTime = Limits.roomTime
    /// How soon a pooled connection must fail to be taken for one that was dead.
    var staleWindow = StaleWindow()

    /// Settings of these parts.
    public init(
        server: Configuration.Server, admission: Admission, logger: Logger
    ) {
        self.server = server
        self.admission = admission
        self.logger = logger
    }
}

/// An order to a worker from another thread.
public enum WorkerOrder: Sendable {
    /// Adopt a snapshot for the exchanges that begin from now on; then call.
    case adopt(SnapshotPlan, @Sendable () -> Void)
    /// Adopt other keys for requests that begin from now on, nil for none; then call.
    case adoptAccess(AccessPlan?, @Sendable () -> Void)
    /// Leave clients that come to another process, whose sockets are the same; give those that are
    /// here one more answer, and call once the last of them has gone. `keeping`: which of the
    /// listeners may be resumed; others close.
    case retire(keeping: [Bool], rested: @Sendable () -> Void)
    /// Take clients in from one more socket, too.
    case listen(on: Int32, onLoopback: Bool, ServerIdentity?)
    /// Record exchanges that begin from now on, as none could be until now.
    case record(@Sendable () -> WorkerJournal?)
    /// Call, which says that the loop turns.
    case answer(@Sendable () -> Void)
    /// Take clients in again: the other process is gone.
    case resume
    /// Accept no new exchanges, let running ones end, then leave the loop.
    case drain
    /// Leave the loop at once.
    case stop
}

/// One thread's share of the gateway: its loop, its listener, its clients and its lanes.
///
/// Nothing of it crosses to another thread.
public final class Worker: TurnHandler, TimerHandler {
    /// The reactor.
    public let loop: EventLoop
    let lanes: Lanes
    /// The snapshot of exchanges that begin now.
    private(set) var snapshot: RoutingSnapshot
    let settings: WorkerSettings
    let serverLimits: Deadlines.ServerLimits
    let policy: CallerPolicy
    let metrics: WorkerMetrics
    let logger: Logger
    /// Answers instead of vendors: on the listener for operators.
    var responder: (any Responder)? { pages?.responder }
    /// The responder, and the answers that it gives later.
    let pages: LocalPages?
    let buffers = BufferPool()
    var random = RandomSource()
    /// Where exchanges are recorded; nil when nothing is kept.
    var journal: WorkerJournal?
    var chunkTee: ChunkTee
    /// Where bytes are read into: lent to the connection that reads.
    var input = ByteBuffer(capacity: Limits.receiveBytesPerTurn)
    /// A decoded piece of an encoded response: lent to the connection that takes it.
    var plain = ByteBuffer()

    private var listeners: ContiguousArray<Listener> = []
    private var connections = ConnectionTable()
    private var detached = DetachedExchanges()
    private var unflushed = FlushQueue()
    /// The requests whose bodies wait for memory.
    private(set) lazy var roomQueue = RoomQueue(self)
    /// The memory for bodies.
    let bodies: BodyBudget
    /// What bounds a request's body.
    let intakeBounds: RequestIntake.Bounds
    /// What handshakes of TLS may take.
    var handshakes = Handshakes()
    private var ending = Ending()
    /// The requests that wait for a limit.
    private(set) lazy var limitQueue = LimitQueue(self)

    /// A worker that relays to vendors, or answers by a responder.
    public init(
        settings: WorkerSettings, metrics: WorkerMetrics, loop: EventLoop, snapshot: SnapshotPlan,
        responder: (any Responder)? = nil, journal: WorkerJournal? = nil
    ) {
        self.settings = settings
        serverLimits = Deadlines.ServerLimits(
            keepalive: settings.server.keepaliveTimeout, head: settings.server.headTimeout,
            slowClient: settings.server.slowClientTimeout, body: settings.server.bodyTimeout,
            room: settings.roomTime, drainGrace: Limits.drainGrace, linger: Limits.lingerTime)
        bodies = settings.admission.bodies
        intakeBounds = RequestIntake.Bounds(
            bytesMax: settings.server.maxBodyBytes,
            // A body that takes all of the memory by itself would wait for room in vain.
            keptBytesMax: min(settings.server.replayLimitBytes, bodies.bytesMax / 2),
            canStream: responder == nil)
        policy = CallerPolicy(settings.server)
        self.metrics = metrics
        self.loop = loop
        self.snapshot = RoutingSnapshot(snapshot, metrics)
        pages = responder.map { LocalPages($0, on: loop) }
        self.journal = journal
        chunkTee = ChunkTee(journal)
        journal?.adopt(self.snapshot.routing.mask)
        logger = settings.logger
        lanes = Lanes(loop: loop, staleWindow: settings.staleWindow)
        loop.turnHandler = self
    }

    /// Whether something is taken out of bodies before they are recorded.
    var redactsBodies: Bool { journal?.redactor != nil }

    /// Whether no new exchanges are wanted.
    var isDraining: Bool { ending.isDraining }

    /// Whether an answer that begins now is the last on its connection.
    var isLeaving: Bool { ending.isDraining || ending.isRetired }

    /// Whether bodies are looked through for secrets of the gateway's.
    var masksBodies: Bool { journal?.masksSecrets ?? false }

    /// Starts to take clients in from a listening socket, which becomes the worker's.
    ///
    /// `isOnLoopback`: whether this machine alone can reach its address. With an `identity` clients
    /// must speak TLS.
    public func listen(
        on descriptor: Int32, onLoopback isOnLoopback: Bool, identity: ServerIdentity? = nil
    ) {
        let origin = ClientSocket.Origin(
            isOnLoopback: isOnLoopback, identity: identity,
            proxyNetworks: responder == nil ? settings.server.proxyNetworks : [])
        listeners.append(Listener(self, descriptor: descriptor, origin: origin))
    }

    private func stopListening() {
        for listener in listeners { listener.close() }
        listeners.removeAll()
    }

    /// Whether the next turn need not wait.
    public var hasPendingWork: Bool { lanes.hasDueLanes || !unflushed.isEmpty }

    /// Lets libcurl work on what is due, then sends what has been gathered: one send per client and
    /// turn, however many pieces came for it.
    public func turnEnded() {
        metrics.turns.add()
        metrics.lastTurn.set(Int(loop.now.nanoseconds))
        lanes.runDueLanes()
        let flushing = unflushed.take()
        for index in flushing.indices { flushing[index].flush() }
        unflushed.giveBack(flushing)
        handshakes.turnEnded()
        roomQueue.turnEnded()
        while let exchange = detached.nextToStop() { DetachedAnswer.stop(exchange) }
        if ending.isStopping { finishStopping() }
    }

    /// Carries out an order.
    ///
    /// Only on the worker's thread.
    public func obey(_ order: WorkerOrder) {
        switch order {
        case .adopt(let plan, let adopted):
            adopt(plan)
            endRevokedTunnels()
            adopted()
        case .adoptAccess(let access, let adopted):
            snapshot = RoutingSnapshot(snapshot, access: access)
            endRevokedTunnels()
            adopted()
        case .retire(let kept, let rested): retire(keeping: kept, rested)
        case .listen(let descriptor, let isOnLoopback, let identity):
            if isDraining { return Socket.close(descriptor) }
            listen(on: descriptor, onLoopback: isOnLoopback, identity: identity)
        case .record(let journal): record(in: journal())
        case .answer(let turned): turned()
        case .resume: resume()
        case .drain: drain()
        case .stop: stop()
        }
    }

    private func retire(keeping kept: [Bool], _ rested: @escaping @Sendable () -> Void) {
        guard !isDraining else { return }
        ending.isRetired = true
        ending.rested = rested
        for (listener, isKept) in zip(listeners, kept) {
            if isKept { listener.rest() } else { listener.close() }
        }
        listeners.removeAll { !$0.isOpen }
        checkWhetherLeft()
    }

    private func resume() {
        guard ending.isRetired, !isDraining else { return }
        ending.isRetired = false
        ending.rested = nil
        for listener in listeners { listener.resume() }
    }

    /// Ends the connections of operators, whose pages another process answers from now on; those
    /// that wait for an answer only with `all`.
    public func endConnections(all: Bool) {
        for connection in connections.all {
            if all { connection?.abandon() } else { connection?.drain() }
        }
    }

    /// Other keys are known than before.
    private func endRevokedTunnels() {
        for connection in connections.all { connection?.exchange?.tunnel?.endIfRevoked() }
    }

    private func adopt(_ plan: SnapshotPlan) {
        let next = RoutingSnapshot(plan, metrics)
        lanes.replace(snapshot.endpoints, by: next.endpoints)
        journal?.adopt(snapshot.routing.mask.joined(with: next.routing.mask))
        snapshot = next
    }

    func accepted(_ descriptor: Int32, from origin: ClientSocket.Origin) {
        metrics.accepted.add()
        guard settings.admission.enter() || takeSeatOfDetached() || takeSeatOfOldest() else {
            return turnAway(descriptor, from: origin)
        }
        open(descriptor, from: origin, isTurnedAway: false)
    }

    private func open(
        _ descriptor: Int32, from origin: ClientSocket.Origin, isTurnedAway: Bool
    ) {
        let connection = connections.insert {
            ClientConnection(
                self, descriptor: descriptor, from: origin, slot: $0, isTurnedAway: isTurnedAway)
        }
        connection.open()
        if connection.socket.isOpen { PlainRefusal.turnAwayByAddress(connection) }
    }

    /// Refuses a client that is one too many.
    ///
    /// Its request is read for the dialect in which it is refused, and the connection closes in
    /// order. Of such clients, too, there may only be so many.
    private func turnAway(_ descriptor: Int32, from origin: ClientSocket.Origin) {
        metrics.turnedAway.add()
        guard connections.turnedAwayCount < Limits.turnedAwayConnections else {
            metrics.closed.add()
            // Without a handshake a client of TLS could not read why.
            return origin.identity == nil
                ? PlainRefusal.turnAway(descriptor) : Socket.close(descriptor)
        }
        open(descriptor, from: origin, isTurnedAway: true)
    }

    /// An answer without a client gives way to a client that comes when there are too many.
    private func takeSeatOfDetached() -> Bool {
        guard let exchange = detached.first else { return false }
        DetachedAnswer.stop(exchange)
        return settings.admission.enter()
    }

    /// On the listener for operators the connection that has waited longest gives way: a probe is
    /// always answered.
    private func takeSeatOfOldest() -> Bool {
        guard responder != nil, let oldest = connections.longest(1).first else { return false }
        oldest.abandon()
        return settings.admission.enter()
    }

    /// Where as many handshakes are under way as may be, ends the one that has taken longest,
    /// unless an honest client may take as long.
    func makeRoomForHandshake() {
        guard handshakes.isFull, handshakes.hasStep, let oldest = connections.longestHandshake,
            loop.now - oldest.phaseBegan > Limits.handshakePatience
        else { return }
        metrics.handshakesFailed.add()
        oldest.socket.breakOff()
        oldest.close()
    }

    /// Closes some clients that have rested longest, because there are no descriptors left.
    ///
    /// Returns whether any was closed.
    func closeResting() -> Bool {
        var count = 0
        for connection in connections.longest(Limits.restingClosedAtOnce, isResting: true)
        where connection.giveWay() { count += 1 }
        metrics.gaveWay.add(count)
        return count > 0
    }

    /// A connection is closed; `successor` is the detached exchange that keeps its seat.
    func closed(_ connection: ClientConnection, leaving successor: RequestExchange?) {
        connections.remove(connection)
        metrics.closed.add()
        if let address = connection.socket.countedAddress {
            settings.admission.addresses?.leave(address)
        }
        if let successor {
            detached.append(successor)
        } else if !connection.isTurnedAway {
            settings.admission.leave()
        }
        checkWhetherLeft()
    }

    /// A detached exchange has settled.
    func detachedEnded(_ exchange: RequestExchange) {
        detached.remove(exchange)
        settings.admission.leave()
        checkWhetherLeft()
    }

    /// Finds out whether the last client that a drain or another process waits for has gone.
    private func checkWhetherLeft() {
        guard isLeaving, connections.count == 0, detached.isEmpty else { return }
        ending.isStopping = isDraining
        if let rested = ending.rested {
            ending.rested = nil
            rested()
        }
    }

    /// Marks a detached exchange, which the end of the turn ends.
    func needsStop(_ exchange: RequestExchange) {
        detached.needsStop(exchange)
    }

    func needsFlush(_ connection: ClientConnection) {
        unflushed.append(connection)
    }

    private func drain() {
        guard !isDraining else { return }
        ending.isDraining = true
        stopListening()
        if settings.server.drainTimeout > .zero {
            let timer = loop.timers.create(self)
            ending.timer = timer
            loop.timers.arm(timer, at: loop.now + settings.server.drainTimeout)
        }
        for connection in connections.all { connection?.drain() }
        checkWhetherLeft()
    }

    /// The drain has lasted as long as it may.
    public func timerFired(_ timer: TimerWheel.Timer) {
        logger.warning(
            "the drain timed out, connections are closed",
            metadata: ["connections": "\(connections.count)"]
        )
        stop()
    }

    private func stop() {
        ending.isDraining = true
        stopListening()
        for connection in connections.all { connection?.abandon() }
        for exchange in detached.all { exchange.end(as: .truncated) }
        ending.isStopping = true
    }

    private func finishStopping() {
        guard connections.count == 0, detached.isEmpty else { return }
        ending.isStopping = false
        if let timer = ending.timer { loop.timers.destroy(timer) }
        ending.timer = nil
        lanes.close(endpoints: snapshot.endpoints)
        loop.stop()
    }
}

@available(*, unavailable)
extension Worker: Sendable {}
