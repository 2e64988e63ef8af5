import Config
import Cryptography
import Fleet
import Primitives
import Routing
import Synchronization

/// Which targets cool down when a credential does, at whichever gateway that began.
final class FleetCooldowns: Sendable {
    private struct Current: Sendable {
        var health: Health?
        var targets: [String: [Int]] = [:]
    }

    private let current = Mutex(Current())

    /// Takes a routing and its health as those in force.
    ///
    /// Returns the names of the targets' credentials by the targets.
    func adopt(
        _ routing: RoutingTable, _ health: Health, _ vendors: [Vendor]
    ) -> [Int: String] {
        var names: [Int: String] = [:]
        var targets: [String: [Int]] = [:]
        for (index, vendor) in vendors.enumerated() {
            guard let name = Self.name(of: vendor) else { continue }
            for target in routing.targets(of: index) {
                names[target] = name
                targets[name, default: []].append(target)
            }
        }
        current.withLock { $0 = Current(health: health, targets: targets) }
        return names
    }

    /// Passes over the targets of credentials that cool down elsewhere.
    func apply(_ cooldowns: [SharedCooldown], now: Instant) {
        let current = current.withLock { $0 }
        for cooldown in cooldowns {
            for target in current.targets[cooldown.name] ?? [] {
                current.health?.coolDown(target, now: now, until: now + cooldown.rest)
            }
        }
    }

    /// What names a vendor's credential, if it is the gateway's: a digest, of which no part shows
    /// it.
    private static func name(of vendor: Vendor) -> String? {
        guard case .own(let secret) = vendor.credential else { return nil }
        var digest = Digest()
        digest.add(Array("weir credential\n\(vendor.name)\n\(secret.reveal())".utf8).span)
        return String(digest.finish().prefix(32))
    }
}
