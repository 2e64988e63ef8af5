public import Config
import Primitives
public import Routing
import Synchronization

/// What the gateway is at the moment, for the threads that show it: the composition writes it,
/// status and page read it.
public final class GatewayFacts: Sendable {
    /// What stays as it is for as long as the process lives.
    public struct Process: Sendable {
        /// The version.
        public var version = ""
        /// Its number.
        public var number = 0
        /// When it started; microseconds since 1970.
        public var started = 0
        /// The configuration's file; empty without one.
        public var file = ""
        /// Where clients connect to.
        public var listen = ""
        /// Worker threads.
        public var workers = 0

        /// Nothing known.
        public init() {}
    }

    /// What a reload replaces.
    public struct Running: Sendable {
        /// The configuration in force.
        public var configuration = Configuration()
        /// The file's SHA-256; empty without one.
        public var digest = ""
        /// Vendors and chains, made ready.
        public var routing: RoutingTable
        /// The health of the targets; indexes are those of this routing.
        public var health: Health

        /// A configuration in force.
        public init(
            _ configuration: Configuration, digest: String, routing: RoutingTable, health: Health
        ) {
            self.configuration = configuration
            self.digest = digest
            self.routing = routing
            self.health = health
        }
    }

    /// What a reading of the file has led to.
    public struct Reload: Sendable {
        /// Which one it is since the start, from 1.
        public var number = 0
        /// Whether it is in force.
        public var isApplied = false
        /// When; microseconds since 1970.
        public var time = 0
        /// The file's SHA-256; empty where it could not be read.
        public var digest = ""
        /// What differs from the reading before.
        public var changes: [String] = []
        /// Why it is not in force.
        public var faults: [String] = []
        /// What is probably wrong with it.
        public var warnings: [String] = []
        /// The sections whose changes wait for a restart.
        public var waiting: [String] = []

        /// A reading of which nothing is known.
        public init() {}
    }

    /// All of it, as it is at one moment.
    struct View: Sendable {
        var process = Process()
        var running: Running?
        var reload: Reload?
        var isDraining = false
        var isRetired = false
    }

    private let view = Mutex(View())

    /// Nothing known.
    public init() {}

    var current: View { view.withLock { $0 } }

    /// The gateway serves.
    public func started(_ process: Process, _ running: Running) {
        view.withLock {
            $0.process = process
            $0.running = running
        }
    }

    /// A file was read again; `running` is what is in force from now on, where it could be used.
    public func reloaded(_ reload: Reload, running: Running? = nil) {
        view.withLock { view in
            var reload = reload
            reload.number = (view.reload?.number ?? 0) + 1
            reload.time = Int(Identifier.wallClockMilliseconds()) * 1000
            view.reload = reload
            if let running { view.running = running }
        }
    }

    /// Whether another process serves, and speaks for both.
    public var isRetired: Bool {
        get { current.isRetired }
        set { view.withLock { $0.isRetired = newValue } }
    }

    /// The gateway ends.
    public func draining() {
        view.withLock { $0.isDraining = true }
    }
}
