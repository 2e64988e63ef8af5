public import Gateway
public import HTTP
public import Primitives
import Synchronization
public import Telemetry

/// The pages for operators and probes: `/healthz`, `/readyz`, `/metrics`, and the page itself; what
/// operators do besides is for ``OperatorActions``.
public final class OperatorPages: Responder {
    /// Whether the gateway accepts clients; its composition sets it.
    public final class Readiness: Sendable {
        private let flag = Atomic<Bool>(false)

        /// Not ready.
        public init() {}

        /// Whether clients are accepted.
        public var isReady: Bool {
            get { flag.load(ordering: .relaxed) }
            set { flag.store(newValue, ordering: .relaxed) }
        }

        /// What is known of the keys that were made while the gateway ran.
        public enum Keys: Int, Sendable {
            case known
            /// They cannot be read: clients are let in by those of the configuration alone.
            case unread
            /// They cannot be read, and the configuration has none: no client is let in.
            case closed
        }

        private let keysState = Atomic<Int>(Keys.known.rawValue)

        /// What is known of them now.
        public var keys: Keys {
            get { Keys(rawValue: keysState.load(ordering: .relaxed)) ?? .closed }
            set { keysState.store(newValue.rawValue, ordering: .relaxed) }
        }
    }

    /// A worker that has not turned for this long is stuck: its timers alone turn it every 15 s.
    private static let stuckAfter = Interval.seconds(60)

    private let workers: [WorkerMetrics]
    private let exposition: Exposition
    private let readiness: Readiness
    private let records: RecordSource?
    private let status: GatewayStatus
    private let facts: GatewayFacts
    private let settings: Settings
    private let queries: PageQueries
    private var visitors: PageVisitors
    private let actions: (any OperatorActions)?
    private let fleet: FleetSource?

    /// What the pages are of.
    public struct Settings: Sendable {
        /// What all but probes have to show; nil where nothing is asked for.
        public var token: Secret?
        /// Whether header fields and bodies are shown.
        public var showsContent = false
        /// Whether this machine alone can reach the listener.
        public var isOnLoopback = false
        /// Whether the listener speaks TLS.
        public var isEncrypted = false
        /// The record's folder.
        public var recordFolder = ""

        /// Pages without a token, of no record.
        public init() {}
    }

    /// Pages about these workers.
    public init(
        _ settings: Settings, workers: [WorkerMetrics], readiness: Readiness,
        exposition: Exposition, status: GatewayStatus, facts: GatewayFacts,
        records: RecordSource?, actions: (any OperatorActions)? = nil, fleet: FleetSource? = nil
    ) {
        self.actions = actions
        self.fleet = fleet
        self.settings = settings
        self.workers = workers
        self.readiness = readiness
        self.exposition = exposition
        self.status = status
        self.facts = facts
        self.records = records
        queries = PageQueries(
            folder: settings.recordFolder, status: status, showsContent: settings.showsContent)
        visitors = PageVisitors(
            token: settings.token, isOnLoopback: settings.isOnLoopback,
            isEncrypted: settings.isEncrypted)
    }

    /// Asks for another token from now on, where one was asked for before.
    public func adopt(token: Secret?) {
        if let token { visitors.adopt(token: token) }
    }

    /// The page of a path, or what an action of an operator's answers.
    public func respond(
        to head: borrowing RequestHead, body: Span<UInt8>, later: () -> LaterAnswer?
    ) -> LocalResponse? {
        let path = head.path
        let isReading = head.method == .get || head.method == .head
        if isReading, path.matches("/healthz") { return health() }
        if isReading, path.matches("/readyz") {
            guard readiness.isReady else {
                return text(503, "not ready: draining or starting\n")
            }
            return readiness.keys == .closed
                ? text(503, "not ready: \(Self.closed)\n") : text(200, "ready\n")
        }
        if head.method == .post {
            if path.matches("/login") { return logIn(PageParameters(body), head) }
            if path.matches("/logout"), visitors.isKnown(head) {
                return PageAnswers.redirect(to: "/login", cookie: visitors.forgetAll(head))
            }
        }
        let request = OperatorRequest(method: head.method.name, path: path.text)
        if let actions, actions.know(request) {
            guard visitors.showsToken(head) else { return Self.wantsToken }
            return act(actions, request, body, later)
        }
        guard isReading else {
            return visitors.showsToken(head)
                ? text(405, "only GET and HEAD are answered here\n") : Self.wantsToken
        }
        if path.matches("/metrics") { return metrics(head) }
        return page(request.path, head, later)
    }

    private static var wantsToken: LocalResponse {
        LocalResponse(
            status: 401, contentType: "text/plain; charset=utf-8",
            body: "this page wants the token of [admin]: Authorization: Bearer …\n")
    }

