import Primitives

/// The addresses of a name in the order in which a connection tries them.
///
/// libcurl tries the first one first, always. So each connection is given another first one: the
/// next within the family that the resolver prefers, whose order (RFC 6724) is kept otherwise. One
/// that did not take a connection comes last for a while.
struct AddressOrder: Sendable {
    /// How long an address that failed comes last.
    static let failureLasts = Interval.seconds(30)

    /// In the resolver's order.
    private(set) var addresses: [String] = []
    private var failures: [String: Instant] = [:]

    /// Takes the resolver's answer; false where it is the one known, whatever its order: resolvers
    /// rotate their answers.
    mutating func adopt(_ list: [String]) -> Bool {
        guard Set(list) != Set(addresses) else { return false }
        addresses = list
        failures = failures.filter { list.contains($0.key) }
        return true
    }

    /// Notes that an address did not take a connection.
    mutating func failed(_ address: String, at now: Instant) {
        failures[address] = now
    }

    /// Notes that an address took a connection.
    mutating func connected(_ address: String) {
        failures[address] = nil
    }

    /// The order for the connection that is made as the `turn`th.
    func list(turn: Int, now: Instant) -> [String] {
        func isFailed(_ address: String) -> Bool {
            failures[address].map { now - $0 < Self.failureLasts } ?? false
        }
        let good = addresses.filter { !isFailed($0) }
        let rest = addresses.filter(isFailed)
        return Self.rotated(good, turn) + Self.rotated(rest, turn)
    }

    /// Addresses of the first one's family, from the `turn`th on and round; then the others.
    private static func rotated(_ addresses: [String], _ turn: Int) -> [String] {
        guard let first = addresses.first else { return [] }
        let isPreferred = { (address: String) in address.contains(":") == first.contains(":") }
        let preferred = addresses.filter(isPreferred)
        let start = Int(UInt(bitPattern: turn) % UInt(preferred.count))
        return preferred[start...] + preferred[..<start] + addresses.filter { !isPreferred($0) }
    }
}
