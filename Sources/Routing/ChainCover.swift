public import Config

/// Whether a chain takes every request that another one could serve: then the later of the two is
/// never reached.
public struct ChainCover {
    /// The chain that no request reaches.
    public let shadowed: String
    /// The one before it that takes them all.
    public let by: String

    /// All chains that are never reached, in the order of the file.
    ///
    /// One chain alone is looked at as the cause: several that take everything together are not
    /// found.
    public static func all(in chains: [Chain]) -> [ChainCover] {
        chains.indices.compactMap { index in
            chains[..<index].first { covers($0, chains[index]) }.map {
                ChainCover(shadowed: chains[index].name, by: $0.name)
            }
        }
    }

    private static func covers(_ one: Chain, _ other: Chain) -> Bool {
        one.prefix == other.prefix && covers(one.paths, other.paths)
            && covers(one.models, other.models)
    }

    private static func covers(_ globs: [String], _ others: [String]) -> Bool {
        others.allSatisfy { other in globs.contains { covers($0, other) } }
    }

    /// Whether a pattern matches all that another one matches.
    ///
    /// Where it matches the other's own text, its stars have taken the other's wildcards in, and
    /// all that these stand for. A question mark could take a star for one letter.
    private static func covers(_ glob: String, _ other: String) -> Bool {
        if glob == other { return true }
        guard !glob.contains("?") else { return false }
        let isAnyPath = glob == "/*" && other.hasPrefix("/")
        return isAnyPath || Glob(glob).matches(Array(other.utf8).span)
    }
}