    /// Has an action of an operator's carried out: a cookie is not enough, which a browser sends
    /// by itself.
    private func act(
        _ actions: any OperatorActions, _ request: OperatorRequest, _ body: Span<UInt8>,
        _ later: () -> LaterAnswer?
    ) -> LocalResponse? {
        guard request.method == "GET" || request.method == "HEAD" || settings.token != nil else {
            return text(403, "nothing is changed here without a token under [admin]\n")
        }
        let answer = later()
        return actions.act(on: request, body: body) { answer?.give(.whole($0.page)) }?.page
    }

    private func metrics(_ head: borrowing RequestHead) -> LocalResponse {
        guard visitors.showsToken(head) else { return Self.wantsToken }
        return LocalResponse(
            status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
            body: exposition.text())
    }

    private func logIn(
        _ form: PageParameters, _ head: borrowing RequestHead
    ) -> LocalResponse {
        guard let cookie = visitors.letIn(showing: form["token"] ?? "", in: head) else {
            return PageAnswers.redirect(to: "/login?wrong")
        }
        return PageAnswers.redirect(to: "/", cookie: cookie)
    }

    private func page(
        _ path: String, _ head: borrowing RequestHead, _ later: () -> LaterAnswer?
    ) -> LocalResponse? {
        guard visitors.hasPage else {
            return text(
                403, "beyond loopback there is no page without a token: set [admin] token\n")
        }
        let isKnown = visitors.isKnown(head)
        if path.hasPrefix("/api/") {
            guard isKnown else { return PageAnswers.fault(401, "the token of [admin] is needed") }
            do {
                return try answer(
                    String(path.dropFirst("/api".count)), PageParameters(head.query), later)
            } catch {
                return PageAnswers.fault(400, error.description)
            }
        }
        guard let asset = PageAsset(path: path) else {
            return text(404, "here are /, /healthz, /readyz, /metrics, /keys and /limits\n")
        }
        // Scripts and styles hold nothing of the operator's.
        return isKnown || path != "/"
            ? PageAnswers.asset(asset) : PageAnswers.redirect(to: "/login")
    }

    /// The answer of the API; nil where the page's thread gives it.
    private func answer(
        _ path: String, _ parameters: PageParameters, _ later: () -> LaterAnswer?
    ) throws(PageParameters.Fault) -> LocalResponse? {
        if path == "/status" { return PageAnswers.json(status.json()) }
        if path == "/route", let running = facts.current.running {
            return PageAnswers.json(try RouteView.json(parameters, running))
        }
        let question = try PageQuestion(
            path: path, parameters, now: Int(Identifier.wallClockMilliseconds()) * 1000,
            readsContent: settings.showsContent)
        guard let question else { return PageAnswers.fault(404, "there is no such page") }
        guard settings.showsContent || !question.isContent else {
            return PageAnswers.fault(403, "bodies are not shown; see [admin] show_content")
        }
        guard let answer = later() else {
            return PageAnswers.fault(503, "there are no descriptors left")
        }
        queries.ask(question, answer)
        return nil
    }

    private static let closed =
        "all clients are refused, because the keys in the record cannot be read"

    private func health() -> LocalResponse {
        let now = Instant.now()
        for (index, worker) in workers.enumerated() {
            let last = worker.lastTurn.current
            guard last > 0 else { continue }
            let silence = now - Instant(nanoseconds: Int64(last))
            if silence > Self.stuckAfter {
                return text(503, "worker \(index) has not turned for \(Int(silence.seconds)) s\n")
            }
        }
        // A restart would not help, and traffic goes on: the page says so with status 200.
        var troubles: [String] = []
        switch readiness.keys {
        case .known: break
        case .unread:
            troubles.append("keys in the record cannot be read, and are refused")
        case .closed: troubles.append(Self.closed)
        }
        if let trouble = records?.metrics.currentTrouble, !trouble.isEmpty {
            troubles.append("exchanges are not recorded: \(trouble)")
        }
        if let losses = records?.metrics.newLosses.current, losses > 0 {
            troubles.append("parts of the record are lost, weir logs verify names them: \(losses)")
        }
        if let trouble = fleet?.metrics.currentTrouble, !trouble.isEmpty {
            troubles.append("the store of shared limits is away: \(trouble)")
        }
        guard !troubles.isEmpty else { return text(200, "ok\n") }
        return text(200, "ok, but \(troubles.joined(separator: "\nand "))\n")
    }

    private func text(_ status: Int, _ body: String) -> LocalResponse {
        LocalResponse(status: status, contentType: "text/plain; charset=utf-8", body: body)
    }
}
