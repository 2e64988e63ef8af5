import Primitives

/// The result of a load.
///
/// Latencies are in nanoseconds, one per verified response.
struct LoadResult: Sendable {
    /// From sending to the first byte of the response.
    var firstByte: [Int64] = []
    /// From sending to the first content of a stream: the first bytes after its opening event.
    var firstContent: [Int64] = []
    /// From sending to the last byte.
    var total: [Int64] = []
    /// Chunks of all verified responses.
    var chunks = 0
    /// Body bytes of all verified responses.
    var bytes = 0
    /// What did not verify, by kind.
    var errors: [String: Int] = [:]
    /// How long the whole took.
    var elapsed = Interval.zero

    /// The value below which a share of the latencies lies.
    static func percentile(_ values: [Int64], _ share: Double) -> Int64 {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
