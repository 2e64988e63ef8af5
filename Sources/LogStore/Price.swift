public import Dialects

extension PriceTable {
    /// Dollars for one token of each kind.
    public struct Price: Equatable, Sendable {
        /// Prices that begin beyond so many tokens of a prompt.
        struct Step: Equatable, Sendable {
            var beyond: Int
            var rates: [TokenKind: Double]
        }

        /// The price list's own, and those of other tiers of service, each complete in itself.
        private var tiers: [ServiceTier: [Step]] = [:]

        /// Tokens of a prompt at most; nil where that is not known.
        public var inputMax: Int?
        /// Tokens of an answer at most; nil where that is not known.
        public var outputMax: Int?

        /// Prices of nothing.
        public init() {}

        /// Sets the price of a kind, for prompts of more than so many tokens and a tier of service.
        public mutating func set(
            _ kind: TokenKind, _ dollars: Double, beyond: Int = 0, tier: ServiceTier = .standard
        ) {
            var steps = tiers[tier] ?? []
            let index = steps.firstIndex { $0.beyond >= beyond } ?? steps.count
            if index == steps.count || steps[index].beyond != beyond {
                steps.insert(Step(beyond: beyond, rates: [:]), at: index)
            }
            steps[index].rates[kind] = dollars
            tiers[tier] = steps
        }

        /// What tokens cost, in billionths of a dollar, rounded once; nil where a tier has no
        /// prices, or the cost is no number.
        func nanodollars(_ usage: Usage, _ tier: ServiceTier = .standard) -> Int? {
            guard let steps = tiers[tier] else { return nil }
            let reached = steps.filter { $0.beyond == 0 || (usage.input ?? 0) > $0.beyond }
            guard var rates = reached.first?.rates else { return nil }
            for step in reached.dropFirst() { rates.merge(step.rates) { $1 } }
            var dollars = 0.0
            for kind in TokenKind.allCases {
                let count = usage.count(of: kind)
                guard count > 0 else { continue }
                dollars += Double(count) * Self.rate(of: kind, rates)
            }
            return Int(exactly: (dollars * 1e9).rounded())
        }

        /// What so many tokens cost at most, in billionths of a dollar, whatever kind they turn out
        /// to be, and whatever the tier of service and the length of the prompt.
        ///
        /// `writesCache`: whether the prompt may be put into a cache.
        func bound(input: Int, output: Int, writesCache: Bool) -> Int? {
            let written: [TokenKind] = writesCache ? [.cacheWrite, .cacheWriteLong] : []
            let rates = tiers.values.joined().filter { $0.beyond == 0 || input > $0.beyond }
                .map(\.rates)
            func most(_ kinds: [TokenKind]) -> Double {
                rates.flatMap { rates in kinds.compactMap { rates[$0] } }.max() ?? 0
            }
            guard !rates.isEmpty else { return nil }
            let dollars =
                Double(input) * most([.input, .imageInput, .audioInput] + written)
                + Double(output) * most([.output, .imageOutput, .audioOutput, .reasoning])
            return Int(exactly: (dollars * 1e9).rounded(.up))
        }

        private static func rate(of kind: TokenKind, _ rates: [TokenKind: Double]) -> Double {
            var kind: TokenKind? = kind
            while let wanted = kind {
                if let rate = rates[wanted] { return rate }
                kind = wanted.fallback
            }
            return 0
        }
    }
}
