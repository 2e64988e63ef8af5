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
    init?(word: String) {
        switch word.lowercased() {
        case "standard", "default", "on_demand": self = .standard
        case "flex", "on_demand_flex": self = .flex
        case "priority", "on_demand_priority": self = .priority
        case "batch", "batches": self = .batch
        case "fast": self = .fast
        case "ultrafast": self = .ultrafast
        case "scale", "reserved", "provisioned", "provisioned_throughput": self = .provisioned
        default: return nil
        }
    }
}
