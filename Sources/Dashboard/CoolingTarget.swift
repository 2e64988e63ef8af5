import Config
public import Primitives
import Routing

/// A target that is passed over for a while.
public struct CoolingTarget: Sendable, Equatable {
    /// The vendor's name.
    public let vendor: String
    /// The model that is sent there; empty where it is the client's.
    public let model: String
    /// The class of the last failure.
    public let failure: String
    /// The end of the cooldown.
    public let until: Instant
}

extension GatewayFacts {
    /// The targets in cooldown, each once, whichever chains name it.
    public func coolingTargets(now: Instant = .now()) -> [CoolingTarget] {
        guard let running = current.running else { return [] }
        var seen: Set<Int> = []
        return GatewayStatus.plans(running).flatMap(\.targets).compactMap { target in
            let health = running.health.target(target.health, now: now)
            guard let until = health.coolsUntil, seen.insert(target.health).inserted
            else { return nil }
            return CoolingTarget(
                vendor: running.routing.vendors[target.vendor].name, model: target.model ?? "",
                failure: health.failure, until: until)
        }
    }
}
