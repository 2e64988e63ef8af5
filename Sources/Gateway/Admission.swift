import Synchronization
public import Transfers

/// What may come in: how many clients, and how large their requests.
public final class Admission: Sendable {
    private let connectionsMax: Int
    private let connections = Atomic<Int>(0)
    /// The memory for the bodies of requests.
    let bodies: BodyBudget
    /// The connections of each address; nil where they are not bounded.
    let addresses: AddressSeats?

    /// An admission of at most so many connections over all workers, and of bodies in this memory.
    ///
    /// `connectionsPerAddressMax` bounds the connections of one client's address; 0 does not.
    public init(connectionsMax: Int, connectionsPerAddressMax: Int = 0, bodies: BodyBudget) {
        self.connectionsMax = connectionsMax
        self.bodies = bodies
        addresses =
            connectionsPerAddressMax > 0 ? AddressSeats(seatsMax: connectionsPerAddressMax) : nil
    }

    /// How many connections so many descriptors allow, of those that are wanted.
    ///
    /// A client has one and its vendor another; of 64 vendors' connections a lane may have two more
    /// itself. The rest of the process has a reserve.
    public static func connectionsMax(_ wanted: Int, descriptors: Int, workers: Int) -> Int {
        let reserve = min(128 + (16 + Limits.turnedAwayConnections) * workers, descriptors / 2)
        let free = descriptors - reserve
        return max(1, min(wanted, free / 66 * 32 + free % 66 * 32 / 66))
    }

    /// Counts a new connection; false when it is one too many, and then it is not counted.
    func enter() -> Bool {
        let count = connections.add(1, ordering: .relaxed).newValue
        guard count <= connectionsMax else {
            connections.subtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Counts a connection off.
    func leave() {
        connections.subtract(1, ordering: .relaxed)
    }
}
