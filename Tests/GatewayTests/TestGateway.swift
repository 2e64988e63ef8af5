import Access
import Config
import ExchangeCore
import Glibc
import HTTP
import Journal
import LogStore
import Logging
import Primitives
import Reactor
import Routing
import Support
import Synchronization
import Telemetry
import Testbed
import Transfers

@testable import Gateway

/// A gateway of one worker on a thread of this process, with all checks of the debug build on.
final class TestGateway: Sendable {
    let port: Int
    let metrics: WorkerMetrics
    let bodies: BodyBudget
    let log = CapturedLog()
    let record: TestRecord
    let ledger = Ledger()
    private let mailbox: Mailbox<WorkerOrder>
    private let thread: Reactor.Thread
    private let hasEnded = Atomic<Bool>(false)
    private let indexes = Mutex(OriginIndexes())

    private static let isPrepared: Bool = {
        Resources.raiseDescriptorLimit()
        signal(SIGPIPE, SIG_IGN)
        return Curl.initialize()
    }()

    /// Starts a gateway with a configuration in TOML, its record in a folder of its own.
    init(
        _ toml: String, host: String = "127.0.0.1", detached: DetachedBounds = DetachedBounds(),
        staleWindow: StaleWindow = .unbounded, roomTime: Interval = .seconds(3600),
        keyring: IssuerKeyring? = nil
    ) throws {
        guard Self.isPrepared, let address = SocketAddress("\(host):0") else {
            throw SystemError(call: "curl_global_init")
        }
        let configuration = try Self.configuration(toml)
        let record = try TestRecord(configuration.log, logger: log.logger)
        self.record = record
        let descriptor = try Socket.listen(on: address, reusePort: true)
        port = try SocketAddress(boundTo: descriptor).port
        let bodies = BodyBudget(
            bytesMax: configuration.server.bodyBudget.bytes(of: MemoryLimit.bytes))
        self.bodies = bodies
        let metrics = WorkerMetrics(vendors: configuration.vendors.map(\.name))
        self.metrics = metrics
        var prepared = WorkerSettings(
            server: configuration.server,
            admission: Admission(
                connectionsMax: configuration.server.maxConnections,
                connectionsPerAddressMax: configuration.server.maxConnectionsPerAddress,
                bodies: bodies),
            logger: log.logger
        )
        prepared.detached = detached
        prepared.staleWindow = staleWindow
        prepared.roomTime = roomTime
        let settings = prepared
        let slot = Slot()
        let mailbox = try Mailbox<WorkerOrder> { slot.worker?.obey($0) }
        self.mailbox = mailbox
        let isOnLoopback = Configuration.isLoopback(configuration.server.listen[0])
        let ledger = ledger
        let first = try indexes.withLock {
            try Self.snapshot(configuration, &$0, ledger, keyring)
        }
        thread = try Reactor.Thread(name: "gateway") {
            guard let loop = try? EventLoop() else { return }
            mailbox.open(on: loop)
            let worker = Worker(
                settings: settings, metrics: metrics, loop: loop, snapshot: first,
                journal: record.workerJournal())
            slot.worker = worker
            worker.listen(on: descriptor, onLoopback: isOnLoopback)
            loop.run()
        }
    }

    private static func configuration(_ toml: String) throws -> Configuration {
        // A variable's name is its value.
        let secrets = SecretSource(environment: { $0 }, file: { _ in nil })
        return try Configuration.read(toml, file: "test", secrets: secrets).configuration
    }

    private static func snapshot(
        _ configuration: Configuration, _ indexes: inout OriginIndexes, _ ledger: Ledger,
        _ keyring: IssuerKeyring? = nil
    ) throws -> SnapshotPlan {
        let routing = RoutingTable(configuration)
        let access =
            configuration.asksForKeys
            ? AccessPlan(
                table: AccessTable(configuration, ledger, keyring: keyring), ledger: ledger,
                prices: try Self.prices(configuration)) : nil
        return SnapshotPlan(
            routing: routing, health: Health(targetCount: routing.targetCount),
            endpoints: configuration.vendors.map { vendor in
                let origin = Endpoint.Origin(
                    scheme: vendor.scheme, host: vendor.host, port: vendor.port)
                let proxy = vendor.proxy.map {
                    Proxy(
                        scheme: $0.scheme, host: $0.host, port: $0.port, user: $0.user,
                        password: $0.password)
                }
                let index = indexes.index(of: origin, via: proxy)
                return {
                    Endpoint(
                        name: vendor.name, origin: origin, index: index, trust: nil, addresses: nil,
                        proxy: proxy)
                }
            }, access: access)
    }

    private static func prices(_ configuration: Configuration) throws -> PriceTable {
        try PriceTable(
            version: "test",
            globs: configuration.prices.models.map { model in
                var price = PriceTable.Price()
                for one in model.prices { price.set(one.kind, one.dollars / 1e6) }
                price.inputMax = model.maxInput > 0 ? model.maxInput : nil
                price.outputMax = model.maxOutput > 0 ? model.maxOutput : nil
                return (model.glob, price)
            }, file: nil)
    }

