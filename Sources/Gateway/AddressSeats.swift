import Primitives
import Synchronization

/// How many connections each client's address has, over all workers.
///
/// One client that opens connections without end must not use up those of all others.
final class AddressSeats: Sendable {
    /// A host of IPv6 has a network of this many bytes to itself, and may change within it at will.
    private static let networkBytes = 8

    private let seatsMax: Int
    private let taken = Mutex<[[UInt8]: Int]>([:])

    /// Seats for so many connections of an address.
    init(seatsMax: Int) {
        self.seatsMax = seatsMax
    }

    /// Counts a connection; false when it is one too many, and then it is not counted.
    func enter(_ address: IPAddress) -> Bool {
        taken.withLock { taken in
            let count = taken[Self.key(address), default: 0]
            guard count < seatsMax else { return false }
            taken[Self.key(address)] = count + 1
            return true
        }
    }

    /// Counts a connection off.
    func leave(_ address: IPAddress) {
        taken.withLock { taken in
            let count = taken[Self.key(address), default: 0] - 1
            taken[Self.key(address)] = count > 0 ? count : nil
        }
    }

    private static func key(_ address: IPAddress) -> [UInt8] {
        address.bytes.count == 16 ? Array(address.bytes.prefix(networkBytes)) : address.bytes
    }
}
