public import Gateway
public import HTTP
public import Primitives
import Synchronization
public import Telemetry

/// The pages for operators and probes: `/healthz`, `/readyz`, `/metrics`; what operators do besides
/// is for ``OperatorActions``.
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
    }

    /// A worker that has not turned for this long is stuck: its timers alone turn it every 15 s.
    private static let stuckAfter = Interval.seconds(60)

    private let workers: [WorkerMetrics]
    private let exposition: Exposition
    private let readiness: Readiness
    private let records: RecordSource?
    /// What all but probes have to show; nil where nothing is asked for.
    private let token: [UInt8]?
    private let actions: (any OperatorActions)?

    /// Pages about these workers.
    public init(
        workers: [WorkerMetrics], readiness: Readiness, version: String,
        failureClasses: [String] = [], records: RecordSource? = nil,
        reloads: ReloadMetrics? = nil, certificates: CertificateMetrics? = nil,
        limits: @escaping @Sendable () -> [LimitMetrics] = { [] }, token: Secret? = nil,
        actions: (any OperatorActions)? = nil
    ) {
        self.actions = actions
        self.workers = workers
        self.readiness = readiness
        exposition = Exposition(
            workers: workers, version: version, failureClasses: failureClasses,
            records: records, reloads: reloads, certificates: certificates, limits: limits
        )
        self.token = token.map { Array($0.reveal().utf8) }
        self.records = records
    }

    /// The page of a path, or what an action of an operator's answers.
    public func respond(
        to head: borrowing RequestHead, body: Span<UInt8>,
        later: @escaping (LocalResponse) -> Void
    ) -> LocalResponse? {
        let path = head.path
        let isReading = head.method == .get || head.method == .head
        if isReading, path.matches("/healthz") { return health() }
        if isReading, path.matches("/readyz") {
            return readiness.isReady
                ? text(200, "ready\n") : text(503, "not ready: draining or starting\n")
        }
        guard isAllowed(head) else {
            return text(401, "this page wants the token of [admin]: Authorization: Bearer …\n")
        }
        let request = OperatorRequest(method: head.method.name, path: path.text)
        if let actions, actions.know(request) {
            guard isReading || token != nil else {
                return text(403, "nothing is changed here without a token under [admin]\n")
            }
            return actions.act(on: request, body: body) { later($0.page) }?.page
        }
        guard isReading else { return text(405, "only GET and HEAD are answered here\n") }
        if path.matches("/metrics") {
            return LocalResponse(
                status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
                body: exposition.text()
            )
        }
        return text(404, "here are /healthz, /readyz, /metrics, /keys and /limits\n")
    }

    /// Whether a request shows the token, compared in the same time wherever it differs.
    private func isAllowed(_ head: borrowing RequestHead) -> Bool {
        guard let token else { return true }
        guard let shown = head.authorizationToken, shown.count == token.count else { return false }
        var difference: UInt8 = 0
        for index in token.indices { difference |= token[index] ^ shown[index] }
        return difference == 0
    }

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
        guard let trouble = records?.metrics.currentTrouble, !trouble.isEmpty else {
            return text(200, "ok\n")
        }
        return text(200, "ok, but exchanges are not recorded: \(trouble)\n")
    }

    private func text(_ status: Int, _ body: String) -> LocalResponse {
        LocalResponse(status: status, contentType: "text/plain; charset=utf-8", body: body)
    }
}
