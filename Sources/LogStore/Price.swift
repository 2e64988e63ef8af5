public import Dialects

extension PriceTable {
    /// Dollars for one token of each kind.
    public struct Price: Equatable, Sendable {
        /// Prices that begin beyond so many tokens of a prompt.
        struct Step: Equatable, Sendable {
            var beyond: Int
            var rates: [TokenKind: Double]

            /// Whether it holds for a prompt of so many tokens.
            func holds(for prompt: Int) -> Bool { beyond == 0 || prompt > beyond }
        }

        /// The dearest rates of a step, whatever kind the tokens turn out to be.
        private struct Ceiling {
            let beyond: Int
            let prompt: Double
            let writtenPrompt: Double
            let answer: Double
        }

        /// The price list's own, and those of other tiers of service, each complete in itself.
        private var tiers: [ServiceTier: [Step]] = [:]
        // Of all tiers: looked at before each call under a budget.
        private var ceilings: [Ceiling] = []

        /// Tokens of a prompt at most; nil where that is not known.
        public var inputMax: Int?
        /// Tokens of an answer at most; nil where that is not known.
        public var outputMax: Int?

        /// Prices of nothing.
        public init() {}

        /// Whether two prices are the same; the ceilings follow from the tiers, in any order.
        public static func == (left: Price, right: Price) -> Bool {
            left.tiers == right.tiers && left.inputMax == right.inputMax
                && left.outputMax == right.outputMax
        }

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
            ceilings = tiers.values.joined().map(Self.ceiling)
        }

        private static func ceiling(of step: Step) -> Ceiling {
            func most(_ kinds: [TokenKind]) -> Double {
                kinds.compactMap { step.rates[$0] }.max() ?? 0
            }
            let prompt = most([.input, .imageInput, .audioInput])
            return Ceiling(
                beyond: step.beyond, prompt: prompt,
                writtenPrompt: max(prompt, most([.cacheWrite, .cacheWriteLong])),
                answer: most([.output, .imageOutput, .audioOutput, .reasoning]))
        }

        /// What tokens cost, in billionths of a dollar, rounded once; nil where a tier has no
        /// prices, or the cost is no number.
        func nanodollars(_ usage: Usage, _ tier: ServiceTier = .standard) -> Int? {
            let prompt = usage.input ?? 0
            guard let steps = tiers[tier], steps.contains(where: { $0.holds(for: prompt) })
            else { return nil }
            var dollars = 0.0
            for kind in TokenKind.allCases {
                let count = usage.count(of: kind)
                guard count > 0 else { continue }
                dollars += Double(count) * Self.rate(of: kind, steps, prompt: prompt)
            }
            return Int(exactly: (dollars * 1e9).rounded())
        }

        /// What so many tokens cost at most, in billionths of a dollar, whatever kind they turn out
        /// to be, and whatever the tier of service and the length of the prompt.
        ///
        /// `writesCache`: whether the prompt may be put into a cache.
        func bound(input: Int, output: Int, writesCache: Bool) -> Int? {
            var (prompt, answer) = (0.0, 0.0)
            var isPriced = false
            for ceiling in ceilings where ceiling.beyond == 0 || input > ceiling.beyond {
                isPriced = true
                prompt = max(prompt, writesCache ? ceiling.writtenPrompt : ceiling.prompt)
                answer = max(answer, ceiling.answer)
            }
            guard isPriced else { return nil }
            let dollars = Double(input) * prompt + Double(output) * answer
            // More than any budget has.
            return Int(exactly: (dollars * 1e9).rounded(.up)) ?? .max / 2
        }

        /// The rate of the highest step of a prompt that has one for a kind.
        private static func rate(of kind: TokenKind, _ steps: [Step], prompt: Int) -> Double {
            var kind: TokenKind? = kind
            while let wanted = kind {
                for index in steps.indices.reversed() where steps[index].holds(for: prompt) {
                    if let rate = steps[index].rates[wanted] { return rate }
                }
                kind = wanted.fallback
            }
            return 0
        }
    }
}
