public import Primitives

/// How soon a pooled connection must fail for its request to be sent once more.
///
/// A vendor closes a connection at rest, and a request crosses that close on the wire: the failure
/// comes back within a round trip of the request's last byte. A connection that fails later failed
/// under the request, which the vendor may be working on.
public struct StaleWindow: Sendable, Equatable {
    /// The window at least, however near the vendor is.
    public var least = Interval.milliseconds(50)
    /// The window at most, however far the vendor is.
    public var most = Interval.milliseconds(500)

    /// The usual window.
    public init() {}

    /// A window of these bounds.
    public init(least: Interval, most: Interval) {
        self.least = least
        self.most = most
    }

    /// Whether a failure so long after the last byte was sent came at once, on a connection that
    /// took so long to be made.
    public func contains(_ age: Interval, connectTime: Interval) -> Bool {
        age <= min(max(Interval(nanoseconds: 2 * connectTime.nanoseconds), least), most)
    }
}
