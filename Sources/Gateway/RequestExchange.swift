import Access
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
/// only ``settle()`` lets go of them.
final class RequestExchange {
    let client: ClientConnection
    // Held here, because a chunk that asks the client for it would count references.
    let worker: Worker
    /// The vendors and chains that serve it, even if the configuration is read again meanwhile.
    let snapshot: RoutingSnapshot
    var writer = ResponseWriter()
    var state = ExchangeState()
    var recorder = ExchangeRecorder()

    var intake = RequestIntake()
    /// How the body comes in.
    var upload: Upload
    /// What the web origin of the request means.
    var origin = CallerPolicy.Origin.none

    /// Who calls; nil where no key is asked for.
    var caller: ExchangeCaller?
    var identifier: Identifier?
    var route: RoutingTable.Route?
    /// The request in the dialect of the current target, where that is another.
    var translated: TranslatedRequest?
    /// The targets that were tried.
    var tried = TriedTargets()
    /// When the request was whole, or its streaming began.
    var requestEnded: Instant

    /// The attempt that is under way.
    var attempt: Attempt?
    /// The last attempt whose response turned out to be no answer; it is kept, because it is
    /// passed on when no target answers.
    var keptAttempt: Attempt?
    /// The attempt whose response the client gets.
    var answeringAttempt: Attempt?
    /// When the same target is tried again.
    var resumeAt: Instant?
    /// The bounds of a detached answer.
    var detached: DetachedAnswer?
    /// Signs of life for its client, where its chain wants them.
    var heartbeat: Heartbeat?
    /// The WebSocket that the request asks for.
    var tunnel: Tunnel?
    /// Its wait for a limit, while it waits.
    var limitWait: LimitWait?

    init(_ client: ClientConnection) {
        self.client = client
        worker = client.worker
        snapshot = client.worker.snapshot
        requestEnded = client.worker.loop.now
        upload = Upload(began: requestEnded)
    }

    /// The request as it was read.
    var request: RequestParser { client.parser }

    /// The current target's vendor.
    var vendor: SharedVendor? {
        route.map { snapshot.routing.vendors[$0.vendor] }
    }

    /// Whether a response is going out, or is there to its end.
    var isAnswering: Bool { writer.isComplete || state.isCommitted }

    /// How a log line names it.
    var logName: String { identifier.map(\.description) ?? "" }

    // MARK: Receiving

    /// The head is here: decides how the body is taken in.
    func headArrived() {
        let head = request
        writer.closesAfterwards = !head.head.keepsAlive || worker.isLeaving
        if let reason = EarlyRefusal.reason(for: self) {
            return refuse(reason.failure, closing: reason.isClosing)
        }
        let step = intake.headArrived(
            head.head, worker.intakeBounds, needsModel: needsModel(of: head.head))
        if case .refuse(let failure) = step { return refuse(failure, closing: true) }
        if head.head.expectsContinue, head.head.hasBody { writer.continues(to: client) }
        act(on: step)
    }

    /// More of the body is here, or its end, with so many bytes read from the client.
    func bodyArrived(_ bytesRead: Int, isWhole: Bool) {
        upload.received(bytesRead, now: worker.loop.now)
        let (isInFlight, head) = (state.isInFlight, request)
        act(
            on: intake.bodyArrived(
                head, worker.intakeBounds, worker.bodies, isInFlight: isInFlight,
                isWhole: isWhole, needsModel: needsModel(of: head.head)))
    }

    /// Whether the body is read before it is sent.
    private func needsModel(of head: borrowing RequestHead) -> Bool {
        snapshot.routing.needsModel(of: head) || caller?.key.readsBody ?? false
    }

    /// The request is whole.
    func requestArrived() {
        if let pages = worker.pages { return LaterAnswers.ask(pages, for: self) }
        if origin == .allowed, request.head.isPreflight { return answerHere(nil) }
        guard intake.isStreaming else {
            return OwnModelList.answer(self) ? () : RequestStart.begin(self)
        }
        attempt?.resumeSending()
        // The vendor may have answered before the upload was complete.
        if writer.isComplete { client.requestFlush() }
    }

    private func act(on step: RequestIntake.Step) {
        switch step {
        case .wait: break
        case .awaitRoom:
            worker.roomQueue.append(self)
        case .begin: if !OwnModelList.refuse(self) { RequestStart.begin(self) }
        case .resume:
            attempt?.resumeSending()
            if request.body.count > worker.roomQueue.uploadHighBytes {
                client.pauseReading()
                client.ensureClock()
            }
        case .drop: request.body.removeAll()
        case .refuse(let failure): refuse(failure, closing: true)
        case .refuseMidStream(let failure): refuseMidStream(failure)
        }
    }

    /// Gives the body's memory back, and the body itself to the next request of the connection.
    func returnBody() {
        guard let body = intake.takeBody() else { return }
        client.spareBody = KeptBody.emptied(body)
    }
}
