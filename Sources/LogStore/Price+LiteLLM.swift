import Dialects
import JSON

extension PriceTable.Price {
    private static let names: [(name: String, kind: TokenKind)] = [
        ("cache_creation_input_token_cost_above_1hr", .cacheWriteLong),
        ("cache_creation_input_token_cost", .cacheWrite),
        ("cache_read_input_token_cost", .cacheRead),
        ("input_cost_per_audio_token", .audioInput),
        ("input_cost_per_image_token", .imageInput),
        ("input_cost_per_token_cache_hit", .cacheRead),
        ("input_cost_per_token", .input),
        ("output_cost_per_audio_token", .audioOutput),
        ("output_cost_per_image_token", .imageOutput),
        ("output_cost_per_reasoning_token", .reasoning),
        ("output_cost_per_token", .output),
    ]

    private static let endings: [(name: String, tier: ServiceTier)] = [
        ("_flex", .flex), ("_priority", .priority), ("_batches", .batch), ("", .standard),
    ]

    /// The price of an entry in LiteLLM's format; nil where it is not by the token.
    init?(_ entry: JSONValue) {
        guard case .object(let members) = entry, entry["input_cost_per_token"]?.double != nil else {
            return nil
        }
        self.init()
        inputMax = entry["max_input_tokens"]?.integer
        outputMax = entry["max_output_tokens"]?.integer
        for member in members {
            guard let dollars = member.value.double, dollars >= 0,
                let (kind, beyond, tier) = Self.meaning(of: member.name)
            else { continue }
            set(kind, dollars, beyond: beyond, tier: tier)
        }
    }

    private static func meaning(of name: String) -> (TokenKind, Int, ServiceTier)? {
        guard let known = names.first(where: { name.hasPrefix($0.name) }) else { return nil }
        let rest = name.dropFirst(known.name.count)
        guard let ending = endings.first(where: { rest.hasSuffix($0.name) }) else { return nil }
        let step = rest.dropLast(ending.name.count)
        if step.isEmpty { return (known.kind, 0, ending.tier) }
        guard step.hasPrefix("_above_"), step.hasSuffix("k_tokens"),
            let thousands = Int(step.dropFirst("_above_".count).dropLast("k_tokens".count)),
            1...1_000_000 ~= thousands
        else { return nil }
        return (known.kind, thousands * 1000, ending.tier)
    }
}
