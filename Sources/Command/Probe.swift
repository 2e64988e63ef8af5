import Config
import Cryptography
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Transfers

/// Asks a vendor or a gateway for one page, with the machinery that serves.
final class Probe: TransferDelegate, TurnHandler, TimerHandler {
    /// The answer to a probe.
    struct Answer {
        let status: Int
        let result: TransferResult
        let took: Interval
        var body: [UInt8] = []
    }

    private let loop: EventLoop
    private let lanes: Lanes
    private var answer: Answer?
    private let began = Instant.now()
    /// The answer's body, as far as it is wanted.
    private var body: [UInt8] = []
    private let bodyBytesMax: Int
    private var transfer: Transfer?
    private let timeMax: Interval

    /// How long a whole answer is waited for: a container's check of health is given 30 seconds,
    /// and a list of models may be long.
    private static let timesMax = (health: Interval.seconds(10), list: Interval.seconds(30))

    private init(bodyBytesMax: Int) throws(SystemError) {
        self.bodyBytesMax = bodyBytesMax
        timeMax = bodyBytesMax > 0 ? Self.timesMax.list : Self.timesMax.health
        loop = try EventLoop()
        lanes = Lanes(loop: loop)
        loop.turnHandler = self
    }

    /// Whether the gateway with this operators' listener says that it is well.
    ///
    /// Its certificate is not checked: the question goes to this machine, and holds no secret.
    static func health(_ admin: Configuration.Admin) throws -> Bool {
        let listen = admin.listen
        guard !listen.isEmpty, let address = SocketAddress(listen) else {
            Output.error("weir: admin.listen is off, so there is no address to ask")
            return false
        }
        let host = host(of: listen)
        if admin.tls.isOn { return try healthOverTLS(host, address.port) }
        let origin = Endpoint.Origin(scheme: "http", host: host, port: address.port)
        let answer = try ask(origin, path: "/healthz", trust: nil)
        if answer?.status == 200 { return true }
        Output.error("weir: not well: \(describe(answer))")
        return false
    }

    /// The host at which this machine reaches a listener of its own.
    static func host(of listen: String) -> String {
        let host = String(listen[..<(listen.lastIndex(of: ":") ?? listen.endIndex)])
        return host == "0.0.0.0" ? "127.0.0.1" : host == "[::]" ? "[::1]" : host
    }

    private static func healthOverTLS(_ host: String, _ port: Int) throws -> Bool {
        guard let address = SocketAddress("\(host):\(port)") else { return false }
        let descriptor = try Socket.connect(to: address)
        defer { Socket.close(descriptor) }
        let status = TLSQuestion.status(over: descriptor, path: "/healthz")
        if status == 200 { return true }
        let answer = status.map { "status \($0)" } ?? "no answer over TLS"
        Output.error("weir: not well: \(answer)")
        return false
    }

    /// Whether a server answers a page with 200.
    static func answers(_ origin: Endpoint.Origin, path: String) throws -> Bool {
        try ask(origin, path: path, trust: nil)?.status == 200
    }

    /// Asks for a page; nil where memory is short.
    static func ask(
        _ origin: Endpoint.Origin, path: String, trust: TrustStore?, proxy: Proxy? = nil,
        fields: [(name: String, value: String)] = [], bodyBytesMax: Int = 0
    ) throws -> Answer? {
        let probe = try Probe(bodyBytesMax: bodyBytesMax)
        guard
            let endpoint = Endpoint(
                name: "probe", origin: origin, index: 0, trust: trust,
                addresses: nil, proxy: proxy
            ), let transfer = probe.lanes.makeTransfer(to: endpoint)
        else { return nil }
        transfer.target.append(text: path)
        for field in fields { transfer.headers.add(name: field.name, value: field.value) }
        transfer.prepare(method: .get, body: .none, connectTimeout: .seconds(5))
        if let result = probe.lanes.start(transfer, delegate: probe) {
            return Answer(status: 0, result: result, took: .zero)
        }
        probe.await(transfer)
        return probe.answer
    }

    private func await(_ transfer: Transfer) {
        self.transfer = transfer
        let timer = loop.timers.create(self)
        loop.timers.arm(timer, at: loop.now + timeMax)
        loop.run()
        loop.timers.destroy(timer)
    }

    /// A server that takes the question and answers nothing, or a byte now and then, has no end.
    func timerFired(_ timer: TimerWheel.Timer) {
        guard let transfer else { return }
        let took = Instant.now() - began
        answer = Answer(
            status: 0,
            result: TransferResult(
                notStarted: .operationTimedOut, detail: "no whole answer after \(timeMax)"),
            took: took)
        self.transfer = nil
        lanes.cancel(transfer)
        loop.stop()
    }

    /// What an answer is, for people.
    static func describe(_ answer: Answer?) -> String {
        guard let answer else { return "no answer" }
        if answer.status > 0 { return "HTTP \(answer.status)" }
        return answer.result.detail.isEmpty
            ? answer.result.code.explained : "\(answer.result.code.name): \(answer.result.detail)"
    }

    var hasPendingWork: Bool { lanes.hasDueLanes }

    func turnEnded() { lanes.runDueLanes() }

    func transferReceivedHead(_ transfer: Transfer) {}

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        for index in 0..<min(bytes.count, bodyBytesMax - body.count) { body.append(bytes[index]) }
    }

    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece {
        .end
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        self.transfer = nil
        answer = Answer(
            status: transfer.head.status, result: result, took: Instant.now() - began, body: body)
        loop.stop()
    }
}
