/// Times counted by size, each bucket a thirty-second of its power of two wide: percentiles are
/// right to some three per cent, and two histograms add up to the histogram of both.
public struct TimeHistogram: Equatable, Sendable {
    private static let parts = 32
    private var counts: [Int: Int] = [:]

    /// Of no times.
    public init() {}

    /// Reads the written form; what is none of it is left out.
    init(_ text: String) {
        for pair in text.split(separator: ",") {
            let numbers = pair.split(separator: ":").compactMap { Int($0) }
            if numbers.count == 2 { counts[numbers[0], default: 0] += numbers[1] }
        }
    }

    /// The written form: `bucket:count,…`.
    var text: String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
            .joined(separator: ",")
    }

    /// How many times were counted.
    public var count: Int { counts.values.reduce(0, +) }

    /// Counts a time in microseconds.
    public mutating func add(microseconds: Int) {
        counts[Self.bucket(max(0, microseconds)), default: 0] += 1
    }

    /// Adds another histogram's counts.
    public mutating func add(_ other: TimeHistogram) {
        for (bucket, count) in other.counts { counts[bucket, default: 0] += count }
    }

    /// The time in microseconds that a share of all is no longer than; nil without any.
    public func percentile(_ share: Double) -> Int? {
        let wanted = Int((Double(count) * share).rounded(.up))
        var seen = 0
        for (bucket, count) in counts.sorted(by: { $0.key < $1.key }) {
            seen += count
            if seen >= max(1, wanted) { return Self.middle(bucket) }
        }
        return nil
    }

    private static func bucket(_ value: Int) -> Int {
        guard value >= parts else { return value }
        let power = Int.bitWidth - 1 - value.leadingZeroBitCount
        return (power - 4) * parts + (value >> (power - 5)) - parts
    }

    private static func middle(_ bucket: Int) -> Int {
        guard bucket >= parts else { return bucket }
        let power = bucket / parts + 4
        let low = (bucket % parts + parts) << (power - 5)
        return low + (1 << (power - 5)) / 2
    }
}
