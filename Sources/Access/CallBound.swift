import Dialects

/// What a call may use and cost at most at any of the targets that may be asked.
public struct CallBound: Equatable, Sendable {
    /// Why no bound can be given.
    public enum Obstacle: Error, Equatable, Sendable {
        /// A model has no price.
        case unpriced(PricedModel)
        /// The prompt has parts that the request does not contain, and how long a prompt may be for
        /// the model is not known.
        case openEnded(PricedModel)
        /// The body is not kept, so that it is not read, and how long a prompt may be for the model
        /// is not known.
        case unread(PricedModel)
        /// The body begins as JSON and is none.
        case unreadable
        /// This member's number is not written as one.
        case unclear(String)
    }

    /// Tokens of the prompt at most.
    public private(set) var input = 0
    /// Tokens that a rate is held for: of the prompt as many as texts have on the whole, because a
    /// rate takes up later what it was wrong about.
    public private(set) var expectedTokens = 0
    /// Billionths of a dollar at most.
    public private(set) var nanodollars = 0
    /// Whether the answer has tokens of its own.
    public private(set) var writesOutput = false
    /// Whether the vendor goes on when the client leaves.
    public let outlivesClient: Bool

    private static func product(_ tokens: Int, _ count: Int) -> Int {
        let (product, isLarge) = tokens.multipliedReportingOverflow(by: count)
        return isLarge ? .max / 2 : product
    }

    /// Bytes a token of the texts that agents send, on the whole.
    private static let bytesPerToken = 4

    /// The bound of a request at targets with these models.
    ///
    /// `isPriced`: whether money is reserved for it; `allowsUnpriced`: whether a model without a
    /// price costs nothing.
    public init(
        _ request: RequestBound, at models: [PricedModel], _ prices: (any Pricing)?,
        outputDefault: Int, isPriced: Bool, allowsUnpriced: Bool
    ) throws(Obstacle) {
        outlivesClient = request.outlivesClient
        if isPriced, !allowsUnpriced {
            guard request.isReadable else { throw .unreadable }
            if let name = request.unclearNumber { throw .unclear(name) }
        }
        for model in models {
            let most = prices?.tokensMax(of: model) ?? (input: nil, output: nil)
            var input = request.input
            if request.isOpenEnded {
                if let whole = most.input {
                    input = max(input, Self.product(whole, request.promptsMax ?? 1))
                } else if isPriced, !allowsUnpriced {
                    throw request.isUnread ? .unread(model) : .openEnded(model)
                }
            }
            // No prompt is longer than the model takes.
            if let whole = most.input, let count = request.promptsMax {
                input = min(input, Self.product(whole, count))
            }
            var one =
                request.output ?? model.writtenOutput ?? most.output ?? outputDefault
            one = max(one, request.outputAtLeast, model.writtenOutputMin)
            if let whole = most.output { one = min(one, whole) }
            let output = request.output(of: one)
            self.input = max(self.input, input)
            writesOutput = writesOutput || output > 0
            expectedTokens = max(expectedTokens, input / Self.bytesPerToken + output)
            guard isPriced else { continue }
            let cost = prices?.bound(
                input: input, output: output,
                // OpenAI's caches are written without being asked for.
                writesCache: request.writesCache || model.dialect == .openai, of: model)
            if let cost {
                nanodollars = max(nanodollars, cost)
            } else if !allowsUnpriced {
                throw .unpriced(model)
            }
        }
    }
}
