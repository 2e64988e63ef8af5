public import Access
import Dialects
import JSON

/// What tokens cost, model by model: data with a version, kept apart from the tokens, so that a
/// record's cost can be worked out anew.
public struct PriceTable: Sendable {
    /// Why a price file cannot be used.
    public struct Unusable: Error, CustomStringConvertible {
        /// What is wrong with it.
        public let description: String
    }

    /// What records say of where their cost comes from.
    public let version: String
    private let globs: [(glob: PriceGlob, price: Price)]
    private let named: [String: Price]

    /// A table of prices by globs, the first that matches before the others, and by names in a file
    /// of LiteLLM's format after those.
    public init(version: String, globs: [(glob: String, price: Price)], file: String?) throws {
        self.version = version
        self.globs = globs.map { (PriceGlob($0.glob), $0.price) }
        named = try file.map(Self.read) ?? [:]
    }

    /// Whether every call costs the same by another table.
    public func isSame(as other: PriceTable) -> Bool {
        named == other.named
            && globs.elementsEqual(other.globs) { $0.glob == $1.glob && $0.price == $1.price }
    }

    /// Whether no price is known at all.
    public var isEmpty: Bool { globs.isEmpty && named.isEmpty }

    private func price(for call: PricedCall) -> Price? {
        for name in call.models where !name.isEmpty {
            if let price = price(
                of: PricedModel(name: name, vendor: call.vendor, dialect: call.dialect))
            {
                return price
            }
        }
        return nil
    }

    private func price(of model: PricedModel) -> Price? {
        let name = model.name
        if let found = globs.first(where: { $0.glob.matches(name.utf8.span) }) {
            return found.price
        }
        // The format's own prefixes are vendors' and dialects' names.
        for prefix in ["\(model.vendor)/", "\(model.dialect.rawValue)/", ""] {
            if let price = named[prefix + name] { return price }
        }
        return nil
    }

    /// What a record's tokens cost, in billionths of a dollar; nil where they or their price are
    /// not known, or where no model worked.
    public func nanodollars(for record: Record) -> Int? {
        guard record.isBilled, record.usageState == .reported else { return nil }
        return nanodollars(for: record.pricedCall)
    }

    /// What a call cost, in billionths of a dollar; nil where its price is not known.
    public func nanodollars(for call: PricedCall) -> Int? {
        guard let price = price(for: call), var sum = price.nanodollars(call.usage, call.tier)
        else { return nil }
        // Each model's tokens at its own price. A sum without one of them would be no cost.
        for other in ModelUsage.others(in: call.usageText, besides: call.models.first ?? "") {
            let model = PricedModel(
                name: other.model, vendor: call.vendor, dialect: call.dialect)
            guard let cost = self.price(of: model)?.nanodollars(other.usage, call.tier)
            else { return nil }
            let (total, isTooLarge) = sum.addingReportingOverflow(cost)
            if isTooLarge { return nil }
            sum = total
        }
        return sum
    }

    private static func read(_ text: String) throws -> [String: Price] {
        guard let root = try? JSONValue(parsing: Array(text.utf8).span),
            case .object(let members) = root
        else {
            throw Unusable(description: "it is no JSON object")
        }
        var named: [String: Price] = [:]
        for member in members {
            // Entries for images and the like are priced by other things than tokens.
            guard let price = Price(member.value) else { continue }
            named[member.name] = price
        }
        guard !named.isEmpty else {
            throw Unusable(description: "no entry of it has input_cost_per_token")
        }
        return named
    }
}

extension PriceTable: Pricing {
    /// Tokens that a prompt may have at most, and an answer; nil where that is not known.
    public func tokensMax(of model: PricedModel) -> (input: Int?, output: Int?) {
        let price = price(of: model)
        return (price?.inputMax, price?.outputMax)
    }

    /// What a call costs at most, in billionths of a dollar; nil where the model has no price.
    public func bound(
        input: Int, output: Int, writesCache: Bool, of model: PricedModel
    ) -> Int? {
        price(of: model)?.bound(input: input, output: output, writesCache: writesCache)
    }
}

extension Record {
    /// The call, as its price depends on it.
    fileprivate var pricedCall: PricedCall {
        PricedCall(
            models: [answeringModel, attempts.last?.model ?? "", model], vendor: vendor,
            dialect: answerDialect, usage: usage, tier: serviceTier, usageText: usageText)
    }

    /// The record with its cost worked out anew: tokens are the ledger, money follows from them.
    ///
    /// A cost that the vendor itself stated stays as it is.
    public func repriced(by prices: PriceTable) -> Record {
        if priceVersion == Record.statedByVendor { return self }
        var record = self
        record.costNanodollars = prices.nanodollars(for: self)
        record.priceVersion = record.costNanodollars == nil ? "" : prices.version
        return record
    }
}