    /// Serves by the vendors and chains of another configuration; waits until it does.
    func adopt(_ toml: String) throws {
        let configuration = try Self.configuration(toml)
        let plan = try indexes.withLock { try Self.snapshot(configuration, &$0, ledger) }
        let isAdopted = Flag()
        mailbox.post(.adopt(plan) { isAdopted.raise() })
        try self.await("the worker to follow") { isAdopted.isRaised }
    }

    private final class Flag: Sendable {
        private let flag = Atomic<Bool>(false)
        var isRaised: Bool { flag.load(ordering: .acquiring) }
        func raise() { flag.store(true, ordering: .releasing) }
    }

    /// A gateway to one vendor on this machine, which serves all three dialects.
    convenience init(
        vendor: Int, server: String = "", credential: String = "client", chain: String = "",
        each: String = "", scheme: String = "http", host: String = "127.0.0.1",
        staleWindow: StaleWindow = .unbounded
    ) throws {
        let origin = "\(scheme)://\(host):\(vendor)"
        let vendors = ["openai", "anthropic", "gemini"].map { name in
            """
            [vendors.\(name)]
            base_url = "\(origin)\(name == "openai" ? "/v1" : "")"
            credential = "\(credential)"
            \(each)
            """
        }
        let chains =
            chain.isEmpty
            ? ""
            : """

            [[chains]]
            name = "test"
            targets = [{ vendor = "openai" }]
            [chains.clocks]
            \(chain)
            """
        try self.init(
            "[server]\n\(server)\n" + vendors.joined(separator: "\n") + chains,
            staleWindow: staleWindow)
    }

    /// A gateway with a chain of vendors `v0`, `v1`, … on this machine, each with the same further
    /// lines; `rest` follows the chain's targets.
    convenience init(
        chain ports: [Int], dialect: String = "openai", each: String, server: String = "",
        rest: String = "", detached: DetachedBounds = DetachedBounds()
    ) throws {
        let base = dialect == "openai" ? "/v1" : ""
        let vendors = ports.enumerated().map { index, port in
            """
            [vendors.v\(index)]
            dialect = "\(dialect)"
            base_url = "http://127.0.0.1:\(port)\(base)"
            credential = "none"
            \(each)
            """
        }
        let targets = ports.indices.map { "{ vendor = \"v\($0)\" }" }.joined(separator: ", ")
        let chain = "[[chains]]\nname = \"c\"\ntargets = [\(targets)]\n\(rest)\n"
        try self.init(
            "[server]\n\(server)\n" + vendors.joined(separator: "\n") + "\n" + chain,
            detached: detached)
    }

    func order(_ order: WorkerOrder) {
        mailbox.post(order)
    }

    /// Waits until the worker has ended, as after a drain.
    func join() {
        guard !hasEnded.exchange(true, ordering: .relaxed) else { return }
        thread.join()
        record.end()
    }

    func stop() {
        order(.stop)
        join()
    }

    /// Waits until a condition holds, looking again whenever the worker has turned.
    func await(_ what: String, _ condition: () -> Bool) throws {
        guard Patience.await(everyMilliseconds: 2, condition) else {
            throw RawConnection.Failure.timedOut(what)
        }
    }

    /// How many exchanges ended so; whole answers with an error's status are complete, too.
    func outcomes(_ outcome: Outcome) -> Int {
        let count = Outcome.allCases.count
        let withStatus = outcome == .complete ? [count, count + 1] : []
        let indices = [outcome.rawValue] + withStatus
        return metrics.vendors.reduce(0) { sum, vendor in
            indices.reduce(sum) { $0 + vendor.outcomes[$1].current }
        }
    }

    private final class Slot: @unchecked Sendable {
        // Written and read on the worker's thread alone.
        var worker: Worker?
    }
}

/// The operational log's lines, kept.
final class CapturedLog: Sendable {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(log: self) }
    }

    private struct Handler: LogHandler {
        let log: CapturedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        init(log: CapturedLog) {
            self.log = log
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let text = "\(event.message) \(event.metadata ?? [:])"
            log.kept.withLock { $0.append(text) }
        }
    }
}

/// Requests as text.
enum Request {
    /// A chat call whose answer is scripted through fields.
    static func chat(
        _ fields: [String: String] = [:], stream: Bool = false,
        path: String = "/v1/chat/completions", extra: String = ""
    ) -> String {
        let body =
            "{\"model\":\"gpt-4o\",\"stream\":\(stream),"
            + "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
        let script = fields.sorted { $0.key < $1.key }
            .map { "X-Mock-\($0.key): \($0.value)\r\n" }.joined()
        return "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\(script)\(extra)\r\n\(body)"
    }

    static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
    }
}

extension ScriptedVendor {
    /// A scripted vendor on a free port.
    convenience init() throws {
        guard let address = SocketAddress("127.0.0.1:0") else { throw SystemError(call: "address") }
        try self.init(listen: address)
    }

    /// What the vendor saw.
    func statistics() throws -> VendorView {
        let client = try RawConnection(port: port)
        let response = try client.exchange("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return try VendorView(response.text)
    }
}

extension StaleWindow {
    /// However long it takes: a machine that is busy delays what happens at once.
    static var unbounded: StaleWindow {
        StaleWindow(least: .seconds(3600), most: .seconds(3600))
    }
}
