import Dialects
import JSON

/// What tokens cost, model by model: data with a version, kept apart from the tokens, so that a
/// record's cost can be worked out anew.
public struct PriceTable: Sendable {
    /// Dollars for one token of each kind.
    public struct Price: Equatable, Sendable {
        /// Tokens of prompts.
        public var input = 0.0
        /// Tokens of answers.
        public var output = 0.0
        /// Of prompts, those that a cache had; nil is as input.
        public var cacheRead: Double?
        /// Of prompts, those put into a cache for minutes.
        public var cacheWrite: Double?
        /// Of prompts, those put into a cache for an hour or longer.
        public var cacheWriteLong: Double?
        /// Of prompts, sound.
        public var audioInput: Double?
        /// Of answers, sound.
        public var audioOutput: Double?
        /// Of answers, those spent on reasoning; nil is as output.
        public var reasoning: Double?
        /// Prices of prompts and answers that begin beyond so many tokens of a prompt.
        public var tiers: [Tier] = []

        /// Prices of nothing.
        public init() {}
    }

    /// Other prices for long prompts.
    public struct Tier: Equatable, Sendable {
        /// Tokens of a prompt beyond which they hold.
        public var beyond: Int
        /// Tokens of prompts; nil is as without the tier.
        public var input: Double?
        /// Tokens of answers.
        public var output: Double?
        /// Of prompts, those that a cache had.
        public var cacheRead: Double?
    }

    /// Why a price file cannot be used.
    public struct Unusable: Error, CustomStringConvertible {
        /// What is wrong with it.
        public let description: String
    }

    /// What records say of where their cost comes from.
    public let version: String
    private let globs: [(glob: String, price: Price)]
    private let named: [String: Price]

    /// A table of prices by globs, the first that matches before the others, and by names in a file
    /// of LiteLLM's format after those.
    public init(version: String, globs: [(glob: String, price: Price)], file: String?) throws {
        self.version = version
        self.globs = globs
        named = try file.map(Self.read) ?? [:]
    }

    /// Whether no price is known at all.
    public var isEmpty: Bool { globs.isEmpty && named.isEmpty }

    /// The price for a record; nil where none is known.
    func price(for record: Record) -> Price? {
        let sent = record.attempts.last?.model ?? ""
        for name in [record.answeringModel, sent, record.model] where !name.isEmpty {
            if let found = globs.first(where: { Self.matches($0.glob, name) }) {
                return found.price
            }
            // The format's own prefixes are vendors' and dialects' names.
            for prefix in ["\(record.vendor)/", "\(record.dialect.rawValue)/", ""] {
                if let price = named[prefix + name] { return price }
            }
        }
        return nil
    }

    /// What a record's tokens cost, in billionths of a dollar; nil where they or their price are
    /// not known.
    public func nanodollars(for record: Record) -> Int? {
        guard record.usageState == .reported, let price = price(for: record) else { return nil }
        return price.nanodollars(record.usage)
    }

    /// Whether a glob, in which `*` stands for anything, is all of a name.
    private static func matches(_ glob: String, _ name: String) -> Bool {
        let parts = glob.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else {
            return glob == name
        }
        guard name.hasPrefix(first), name.count >= first.count + last.count, name.hasSuffix(last)
        else { return false }
        var rest = name.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
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

extension PriceTable.Price {
    /// The price of an entry in LiteLLM's format; nil where it is not by the token.
    init?(_ entry: JSONValue) {
        guard let input = entry["input_cost_per_token"]?.double else { return nil }
        self.input = input
        output = entry["output_cost_per_token"]?.double ?? 0
        cacheRead = entry["cache_read_input_token_cost"]?.double
        cacheWrite = entry["cache_creation_input_token_cost"]?.double
        cacheWriteLong = entry["cache_creation_input_token_cost_above_1hr"]?.double
        audioInput = entry["input_cost_per_audio_token"]?.double
        audioOutput = entry["output_cost_per_audio_token"]?.double
        reasoning = entry["output_cost_per_reasoning_token"]?.double
        for thousands in [128, 200, 272, 512] {
            let ending = "_above_\(thousands)k_tokens"
            let tier = PriceTable.Tier(
                beyond: thousands * 1000,
                input: entry["input_cost_per_token\(ending)"]?.double,
                output: entry["output_cost_per_token\(ending)"]?.double,
                cacheRead: entry["cache_read_input_token_cost\(ending)"]?.double)
            if tier.input != nil || tier.output != nil { tiers.append(tier) }
        }
    }

    /// What tokens cost, in billionths of a dollar, rounded once; nil where that is no number.
    func nanodollars(_ usage: Usage) -> Int? {
        var price = self
        for tier in tiers where (usage.input ?? 0) > tier.beyond {
            price.input = tier.input ?? price.input
            price.output = tier.output ?? price.output
            price.cacheRead = tier.cacheRead ?? price.cacheRead
        }
        let cacheRead = usage.cacheRead ?? 0
        let cacheWrite = usage.cacheWrite ?? 0
        let cacheWriteLong = usage.cacheWriteLong ?? 0
        let audioInput = usage.audioInput ?? 0
        let audioOutput = usage.audioOutput ?? 0
        let reasoning = usage.reasoning ?? 0
        // Input and output hold the kinds below them: each token is paid for once.
        let input = (usage.input ?? 0) - cacheRead - cacheWrite - cacheWriteLong - audioInput
        let output = (usage.output ?? 0) - audioOutput - reasoning
        var dollars = Double(max(0, input)) * price.input + Double(max(0, output)) * price.output
        dollars += Double(cacheRead) * (price.cacheRead ?? price.input)
        dollars += Double(cacheWrite) * (price.cacheWrite ?? price.input)
        dollars +=
            Double(cacheWriteLong) * (price.cacheWriteLong ?? price.cacheWrite ?? price.input)
        dollars += Double(audioInput) * (price.audioInput ?? price.input)
        dollars += Double(audioOutput) * (price.audioOutput ?? price.output)
        dollars += Double(reasoning) * (price.reasoning ?? price.output)
        return Int(exactly: (dollars * 1e9).rounded())
    }
}

extension Record {
    /// The record with its cost worked out anew: tokens are the ledger, money follows from them.
    public func repriced(by prices: PriceTable) -> Record {
        var record = self
        record.costNanodollars = prices.nanodollars(for: self)
        record.priceVersion = record.costNanodollars == nil ? "" : prices.version
        return record
    }
}
