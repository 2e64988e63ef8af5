import Primitives
import Synchronization

/// Tokens, money and times by vendor, model and group, of the calls that were recorded.
///
/// They are counted where records are stored: nothing of it is on the way of a call.
public final class UsageMetrics: Sendable {
    /// What one call was, and what it took.
    public struct Call: Sendable {
        /// The vendor that answered.
        public var vendor = ""
        /// The model that it was asked for.
        public var model = ""
        /// The group of the caller's key.
        public var group = ""
        /// Tokens by kind, as ``UsageMetrics/kinds`` has them.
        public var tokens = SIMD4<Int>.zero
        /// Billionths of a dollar.
        public var nanodollars = 0
        /// From the request's first byte to the first content.
        public var contentNanoseconds: Int64?

        /// A call of nothing.
        public init() {}

        fileprivate func isLike(_ other: Call) -> Bool {
            vendor == other.vendor && model == other.model && group == other.group
        }
    }

    /// What counts are kept by.
    private struct Key: Hashable, Comparable {
        var vendor: String
        var model: String
        var group: String

        static func < (one: Key, other: Key) -> Bool {
            (one.vendor, one.model, one.group) < (other.vendor, other.model, other.group)
        }
    }

    private struct Counts {
        var tokens = SIMD4<Int>.zero
        var nanodollars = 0
        var times = [Int](repeating: 0, count: DurationHistogram.boundsSeconds.count + 1)
        var nanoseconds: Int64 = 0
    }

    /// Kinds of tokens; those from a cache are among the input, and those of reasoning among the
    /// output.
    public static let kinds = ["input", "cache_read", "output", "reasoning"]
    /// Vendors, models and groups beyond so many are counted together: the names of models come
    /// from clients, and each series is a burden to every server that asks.
    private static let keysMax = 64
    private static let nameMax = 100
    private static let others = Key(vendor: "other", model: "other", group: "other")

    private let counts = Mutex<[Key: Counts]>([:])

    /// Counts of no calls.
    public init() {}

    /// Counts calls.
    public func add(_ calls: [Call]) {
        guard !calls.isEmpty else { return }
        counts.withLock { counts in
            var start = 0
            while start < calls.count {
                // Calls are mostly like the ones before: each run of them is looked up once.
                var end = start + 1
                while end < calls.count, calls[end].isLike(calls[start]) { end += 1 }
                let key = Self.key(of: calls[start], in: counts)
                Self.add(calls[start..<end], to: &counts[key, default: Counts()])
                start = end
            }
        }
    }

    private static func key(of call: Call, in counts: [Key: Counts]) -> Key {
        let key = Key(vendor: call.vendor, model: call.model, group: call.group)
        if counts[key] != nil { return key }
        let isShort = max(key.model.utf8.count, key.group.utf8.count) <= nameMax
        return counts.count < keysMax && isShort ? key : others
    }

    private static func add(_ calls: ArraySlice<Call>, to counts: inout Counts) {
        for call in calls { add(call, to: &counts) }
    }

    private static func add(_ call: Call, to counts: inout Counts) {
        counts.tokens &+= call.tokens
        counts.nanodollars &+= call.nanodollars
        guard let time = call.contentNanoseconds else { return }
        counts.nanoseconds &+= time
        let seconds = Double(time) / 1e9
        let bounds = DurationHistogram.boundsSeconds
        counts.times[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
    }

    /// The counts in Prometheus' text format; empty without any.
    func text() -> String {
        let lines = counts.withLock { $0 }.sorted { $0.key < $1.key }
        guard !lines.isEmpty else { return "" }
        let labels = lines.map { key, _ in
            "vendor=\"\(Label.escaped(key.vendor))\",model=\"\(Label.escaped(key.model))\","
                + "group=\"\(Label.escaped(key.group))\""
        }
        var text = Self.family("weir_tokens_total", "counter", "Tokens, by kind.")
        for (label, line) in zip(labels, lines) {
            for (index, kind) in Self.kinds.enumerated() {
                let count = line.value.tokens[index]
                text += "weir_tokens_total{\(label),kind=\"\(kind)\"} \(count)\n"
            }
        }
        text += Self.family("weir_cost_dollars_total", "counter", "Dollars, of priced calls.")
        for (label, line) in zip(labels, lines) {
            text += "weir_cost_dollars_total{\(label)} \(Double(line.value.nanodollars) / 1e9)\n"
        }
        text += Self.family(
            "weir_first_content_seconds", "histogram",
            "From a request's first byte to the first content.")
        for (label, line) in zip(labels, lines) { text += Self.histogram(label, line.value) }
        return text
    }

    private static func histogram(_ label: String, _ counts: Counts) -> String {
        let name = "weir_first_content_seconds"
        var text = ""
        var total = 0
        for (bound, count) in zip(DurationHistogram.boundsSeconds, counts.times) {
            total += count
            text += "\(name)_bucket{\(label),le=\"\(bound)\"} \(total)\n"
        }
        total += counts.times.last ?? 0
        text += "\(name)_bucket{\(label),le=\"+Inf\"} \(total)\n"
        text += "\(name)_sum{\(label)} \(Double(counts.nanoseconds) / 1e9)\n"
        return text + "\(name)_count{\(label)} \(total)\n"
    }

    private static func family(_ name: String, _ type: String, _ help: String) -> String {
        "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }
}

/// A text as the value of a label.
enum Label {
    static func escaped(_ text: String) -> String {
        text.replacingScalars("\\", with: "\\\\").replacingScalars("\"", with: "\\\"")
            .replacingScalars("\n", with: "\\n")
    }
}
