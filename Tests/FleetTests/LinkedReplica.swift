import Config
import Cryptography
import Logging
import Primitives
import Support
import Synchronization
import Telemetry

@testable import Access
@testable import Fleet

/// What was logged, as text.
final class LogLines: Sendable {
    private let kept = Mutex<[String]>([])

    var all: [String] { kept.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        init(lines: LogLines) {
            self.lines = lines
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.kept.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}

/// A ledger with a link of its own to a store, until the test ends.
final class LinkedReplica {
    let ledger = Ledger()
    let key: AccessKey
    let metrics = FleetMetrics()
    let log = LogLines()
    private let folder: ScratchFolder
    private let link: FleetLink

    init(
        _ url: String, _ limits: String, outage: String = "last_share", caFile: String = ""
    ) throws {
        folder = try ScratchFolder("weir-replica")
        let toml = "[limits]\nstore = \"\(url)\"\noutage = \"\(outage)\"\nca_file = \"\(caFile)\"\n"
        let (configuration, _) = try Configuration.read(
            toml, file: "test",
            secrets: SecretSource(environment: { _ in nil }, file: { _ in nil }))
        link = try FleetLink(sharing: ledger, outage: configuration.limits.outage)
        key = try LedgerFleet.key(limits, ledger)
        let isEncrypted = configuration.limits.store?.isEncrypted == true
        try link.run(
            FleetLink.Settings(
                limits: configuration.limits, replica: try Replica(folder: folder.path),
                ledger: ledger, trust: isEncrypted ? try TrustStore(file: caFile) : nil,
                metrics: metrics, logger: log.logger, adoptKeys: { _ in },
                adoptCooldowns: { _ in }))
    }

    deinit {
        link.end()
    }

    func admit() -> LimitRefusal? {
        let now = Int(Identifier.wallClockMilliseconds())
        if case .refused(let refusal) = ledger.admit(Demand(), key.path, now: now) {
            return refusal
        }
        return nil
    }

    var isAway: Bool { metrics.isReached.current == 0 }

    /// Whether any of what people are shown has a text.
    func shows(_ text: String) -> Bool {
        (log.all + [metrics.currentTrouble]).contains { $0.contains(text) }
    }
}
