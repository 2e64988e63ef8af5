import Config

extension ModelCatalog {
    /// Whether the gateway answers the question which models there are.
    ///
    /// Where the file does not say it: the gateway if there are chains, because a vendor that the
    /// question would go to lists neither what the chains serve nor that alone. But where a chain
    /// leaves the model to the client and has vendors with the client's credential only, the
    /// gateway cannot know what they serve, and its list would hide it.
    static func isOwn(_ configuration: Configuration) -> Bool {
        if let policy = configuration.server.models { return policy == .own }
        return !configuration.chains.isEmpty
            && !configuration.chains.contains { hidesModels($0, configuration) }
    }

    /// Whether a chain serves models that only its clients can have listed.
    private static func hidesModels(_ chain: Chain, _ configuration: Configuration) -> Bool {
        let vendors = chain.targets.filter { $0.model == nil }.compactMap {
            configuration.vendor(named: $0.vendor)
        }
        return !vendors.isEmpty && vendors.allSatisfy { $0.credential == .client }
            && chain.models.contains { $0.contains("*") || $0.contains("?") }
            && chain.paths.contains(where: mayServeCalls)
    }

    /// Whether a pattern of paths looks as if it matched calls: by what stands before its first
    /// wildcard.
    private static func mayServeCalls(_ pattern: String) -> Bool {
        let fixed = pattern.prefix { $0 != "*" && $0 != "?" }
        return samples.contains { call in
            fixed.count == pattern.count ? call == pattern : call.hasPrefix(fixed)
        }
    }
}
