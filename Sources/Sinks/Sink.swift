public import LogStore
public import Primitives

/// A destination of records besides the store.
///
/// It lives on a thread of its own and may wait. What it was given and says it took, it is not
/// given again; where a process dies in between, it is: at least once, each record with its id.
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
    /// These records never, whatever is tried; each alone perhaps.
    case refused(reason: String)
}
