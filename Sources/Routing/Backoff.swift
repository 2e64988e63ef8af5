public import Primitives

/// How long to wait before the same target is tried again.
public enum Backoff {
    /// The first wait's upper bound; each further one's is twice the one before.
    public static let base = Interval.milliseconds(500)
    /// The longest wait: after that another target serves the request sooner.
    public static let longest = Interval.seconds(8)

    /// The wait before the `number`th further try, from 1: exponential with full jitter, or what
    /// the vendor asked for.
    ///
    /// Nil when the vendor asks for more than is worth waiting.
    public static func wait(
        before number: Int, asked: Interval?, using random: inout some RandomNumberGenerator
    ) -> Interval? {
        if let asked { return asked <= longest ? asked : nil }
        let doublings = min(number - 1, 10)
        let bound = min(base.nanoseconds << Int64(doublings), longest.nanoseconds)
        return Interval(nanoseconds: Int64.random(in: 0...bound, using: &random))
    }
}
