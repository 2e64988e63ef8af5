public import LogStore
public import Primitives

/// A destination of records besides the store.
///
/// It lives on a thread of its own and may wait. A record that it has taken is not given again,
/// unless the process dies in between: each record arrives at least once, with its id.
public protocol Sink {
    /// Takes records, all of them or none.
    mutating func deliver(_ records: [StoredRecord]) -> Delivery
}

/// The result of a delivery.
public enum Delivery: Equatable, Sendable {
    /// The sink has them.
    case delivered
    /// Not now; the same may work later. `after` is what the sink asks for.
    case later(reason: String, after: Interval?)
    /// The sink will never take these records together; it may take each alone.
    case refused(reason: String)
}
