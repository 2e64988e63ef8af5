import Histogram
import Primitives

/// What one target showed in one scenario.
public struct Measurements: Sendable {
    /// Times in nanoseconds, to three digits.
    public struct Times: Sendable {
        private var histogram = Histogram<UInt32>(
            lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000_000,
            numberOfSignificantValueDigits: .three)

        /// No times.
        init() {}

        mutating func add(_ nanoseconds: Int64) {
            _ = histogram.record(UInt64(min(max(nanoseconds, 1), 3_600_000_000_000)))
        }

        /// How many there are.
        public var count: Int { Int(histogram.totalCount) }

        /// The time within which so many per cent of the calls ended, in microseconds.
        public func percentile(_ percent: Double) -> Double {
            count == 0 ? 0 : Double(histogram.valueAtPercentile(percent)) / 1000
        }

        /// The mean in microseconds.
        public var mean: Double { count == 0 ? 0 : histogram.mean / 1000 }

        /// The shape: shares and the times below them, denser towards the end.
        public var curve: [(percent: Double, microseconds: Double)] {
            let points = [
                0.0, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.5,
                99.9, 99.95, 99.99, 100,
            ]
            // So few samples say nothing about a higher percentile.
            return points.filter { $0 == 100 || Double(count) * (100 - $0) / 100 >= 1 }
                .map { ($0, percentile($0)) }
        }
    }

    /// To the first byte of the body.
    public internal(set) var firstByte = Times()
    /// To the first content.
    public internal(set) var firstContent = Times()
    /// Between pieces of text.
    public internal(set) var gaps = Times()
    /// To the end.
    public internal(set) var total = Times()
    /// Verified answers.
    public internal(set) var verified = 0
    /// Pieces of text in those.
    public internal(set) var chunks = 0
    /// What did not verify.
    public internal(set) var errors: [Fault: Int] = [:]
    /// By how much each answer was later than the direct one of the same round and index.
    public internal(set) var addedTotal = Differences()
    /// … to the first content.
    public internal(set) var addedFirstContent = Differences()
    /// The target's share of the scenario's time.
    public internal(set) var seconds = 0.0
    /// CPU time of the target's process; nil where none was named, or it is gone.
    public internal(set) var cpuNanoseconds: Int64?

    /// Nothing measured.
    init() {}

    /// Verified calls a second.
    public var rate: Double { seconds > 0 ? Double(verified) / seconds : 0 }

    /// CPU of the process for a verified call, in microseconds.
    public var cpuPerCall: Double? {
        cpuNanoseconds.map { verified == 0 ? 0 : Double($0) / Double(verified) / 1000 }
    }

    /// CPU of the process for a piece of text, in microseconds.
    public var cpuPerChunk: Double? {
        cpuNanoseconds.map { chunks == 0 ? 0 : Double($0) / Double(chunks) / 1000 }
    }

    mutating func add(_ outcome: Call.Outcome) {
        if let fault = outcome.fault {
            errors[fault, default: 0] += 1
            return
        }
        verified += 1
        chunks += outcome.chunks
        firstByte.add(outcome.firstByte)
        firstContent.add(outcome.firstContent)
        total.add(outcome.total)
        for gap in outcome.gaps { gaps.add(gap) }
    }

    /// Answers that did not verify.
    public var errorCount: Int { errors.values.reduce(0, +) }

    /// Answers in all.
    var samples: Int { verified + errorCount }
}

/// Paired differences in nanoseconds.
public struct Differences: Sendable {
    /// All of them.
    public private(set) var all: [Int64] = []
    /// The median of each round.
    public private(set) var rounds: [Int64] = []

    /// None.
    public init() {}

    /// Takes a round's differences.
    public mutating func add(_ round: [Int64]) {
        guard !round.isEmpty else { return }
        all += round
        rounds.append(round.count == 1 ? round[0] : round.sorted()[round.count / 2])
    }
}

/// A middle value and the range that it lies in with a confidence of 95 per cent.
public struct Estimate: Sendable, Equatable {
    /// The median.
    public let median: Double
    /// The lower end.
    public let low: Double
    /// The upper end.
    public let high: Double

    /// The median of paired differences, in microseconds; nil of too few.
    ///
    /// The range is by order statistics: nothing is assumed about how the differences are spread.
    /// It is the wider of that of the calls and that of the rounds' medians, since calls of one
    /// round have the state of the machine in common and are no independent samples.
    public init?(_ differences: Differences) {
        guard differences.all.count >= 6 else { return nil }
        let sorted = differences.all.sorted()
        let calls = Self.range(sorted)
        let rounds = Self.range(differences.rounds.sorted())
        median = Double(sorted[sorted.count / 2]) / 1000
        low = Double(min(calls.lowerBound, rounds.lowerBound)) / 1000
        high = Double(max(calls.upperBound, rounds.upperBound)) / 1000
    }

    /// The range of the median of the sampled values, with a confidence of 95 per cent; of
    /// fewer than six, all of them.
    private static func range(_ sorted: [Int64]) -> ClosedRange<Int64> {
        let count = Double(sorted.count)
        let reach = 0.98 * count.squareRoot()
        let low = max(0, Int((count / 2 - reach).rounded(.down)))
        let high = min(sorted.count - 1, Int((count / 2 + reach).rounded(.up)))
        return sorted[low]...sorted[high]
    }
}
