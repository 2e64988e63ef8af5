import Codings
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Transfers

// DESIGN
//
// A client's connection drives the exchanges that come over it, one after the other: it carries out
// what `Exchange` decides. The steps stand in files of their own, in the order of the way:
//
//   Connection+Receiving   receive: bytes in, heads and bodies out of them
//   Connection+Routing     route: the target that the request goes to, or why to none
//   Connection+Attempting  attempt: the request goes to a vendor
//   Connection+FailingOver attempt: what follows one that came to nothing
//   Connection+Holding     hold: until the response is known to be an answer
//   Connection+Relaying    relay: the vendor's head and bytes into the output
//   Connection+Teeing      tee: what happens, told to the journal
//   Connection+Sending     the output to the client, once per turn; what follows a response
//   Connection+Clocks      everything that may take too long
//   Connection+Unheard     an answer that goes on after its client, for the record
//   Connection+Settling    the end of an exchange, and of the connection
//
// Two places are called from inside libcurl (see `TransferDelegate`): they write into the output
// and may pause a transfer, and do nothing else. Everything that starts or ends a transfer runs
// from the top level of a turn.

/// One client.
final class Connection: DescriptorHandler, TimerHandler {
    /// Where a connection stands between two bytes.
    enum Phase {
        /// Nothing of a request has come.
        case idle
        /// A head is coming in.
        case head
        /// A body is coming in; a large one is being passed on meanwhile.
        case body
        /// The request is whole, or no more of it is wanted; the response is due or going out.
        case answering
        /// The response is out; what the client still sends is read and dropped.
        case lingering
        /// The client is gone; the vendor's answer is read to its end for the record.
        case unheard
        case closed
    }

    /// How the body of the current request is taken in.
    enum BodyMode {
        case keep
        case stream(length: Int?)
    }

    let worker: Worker
    let descriptor: Int32
    let slot: Int
    let parser = RequestParser()
    /// The vendors and chains of the current exchange; at rest, the worker's own.
    var edition: Edition

    var phase = Phase.idle
    var exchange = ExchangeState()
    var bodyMode = BodyMode.keep
    var bodyBytes = 0
    var identifier: Identifier?
    var route: RoutingTable.Route?
    /// What the request's body says, once it was asked for.
    var content: RequestContent?
    /// Bytes of a body too large to keep at which its model is looked for again.
    var modelScanBytes = 0
    /// What the web origin of the request means.
    var origin = CallerPolicy.Origin.none
    var transfer: Transfer?
    var framing = ResponseFraming.none
    /// Targets that this exchange has tried.
    var tried = TriedTargets()
    /// The response that is held back, and the last one that turned out to be no answer.
    var hold: Hold?
    var lastAnswer: Hold?
    /// When the same target is tried again.
    var resumeAt: Instant?
    /// The request's body with another model in it, as the current target wants it.
    var spliced = ByteBuffer()
    /// Whether the response is a stream of events, one under a content coding, and how it ended so
    /// far.
    var isEventStream = false
    var isEncodedStream = false
    var streamEnd = StreamEnd()
    /// Tells contents from comments and pings after the commit, where a clock asks for it.
    var contents: ContentWatch?

    /// Undoes the content coding of the response on the side, for those who look into it.
    var answerDecoder: ContentDecoder?

    /// Looks for the terminal marker of a stream that must have one.
    var terminal: TerminalWatch?

    /// Whether the vendor was asked for a usage that the client did not ask for, and what takes it
    /// out of the stream again.
    var isUsageInjected = false
    var usageFilter: UsageFilter?

    /// What of the exchange is told to the journal.
    var tee = Tee()
    var knownKey: KnownKey?

    /// Bytes received beyond the current request.
    var pending = ByteBuffer()
    /// Bytes for the client that the kernel has not taken.
    var output = ByteBuffer()
    var isAwaitingFlush = false
    /// Whether the whole response is in the output, or gone.
    var isResponseComplete = false
    /// Whether nothing is served on this connection after the current response.
    var closesAfterResponse = false
    /// Whether the response broke off, so that the client must not take it for whole.
    var isBrokenOff = false
    /// Whether the client may still be sending when the response is out.
    var lingersAfterResponse = false
    var isReadPaused = false
    var servedCount = 0
    var hasResponseBytes = false
    /// Relayed bytes that the counters of the vendor do not know of yet.
    var uncountedBytes = 0

    var timer: TimerWheel.Timer?
    var armedAt = Instant.distantFuture
    /// Whether another clock runs once the output is empty, which may be due before the timer is.
    var isClockChanged = false
    /// When the current phase began; for a body, when its last byte came.
    var phaseBegan: Instant
    /// When the request's first byte came.
    var requestBegan: Instant
    /// When the request was whole, or its streaming began.
    var requestEnded: Instant
    var attemptBegan: Instant
    var lastVendorByte: Instant
    var lastClientProgress: Instant
    /// The turn in which the first piece was last sent ahead of the rest: its reading of the clock.
    var lastSentFirst = Instant.distantFuture
    var lingerBytesLeft = Limits.lingerBytes
    var unheardBytesLeft = 0
    /// Whether the descriptor is ours: once closed, its number is somebody else's.
    var hasDescriptor = true

    init(_ worker: Worker, descriptor: Int32, slot: Int) {
        self.worker = worker
        self.descriptor = descriptor
        self.slot = slot
        edition = worker.edition
        let now = worker.loop.now
        phaseBegan = now
        requestBegan = now
        requestEnded = now
        attemptBegan = now
        lastVendorByte = now
        lastClientProgress = now
    }

    func open() {
        timer = worker.loop.timers.create(self)
        guard worker.loop.watch(descriptor, for: [.read, .peerClose], self) else { return close() }
        ensureClock()
    }

    /// Tells a client that there are too many, without reading what it wants.
    static func turnAway(_ descriptor: Int32) {
        var text = ByteBuffer()
        text.append("HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\n")
        text.append("content-length: 30\r\nretry-after: 1\r\nconnection: close\r\n\r\n")
        text.append("weir: too many connections now")
        _ = Socket.send(descriptor, from: &text)
        Socket.shutDownWriting(descriptor)
        Socket.close(descriptor)
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        if readiness.contains(.write) { flush() }
        // Sending may have found out that the client is gone, and then the descriptor is, too.
        guard hasDescriptor else { return }
        if phase == .lingering { return linger(readiness) }
        // While a response is due a closed connection is a client that no longer wants it; a client
        // that closes only its own side is taken for one too, as other proxies do.
        if phase == .answering, !readiness.isDisjoint(with: .closed) { return clientGone() }
        if !readiness.isDisjoint(with: [.read, .closed]) { receive() }
    }

    func enter(_ phase: Phase) {
        self.phase = phase
        phaseBegan = worker.loop.now
        ensureClock()
    }

    /// Tells the loop what is wanted of the descriptor just now.
    func updateInterest() {
        var interest: Interest = isReadPaused ? .peerClose : [.read, .peerClose]
        if !output.isEmpty, !isAwaitingFlush { interest.insert(.write) }
        worker.loop.watch(descriptor, for: interest, self)
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
        if phase == .body { phaseBegan = worker.loop.now }
        updateInterest()
        ensureClock()
    }
}
