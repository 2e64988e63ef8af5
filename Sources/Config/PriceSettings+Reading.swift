import Dialects
import Primitives

extension PriceSettings {
    mutating func read(_ reader: inout TableReader) {
        reader.string("file", &file)
        reader.string("version", &version)
        var models: [Model] = []
        reader.table("models") { table in
            for name in table.names {
                var model = Model(glob: name)
                table.table(name) { model.read(&$0) }
                models.append(model)
            }
        }
        // The most exact name first: a glob that is longer says more.
        self.models = models.sorted {
            ($0.glob.contains("*") ? 1 : 0, $1.glob.count, $0.glob)
                < ($1.glob.contains("*") ? 1 : 0, $0.glob.count, $1.glob)
        }
    }
}

extension PriceSettings.Model {
    fileprivate mutating func read(_ reader: inout TableReader) {
        for key in ["input", "output"] where !reader.has(key) {
            reader.error(key, "is required, in dollars for a million tokens")
        }
        // Asked for, set or not: an unknown key is held against these names.
        for kind in TokenKind.allCases { _ = reader.node(kind.rawValue) }
        reader.integer("max_input", &maxInput, in: 1...1_000_000_000)
        reader.integer("max_output", &maxOutput, in: 1...1_000_000_000)
        for key in reader.names {
            guard var price = PriceSettings.Price(key: key) else { continue }
            reader.amount(key, &price.dollars)
            prices.append(price)
        }
        for price in prices where price.tier != .standard {
            for kind in [TokenKind.input, .output] {
                let needed = PriceSettings.Price(kind: kind, tier: price.tier, dollars: 0).name
                if !reader.has(needed) {
                    reader.error(price.name, "needs \(needed): a tier has all its prices itself")
                }
            }
        }
    }
}

extension PriceSettings.Price {
    private static let thousandsMax = 100_000

    /// The price that a key such as `cache_read_above_200k_priority` sets; nil where it sets none.
    init?(key: String) {
        var rest = key[...]
        var tier = ServiceTier.standard
        for known in ServiceTier.allCases where known != .standard {
            guard rest.hasSuffix("_\(known.rawValue)") else { continue }
            tier = known
            rest = rest.dropLast(known.rawValue.count + 1)
            break
        }
        var beyond = 0
        if let step = rest.firstRange(of: "_above_"), rest.hasSuffix("k") {
            guard let thousands = Int(rest[step.upperBound...].dropLast()),
                1...Self.thousandsMax ~= thousands
            else { return nil }
            beyond = thousands * 1000
            rest = rest[..<step.lowerBound]
        }
        guard let kind = TokenKind(rawValue: String(rest)) else { return nil }
        self.init(kind: kind, beyond: beyond, tier: tier, dollars: 0)
        // Of several spellings of one key the plain one alone is known.
        if name != key { return nil }
    }
}

extension TableReader {
    /// The names in this table, in order.
    var names: [String] { keys.sorted() }

    /// A price: a number that is not negative.
    mutating func amount(_ key: String, _ value: inout Double) {
        guard let node = node(key) else { return }
        switch node {
        case .integer(let number) where number >= 0: value = Double(number)
        case .float(let number) where number >= 0 && number.isFinite: value = number
        default: error(key, "\(node.kind) where a price such as 2.5 is needed")
        }
    }
}
