import Config
import Dialects
import Routing
import Translation

/// What a target of a chain gets translated, as `weir check` says it.
struct TranslationPair: CustomStringConvertible {
    private let vendor: String
    /// Pairs as `x-weir-translated` names them.
    private let pairs: [String]
    private let hasModel: Bool

    var description: String {
        let list = pairs.joined(separator: ", ")
        // The client's model is one of another vendor's, unless the operator knows better.
        let warning =
            hasModel ? "" : "; it is asked for the client's own model: see model in targets"
        return "translated for \(vendor): \(list)\(warning)"
    }

    /// The pairs that may happen in a plan.
    static func all(of plan: Plan, _ table: RoutingTable) -> [TranslationPair] {
        guard plan.translates else { return [] }
        return plan.targets.compactMap { target in
            let vendor = table.vendors[target.vendor]
            guard target.isForeign || vendor.lacksAPI else { return nil }
            let pairs = plan.api.forms.compactMap { client -> String? in
                let form = vendor.form(for: client)
                return form == client ? nil : "\(client.rawValue)>\(form.rawValue)"
            }
            return pairs.isEmpty
                ? nil
                : TranslationPair(
                    vendor: vendor.name, pairs: pairs,
                    hasModel: target.model != nil || !target.isForeign)
        }
    }
}
