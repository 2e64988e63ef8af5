import Primitives

/// Times counted by size, each bucket a thirty-second of its power of two wide: percentiles are
/// right to some three per cent, and two histograms add up to the histogram of both.
public struct TimeHistogram: Equatable, Sendable {
    private static let parts = 32

    private struct Bucket: Equatable {
        let number: Int
        var count: Int
    }

    /// Those that hold times, by number.
    private var buckets: [Bucket] = []

    /// Of no times.
    public init() {}

    /// Reads the written form; what is none of it is left out.
    ///
    /// A minute's is read and written with every transaction, so it is no matter of strings.
    init(_ text: String) {
        var buffer = ByteBuffer()
        buffer.append(text: text)
        let bytes = buffer.bytes
        var start = 0
        while start < bytes.count {
            let end = bytes.firstIndex(of: UInt8(ascii: ","), from: start) ?? bytes.count
            let pair = bytes.extracting(start..<end)
            start = end + 1
            guard let colon = pair.firstIndex(of: UInt8(ascii: ":")),
                let number = pair.extracting(0..<colon).decimal,
                let count = pair.extracting(colon + 1..<pair.count).decimal
            else { continue }
            add(count, to: number)
        }
    }

    /// Writes `bucket:count,…`.
    func write(to output: inout ByteBuffer) {
        for (index, bucket) in buckets.enumerated() {
            if index > 0 { output.append(byte: UInt8(ascii: ",")) }
            output.append(decimal: bucket.number)
            output.append(byte: UInt8(ascii: ":"))
            output.append(decimal: bucket.count)
        }
    }

    private mutating func add(_ count: Int, to number: Int) {
        // Read in their order they go to the end.
        guard let last = buckets.last, last.number >= number else {
            return buckets.append(Bucket(number: number, count: count))
        }
        var (low, high) = (0, buckets.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].number < number { low = middle + 1 } else { high = middle }
        }
        if buckets[low].number == number {
            buckets[low].count.add(count)
        } else {
            buckets.insert(Bucket(number: number, count: count), at: low)
        }
    }

    /// How many times were counted.
    public var count: Int { buckets.reduce(into: 0) { $0.add($1.count) } }

    /// Counts a time in microseconds.
    public mutating func add(microseconds: Int) {
        add(1, to: Self.bucket(max(0, microseconds)))
    }

    /// Adds another histogram's counts.
    public mutating func add(_ other: TimeHistogram) {
        for bucket in other.buckets { add(bucket.count, to: bucket.number) }
    }

    /// The time in microseconds within which a share of all lies; nil without any.
    public func percentile(_ share: Double) -> Int? {
        let wanted = max(1, (Double(count) * share).rounded(.up))
        var seen = 0
        for bucket in buckets {
            seen.add(bucket.count)
            if Double(seen) >= wanted { return Self.middle(bucket.number) }
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
