import Synchronization

/// A number that one thread changes and any thread reads.
///
/// With one writer a plain load and store suffice where a locked addition would cost ten times as
/// much: relaxed atomics make exactly that, and keep the reader's view whole.
public final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    /// A counter at zero.
    public init() {}

    /// The number now.
    public var current: Int { value.load(ordering: .relaxed) }

    /// Replaces the number.
    ///
    /// Only from the thread that owns the counter.
    public func set(_ number: Int) {
        value.store(number, ordering: .relaxed)
    }

    /// Adds to the number.
    ///
    /// Only from the thread that owns the counter.
    public func add(_ amount: Int = 1) {
        value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}

/// Durations counted by size, in the fixed buckets of Prometheus.
public final class DurationHistogram: Sendable {
    /// Upper bounds in seconds: GenAI's semantic conventions, from a cache hit to a long stream.
    public static let boundsSeconds: [Double] = [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600,
    ]

    private static let boundsNanoseconds = boundsSeconds.map { Int64($0 * 1e9) }
    private let buckets = (0...boundsSeconds.count).map { _ in Counter() }
    private let sum = Counter()

    /// An empty histogram.
    public init() {}

    /// Counts a duration.
    ///
    /// Only from the thread that owns the histogram.
    public func record(nanoseconds: Int64) {
        var index = 0
        while index < Self.boundsNanoseconds.count, nanoseconds > Self.boundsNanoseconds[index] {
            index += 1
        }
        buckets[index].add()
        sum.add(Int(clamping: nanoseconds))
    }

    /// How many durations fell into each bucket, the last one without a bound.
    public var counts: [Int] { buckets.map(\.current) }

    /// The sum of all durations, in seconds.
    public var sumSeconds: Double { Double(sum.current) / 1e9 }
}
