import ExchangeCore

/// The addresses of a name that libcurl has tried to connect to for one transfer, in their order.
struct TriedAddresses {
    /// What was learnt of them.
    struct Outcome: Equatable {
        /// Those that took no connection.
        var failed: [String] = []
        /// The one that did.
        var connected: String?
    }

    private var all: [(descriptor: Int32, address: String)] = []

    /// Adds one for which a socket was opened.
    mutating func add(_ address: String, descriptor: Int32) {
        all.append((descriptor, address))
    }

    /// The request is about to go out on a socket: the addresses of its family that were tried
    /// before took no connection, because libcurl goes on to the next when one fails.
    ///
    /// Of the other family nothing is known: it may have been the slower one.
    mutating func connected(on descriptor: Int32) -> Outcome? {
        defer { all.removeAll() }
        guard let winner = all.last(where: { $0.descriptor == descriptor })?.address else {
            return nil
        }
        let failed = all.map(\.address).prefix { $0 != winner }
            .filter { $0.contains(":") == winner.contains(":") }
        return Outcome(failed: failed, connected: winner)
    }

    /// The transfer is over, and no request of it was sent.
    mutating func notConnected(_ code: CurlCode) -> Outcome? {
        defer { all.removeAll() }
        guard !all.isEmpty, code == .couldNotConnect || code == .operationTimedOut else {
            return nil
        }
        return Outcome(failed: all.map(\.address))
    }

    /// Forgets them.
    mutating func removeAll() {
        all.removeAll()
    }
}
