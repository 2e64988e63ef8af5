import Config
import ExchangeCore
import HTTP
import Primitives
import Synchronization

/// What may come in: how many clients, and how large their requests.
public final class Admission: Sendable {
    private let connectionsMax: Int
    private let connections = Atomic<Int>(0)

    /// An admission of at most so many connections over all workers.
    public init(connectionsMax: Int) {
        self.connectionsMax = connectionsMax
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
