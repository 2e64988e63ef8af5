import ExchangeCore
import HTTP
import Primitives
import Reactor
import Transfers

// DESIGN
//
// A client's connection carries bytes: it receives requests, sends responses, and closes. What a
// request is about belongs to its exchange, which is made at the head and dropped when it settles.
// The steps of the way stand in files of their own, in this order:
//
//   ClientSocket                   bytes in and out of the client's descriptor, and its close
//   ClientSocket+Handshaking       TLS, before the first request
//   ClientConnection+Receiving     receive: bytes in, heads and bodies out of them
//   RequestIntake                  receive: a body that is kept, passed on as it comes, or refused
//   CallerCheck                    admit: who calls, by the key that the request shows
//   RequestStart                   route: the target that the request goes to, or a refusal
//   RequestFitness                 admit: what may not go where the route leads
//   Metering                       admit: the caller's limits, and what they are charged in the end
//   RequestExchange+Attempting     attempt: the request goes to a vendor, and how that ends
//   RequestExchange+FailingOver    attempt: what follows one that failed
//   Attempt                        the transfer's delegate: what libcurl reports
//   ResponsePipeline               inspect, filter, hold: between a vendor's bytes and the writer
//   ResponseWriter                 relay: heads, pieces and ends in HTTP towards the client
//   ExchangeRecorder               the tee: what happens, written to the worker's journal
//   OwnAnswer                      answers without a vendor's: failures, pages, preflights
//   ClientConnection+Sending       the output to the client, once a turn; what follows a response
//   ClientConnection+Clocks        everything that may take too long
//   DetachedAnswer                 an answer that goes on after its client, for the record
//   Tunnel                         a WebSocket: bytes both ways, once a vendor has opened it
//   RequestExchange+Settling       settle: the end of an exchange
//
// Two functions are called from inside libcurl (see `TransferDelegate`): they write to the output
// and may pause a transfer, and do nothing else. Everything that starts or ends a transfer runs
// from the top level of a turn.

/// One client.
final class ClientConnection: DescriptorHandler, TimerHandler {
    /// The phase of a connection between two bytes.
    enum Phase {
        /// Nothing of a request has come.
        case idle
        /// A head is coming in.
        case head
        /// A body is coming in; a large one is being passed on meanwhile.
        case body
        /// The request is whole, or no more of it is wanted; the response is due or going out.
        case answering
        /// The vendor has opened a WebSocket: bytes go both ways until one side ends.
        case tunnel
        /// The response is out; what the client still sends is read and dropped.
        case lingering
        case closed
    }

    let worker: Worker
    var socket: ClientSocket
    /// The connection's index among its worker's.
    let slot: Int
    /// Whether it is one too many: it gets its refusal, and nothing else.
    let isTurnedAway: Bool
    let parser = RequestParser()
    /// The request being served; nil between two.
    var exchange: RequestExchange?
    var phase = Phase.idle
    /// When the phase began; for a body, when its last byte came.
    var phaseBegan: Instant
    /// When the request's first byte came.
    var requestBegan: Instant
    var lastClientProgress: Instant

    /// Bytes received beyond the current request.
    var pending = ByteBuffer()
    var isReadPaused = false
    /// Bytes for the client that the kernel has not taken.
    var output = ByteBuffer()
    var isAwaitingFlush = false
    /// The turn in which the first piece was last sent ahead of the rest: its reading of the clock.
    var lastSentFirst = Instant.distantFuture

    var timer: TimerWheel.Timer?
    var armedAt = Instant.distantFuture
    /// Whether bytes are being received, which may change the phase several times.
    var isReceiving = false
    /// Whether the clock is looked at once they are.
    var isClockDue = false
    /// Whether another clock runs once the output is empty, which may be due before the timer is.
    var isClockChanged = false

    var servedCount = 0
    /// An empty body for the next request: an object less to be made for each.
    var spareBody: KeptBody?
    var caller = KnownCaller()
    var lingerBytesLeft = 0

    init(
        _ worker: Worker, descriptor: Int32, from origin: ClientSocket.Origin, slot: Int,
        isTurnedAway: Bool
    ) {
        self.worker = worker
        socket = ClientSocket(descriptor, from: origin)
        self.slot = slot
        self.isTurnedAway = isTurnedAway
        let now = worker.loop.now
        phaseBegan = now
        requestBegan = now
        lastClientProgress = now
        parser.bodyBytesMax = worker.intakeBounds.acceptedBytesMax
    }

    func open() {
        timer = worker.loop.timers.create(self)
        let isWatched = worker.loop.watch(socket.descriptor, for: [.read, .peerClose], self)
        guard isWatched else { return close() }
        ensureClock()
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        if readiness.contains(.write) { flush() }
        // Sending may have found out that the client is gone, and then the descriptor is, too.
        guard socket.isOpen else { return }
        if phase == .lingering { return linger(readiness) }
        if phase == .tunnel { return exchange?.tunnel?.clientReady(readiness) ?? () }
        // While a response is due a closed connection is a client that no longer wants it; a client
        // that closes only its own side is taken for one too, as other proxies do.
        if phase == .answering, !readiness.isDisjoint(with: .closed) { return clientGone() }
        if socket.writeWantsRead, readiness.contains(.read) { flush() }
        guard socket.isOpen else { return }
        if !readiness.isDisjoint(with: [.read, .closed]) || socket.wantsWrite { receive() }
    }

    func enter(_ phase: Phase) {
        self.phase = phase
        phaseBegan = worker.loop.now
        ensureClock()
    }

    /// Sets the events that the loop watches the descriptor for.
    func updateInterest() {
        // A tunnel passes bytes on that came before its client's end, which is for later.
        let whilePaused: Interest = phase == .tunnel ? [] : .peerClose
        var interest: Interest = isReadPaused ? whilePaused : [.read, .peerClose]
        if !output.isEmpty, !isAwaitingFlush { interest.insert(.write) }
        if socket.wantsWrite { interest.insert(.write) }
        worker.loop.watch(socket.descriptor, for: interest, self)
    }

    func pauseReading() {
        guard !isReadPaused else { return }
        isReadPaused = true
        updateInterest()
    }

    func resumeReading() {
        guard isReadPaused else { return }
        isReadPaused = false
        // The time in which it was not read was not the client's.
        if phase == .body {
            phaseBegan = worker.loop.now
            exchange?.upload.resumed(now: phaseBegan)
        }
        updateInterest()
        ensureClock()
    }
}
