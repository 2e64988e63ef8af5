import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

/// One request and the response it gets: made at the head, dropped when it is settled.
///
/// It carries out what ``ExchangeState`` decides. Its parts hold each other while it lives;
/// ``settle()`` is the one place that lets go of them.
final class RequestExchange {
    /// How the body is taken in.
    enum BodyMode {
        /// Kept whole until a vendor has answered, so that it can be sent again.
        case keep
        /// Passed on as it comes, because it is too large to keep.
        case stream(length: Int?)
    }

    let client: ClientConnection
    // Held, not asked of the client: a chunk would count references on the way.
    let worker: Worker
    /// The vendors and chains by which it is served, whatever is read meanwhile.
    let snapshot: Edition
    var writer = ResponseWriter()
    var state = ExchangeState()
    var recorder = ExchangeRecorder()

    /// Whether the head was understood.
    var isHeadKnown = false
    var bodyMode = BodyMode.keep
    /// Bytes of a streamed body that were passed on.
    var bodyBytes = 0
    /// The body, once it is whole and to be sent.
    var body: KeptBody?
    /// What the body says, once it was asked for.
    var content: RequestContent?
    /// Bytes of a body too large to keep at which its model is looked for again.
    var modelScanBytes = 0
    /// What the web origin of the request means.
    var origin = CallerPolicy.Origin.none

    var identifier: Identifier?
    var route: RoutingTable.Route?
    /// The targets that were tried.
    var tried = TriedTargets()
    /// When the request was whole, or its streaming began.
    var requestEnded: Instant

    /// The attempt that is under way.
    var attempt: Attempt?
    /// The last attempt whose response turned out to be no answer, and is there to be passed on all
    /// the same.
    var keptAttempt: Attempt?
    /// The attempt whose response the client gets.
    var answeringAttempt: Attempt?
    /// When the same target is tried again.
    var resumeAt: Instant?
    /// What bounds an answer whose client has gone.
    var detachment: Detachment?

    init(_ client: ClientConnection) {
        self.client = client
        worker = client.worker
        snapshot = client.worker.edition
        requestEnded = client.worker.loop.now
    }

    /// The request as it was read.
    var request: RequestParser { client.parser }

    /// Whether the body is passed on as it comes.
    var isStreaming: Bool {
        if case .stream = bodyMode { return true }
        return false
    }

    /// The current target's vendor.
    var vendor: SharedVendor? {
        route.map { snapshot.routing.vendors[$0.vendor] }
    }

    /// Whether a response is going out, or is there to its end.
    var isAnswering: Bool { writer.isComplete || state.isCommitted }

    /// Whether the client would take a response that ends now for whole.
    var looksWholeWhenClosed: Bool { state.isCommitted && writer.framing == .close }

    /// What its vendor may take; nil where none is asked.
    var times: Deadlines.Exchange? {
        guard state.isInFlight, let route else { return nil }
        var times = Deadlines.Exchange(clocks: route.clocks, requestEnded: requestEnded)
        times.resumeAt = resumeAt
        guard let attempt else { return times }
        times.attemptBegan = attempt.began
        times.lastVendorByte = attempt.lastVendorByte
        times.hasResponseBytes = attempt.hasPassedBytes
        times.lastContent = attempt.pipeline.lastContent
        if let hold = attempt.pipeline.hold, route.plan.holdTime > .zero {
            times.holdUntil = hold.began + route.plan.holdTime
        }
        return times
    }

    /// How a log line names it.
    var logName: String { identifier.map(\.description) ?? "" }

    // MARK: Receiving

    /// The head is here: what is to become of the body.
    func headArrived() {
        isHeadKnown = true
        let head = request
        writer.closesAfterwards = !head.head.keepsAlive || worker.isDraining
        if worker.policy.refusesHost(of: head.head) {
            let failure = Failure.refused(
                421, "unknown_host",
                "this listener is reached by names of loopback, and by those under hosts in "
                    + "[server]; the request asks for another")
            return refuse(failure, closing: true)
        }
        origin = worker.policy.origin(of: head.head)
        writer.isReadableByPage = origin == .allowed
        let plan = Admission.plan(head.head, worker.settings.server)
        if case .refuse(let failure) = plan { return refuse(failure, closing: true) }
        if head.head.expectsContinue, head.head.hasBody { writer.continues(to: client) }
        guard plan == .stream else { return }
        guard worker.responder == nil else {
            return refuse(
                Admission.tooLarge(worker.settings.server.replayLimitBytes), closing: true)
        }
        // What decides the way of a body is read before it goes anywhere.
        if snapshot.routing.needsModel(of: head.head) {
            modelScanBytes = Limits.modelScanBytesMin
        } else {
            stream(length: head.head.contentLength)
        }
    }

    /// More of the body is here, or its end.
    func bodyArrived() {
        let server = worker.settings.server
        switch bodyMode {
        case .keep:
            guard request.body.count <= server.maxBodyBytes else {
                return refuse(Admission.tooLarge(server.maxBodyBytes), closing: true)
            }
            if modelScanBytes > 0 { return streamOnceModelIsKnown() }
            guard request.body.count > server.replayLimitBytes else { return }
            guard worker.responder == nil else {
                return refuse(Admission.tooLarge(server.replayLimitBytes), closing: true)
            }
            // Chunks without an announced length grew too large to keep: from here they stream.
            stream(length: nil)
        case .stream:
            guard state.isInFlight else {
                // The vendor has answered without wanting the rest.
                return request.body.removeAll()
            }
            guard bodyBytes + request.body.count <= server.maxBodyBytes else {
                return refuseMidStream(Admission.tooLarge(server.maxBodyBytes))
            }
            attempt?.resumeSending()
            if request.body.count > Limits.uploadHighBytes {
                client.pauseReading()
                client.ensureClock()
            }
        }
    }

    /// The request is whole.
    func requestArrived() {
        if let responder = worker.responder { return answer(responder.respond(to: request.head)) }
        if origin == .allowed, request.head.isPreflight { return answerPreflight() }
        switch bodyMode {
        case .keep:
            begin()
        case .stream:
            attempt?.resumeSending()
            // The vendor may have answered before the upload was complete.
            if writer.isComplete { client.requestFlush() }
        }
    }

    /// Begins to pass a body on that is too large to keep.
    private func stream(length: Int?) {
        bodyMode = .stream(length: length)
        begin()
    }

    /// Begins to pass a large body on once its beginning has told its model, or will not tell it.
    private func streamOnceModelIsKnown() {
        let replayLimit = worker.settings.server.replayLimitBytes
        guard request.body.count >= min(modelScanBytes, replayLimit) else { return }
        let found = request.withHead { head in
            request.withBody { RequestContent(head, $0.bytes, isWhole: false) }
        }
        if case .named = found.model.finding {
            content = found
        } else if request.body.count < replayLimit {
            // Twice as much each time: all of it is walked over twice at most.
            return modelScanBytes = 2 * request.body.count
        }
        modelScanBytes = 0
        stream(length: request.head.contentLength)
    }

    /// Gives the body's memory back, and the body itself to the next request of the connection.
    func returnBody() {
        guard let body = body.take() else { return }
        client.spareBody = KeptBody.emptied(body)
    }
}
