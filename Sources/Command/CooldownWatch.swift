import Dashboard
import Logging
import Primitives
import Reactor

/// Says in the log when a cooldown begins and when it is over: workers only count them.
final class CooldownWatch: TimerHandler {
    private static let interval = Interval.seconds(1)

    /// A target, as the log names it.
    private struct Name: Hashable, Comparable {
        let vendor: String
        let model: String

        static func < (one: Name, other: Name) -> Bool {
            (one.vendor, one.model) < (other.vendor, other.model)
        }

        var metadata: Logger.Metadata {
            model.isEmpty ? ["vendor": "\(vendor)"] : ["vendor": "\(vendor)", "model": "\(model)"]
        }
    }

    private let facts: GatewayFacts
    private let logger: Logger
    private unowned let loop: EventLoop
    private var cooling: [Name: CoolingTarget] = [:]
    private var timer: TimerWheel.Timer?

    init(_ facts: GatewayFacts, _ logger: Logger, on loop: EventLoop) {
        self.facts = facts
        self.logger = logger
        self.loop = loop
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: loop.now + Self.interval)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        loop.timers.arm(timer, at: loop.now + Self.interval)
        let now = Instant.now()
        let found = facts.coolingTargets(now: now).map {
            (Name(vendor: $0.vendor, model: $0.model), $0)
        }
        let before = cooling
        cooling = Dictionary(found) { first, _ in first }
        for (name, target) in cooling.sorted(by: { $0.key < $1.key }) where before[name] == nil {
            var metadata = name.metadata
            metadata["class"] = "\(target.failure)"
            metadata["seconds"] = "\(Int((target.until - now).seconds.rounded()))"
            logger.warning("a cooldown has begun, the target is passed over", metadata: metadata)
        }
        for name in before.keys.sorted() where cooling[name] == nil {
            logger.notice("a cooldown is over, the target is tried again", metadata: name.metadata)
        }
    }
}
