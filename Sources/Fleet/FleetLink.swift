public import Access
public import Config
public import Cryptography
import Glibc
public import Logging
import Primitives
public import Reactor
import Synchronization
public import Telemetry

/// What several gateways share, kept in touch with the store that they share it in, on a thread of
/// its own.
///
/// No request waits for it: what is decided is decided by what this thread brought before.
public final class FleetLink: Sendable {
    /// What a link is made of.
    public struct Settings: Sendable {
        /// Where the store is, and what decides without it.
        public var limits: LimitStoreSettings
        /// Who this process is.
        public var replica: Replica
        /// The limits that are shared.
        public var ledger: Ledger
        /// The authorities of a store with TLS.
        public var trust: TrustStore?
        /// What is counted.
        public var metrics: FleetMetrics
        /// Where changes are written for people.
        public var logger: Logger

        /// Takes keys that other gateways have changed; called on the link's thread.
        public var adoptKeys: @Sendable ([SharedKey]) -> Void
        /// Takes cooldowns that began at other gateways; called on the link's thread.
        public var adoptCooldowns: @Sendable ([SharedCooldown]) -> Void

        /// Settings of these parts.
        public init(
            limits: LimitStoreSettings, replica: Replica, ledger: Ledger, trust: TrustStore?,
            metrics: FleetMetrics, logger: Logger,
            adoptKeys: @escaping @Sendable ([SharedKey]) -> Void,
            adoptCooldowns: @escaping @Sendable ([SharedCooldown]) -> Void
        ) {
            self.adoptKeys = adoptKeys
            self.adoptCooldowns = adoptCooldowns
            self.limits = limits
            self.replica = replica
            self.ledger = ledger
            self.trust = trust
            self.metrics = metrics
            self.logger = logger
        }
    }

    /// Rounds follow each other no sooner than this, in milliseconds: what comes up meanwhile has
    /// one round.
    private static let pauseMin: Int32 = 2
    /// How often there is a round at least.
    static let tick = Interval.milliseconds(125)

    private let waker: Waker
    private let isWoken = Atomic<Bool>(false)
    private let isEnding = Atomic<Bool>(false)
    private let thread = Mutex<Thread?>(nil)
    private let keys = Mutex<[SharedKey]?>(nil)
    /// Bounded, because the store may be away for long.
    private let cooldowns = Mutex<[String: Instant]>([:])

    /// The link of a ledger, which is shared from now on; it does not run yet.
    public init(
        sharing ledger: Ledger, outage: LimitStoreSettings.Outage
    ) throws(SystemError) {
        waker = try Waker()
        ledger.share(outage: outage) { [weak self] in self?.wake() }
    }

    /// Begins to keep in touch with a store.
    public func run(_ settings: Settings) throws(SystemError) {
        let started = try Thread(name: "weir-fleet") { [self] in
            let rounds = FleetRounds(settings, self)
            while !isEnding.load(ordering: .relaxed) {
                isWoken.store(false, ordering: .relaxed)
                let next = rounds.run(now: .now())
                poll(nil, 0, Self.pauseMin)
                waker.sleep(atMost: max(.zero, next - .now())) {
                    // A question that does not wait is no reason to try a store that is away.
                    isEnding.load(ordering: .acquiring)
                        || isWoken.load(ordering: .acquiring) && rounds.isInTouch
                }
            }
            rounds.end()
        }
        thread.withLock { $0 = started }
    }

    /// Says which keys this gateway has that were made while it runs: all of them, at each change.
    public func share(_ all: [SharedKey]) {
        keys.withLock { $0 = all }
        wake()
    }

    /// The keys that were said last, once.
    func takeKeys() -> [SharedKey]? {
        keys.withLock { keys in
            defer { keys = nil }
            return keys
        }
    }

    /// Says that a credential begins to cool down here.
    public func share(_ cooldown: SharedCooldown) {
        let end = Instant.now() + cooldown.rest
        let isNews = cooldowns.withLock { waiting in
            guard waiting.count < 1000 else { return false }
            waiting[cooldown.name] = max(end, waiting[cooldown.name] ?? end)
            return true
        }
        if isNews { wake() }
    }

    /// The cooldowns that began here since this was asked last, and are not over.
    func takeCooldowns(now: Instant) -> [SharedCooldown] {
        cooldowns.withLock { waiting in
            defer { waiting = [:] }
            return waiting.filter { $0.value > now }
                .map { SharedCooldown(name: $0.key, rest: $0.value - now) }
        }
    }

    /// Has the next round come soon.
    private func wake() {
        isWoken.store(true, ordering: .releasing)
        waker.wake()
    }

    /// Gives back what is not used, and ends.
    ///
    /// After the workers have ended.
    public func end() {
        isEnding.store(true, ordering: .releasing)
        waker.wake()
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}
