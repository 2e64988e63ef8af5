import Primitives

/// The tier of service that a vendor says it answered in, as far as tiers have prices.
///
/// The words stand in stores and exports: none is ever changed.
public enum ServiceTier: String, CaseIterable, Sendable {
    /// The price list's own, and whatever word is not known here.
    case standard = "standard"
    case flex = "flex"
    case priority = "priority"
    case batch = "batch"
    case fast = "fast"
    case ultrafast = "ultrafast"
    /// Paid for by time, whatever is used of it.
    case provisioned = "provisioned"

    /// The tier that a vendor's word names; nil where the word names none.
    ///
    /// `auto` and `standard_only` are what requests ask for, and say nothing of what they got.
    init?(word: Span<UInt8>) {
        for (name, tier) in Self.words where word.matchesIgnoringCase(name) {
            self = tier
            return
        }
        return nil
    }

    private static let words: [(StaticString, ServiceTier)] = [
        ("standard", .standard), ("default", .standard), ("on_demand", .standard), ("flex", .flex),
        ("on_demand_flex", .flex), ("priority", .priority), ("on_demand_priority", .priority),
        ("batch", .batch), ("batches", .batch), ("fast", .fast), ("ultrafast", .ultrafast),
        ("scale", .provisioned), ("reserved", .provisioned), ("provisioned", .provisioned),
        ("provisioned_throughput", .provisioned),
    ]
}
