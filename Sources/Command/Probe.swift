import Config
import Cryptography
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Transfers

/// Asks a vendor or a gateway for one page, with the machinery that serves.
final class Probe: TransferDelegate, TurnHandler {
    /// The answer to a probe.
    struct Answer {
        let status: Int
        let result: TransferResult
        let took: Interval
    }

    private let loop: EventLoop
    private let lanes: Lanes
    private var answer: Answer?
    private let began = Instant.now()

    private init() throws(SystemError) {
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
        var host = String(listen[..<(listen.lastIndex(of: ":") ?? listen.endIndex)])
        if host == "0.0.0.0" { host = "127.0.0.1" }
        if host == "[::]" { host = "[::1]" }
        if admin.tls.isOn { return try healthOverTLS(host, address.port) }
        let origin = Endpoint.Origin(scheme: "http", host: host, port: address.port)
        let answer = try ask(origin, path: "/healthz", trust: nil)
        if answer?.status == 200 { return true }
        Output.error("weir: not well: \(describe(answer))")
        return false
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

    /// Connects to every vendor and prints the result.
    ///
    /// Any answer at all is a vendor that can be reached: no credential is sent.
    static func vendors(_ configuration: Configuration) throws -> Bool {
        var allReached = true
        for vendor in configuration.vendors {
            let origin = Endpoint.Origin(
                scheme: vendor.scheme, host: vendor.host, port: vendor.port)
            let answer: Answer?
            do {
                let trust =
                    vendor.scheme == "https" || vendor.proxy?.scheme == "https"
                    ? try TrustStore(file: vendor.caFile) : nil
                answer = try ask(
                    origin, path: "\(vendor.basePath)/models", trust: trust,
                    proxy: SnapshotMaker.proxy(vendor))
            } catch let error as TrustStore.LoadError {
                Output.text("# \(vendor.name): not reached: \(error)\n")
                allReached = false
                continue
            }
            let isReached = answer?.status ?? 0 > 0
            if !isReached { allReached = false }
            let state = isReached ? "reached" : "not reached"
            let took = answer.map { " in \($0.took.nanoseconds / 1_000_000) ms" } ?? ""
            Output.text(
                "# \(vendor.name): \(state): \(describe(answer))\(took)\n"
            )
        }
        return allReached
    }

    /// Whether a server answers a page with 200.
    static func answers(_ origin: Endpoint.Origin, path: String) throws -> Bool {
        try ask(origin, path: path, trust: nil)?.status == 200
    }

    private static func ask(
        _ origin: Endpoint.Origin, path: String, trust: TrustStore?, proxy: Proxy? = nil
    ) throws -> Answer? {
        let probe = try Probe()
        guard
            let endpoint = Endpoint(
                name: "probe", origin: origin, index: 0, trust: trust,
                addresses: nil, proxy: proxy
            ), let transfer = probe.lanes.makeTransfer(to: endpoint)
        else { return nil }
        transfer.target.append(text: path)
        transfer.prepare(method: .get, body: .none, connectTimeout: .seconds(5))
        if let result = probe.lanes.start(transfer, delegate: probe) {
            return Answer(status: 0, result: result, took: .zero)
        }
        probe.loop.run()
        return probe.answer
    }

    private static func describe(_ answer: Answer?) -> String {
        guard let answer else { return "no answer" }
        if answer.status > 0 { return "HTTP \(answer.status)" }
        return answer.result.detail.isEmpty
            ? answer.result.code.explained : "\(answer.result.code.name): \(answer.result.detail)"
    }

    var hasPendingWork: Bool { lanes.hasDueLanes }

    func turnEnded() { lanes.runDueLanes() }

    func transferReceivedHead(_ transfer: Transfer) {}

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {}

    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece {
        .end
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        answer = Answer(status: transfer.head.status, result: result, took: Instant.now() - began)
        loop.stop()
    }
}
