public import HTTP
public import Primitives

/// What a vendor says about another try.
public struct RetryAdvice: Equatable, Sendable {
    /// `retry-after`, `retry-after-ms`, or what its error body says.
    public var after: Interval?
    /// `x-should-retry`.
    public var isWelcome: Bool?

    /// Nothing.
    public init() {}

    /// The advice of a response's head, whose dates count from `now`, in milliseconds since 1970.
    public init(_ head: borrowing ResponseHead, now: UInt64) {
        if let milliseconds = head.decimal("retry-after-ms") ?? head.decimal("x-ms-retry-after-ms")
        {
            after = .milliseconds(Int64(min(milliseconds, 86_400_000)))
        } else if let seconds = head.decimal("retry-after") {
            after = .seconds(Int64(min(seconds, 86_400)))
        } else if let date = head.date("retry-after") {
            after = .seconds(Int64(min(max(0, date - Int(now / 1000)), 86_400)))
        }
        isWelcome = head.flag("x-should-retry")
    }
}
