import Config
import Dialects
import Primitives

/// A configuration's chains, with one more for each name of the operator's own and each chain that
/// serves the model behind it.
///
/// An alias is nothing but a chain for one model whose targets ask for another. So all that is
/// true of chains is true of it.
struct AliasChains {
    /// A chain, and whether it stands for an alias.
    struct Entry {
        let chain: Chain
        var isAlias = false
    }

    /// In the order in which they are asked.
    private(set) var entries: [Entry] = []

    init(_ configuration: Configuration) {
        let prefixes = [""] + configuration.chains.map(\.prefix).filter { !$0.isEmpty }
        for alias in configuration.models where !alias.vendor.isEmpty {
            var seen: Set<String> = []
            for prefix in prefixes where seen.insert(prefix).inserted {
                var chain = Chain(
                    name: alias.name,
                    targets: [Chain.Target(vendor: alias.vendor, model: alias.model)])
                chain.prefix = prefix
                add(chain, for: alias)
            }
        }
        for chain in configuration.chains {
            for alias in configuration.models
            where alias.vendor.isEmpty
                && chain.models.contains(where: {
                    Glob($0).matches(alias.model.utf8.span)
                })
            {
                var copy = chain
                copy.targets = chain.targets.map {
                    Chain.Target(vendor: $0.vendor, model: $0.model ?? alias.model)
                }
                add(copy, for: alias)
            }
            entries.append(Entry(chain: chain))
        }
        guard configuration.chains.isEmpty else { return }
        // The vendor of the request's dialect, as without the alias.
        for alias in configuration.models where alias.vendor.isEmpty {
            let vendors = Dialect.allCases.compactMap { dialect in
                configuration.vendors.first { $0.dialect == dialect }?.name
            }
            var chain = Chain(
                name: alias.name,
                targets: vendors.map { Chain.Target(vendor: $0, model: alias.model) })
            chain.clocks = .withoutChain
            chain.translates = false
            add(chain, for: alias)
        }
    }

    private mutating func add(_ chain: Chain, for alias: ModelAlias) {
        var chain = chain
        chain.models = [alias.name]
        entries.append(Entry(chain: chain, isAlias: true))
    }
}
