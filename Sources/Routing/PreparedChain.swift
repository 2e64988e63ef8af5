import Config
import Dialects
import HTTP
import Primitives

/// A chain made ready for requests: its patterns, and a plan for each API that it can serve.
final class PreparedChain: Sendable {
    let name: String
    let plans: [API: Plan]
    let skipped: [API: [Plan.Skipped]]
    /// Whether it serves some models only.
    let needsModel: Bool
    /// Whether a WebSocket handshake on any of its paths opens a tunnel.
    let opensTunnels: Bool
    /// Whether it stands for an alias: a request whose model cannot be read is none for it.
    let isAlias: Bool
    private let prefix: [UInt8]
    private let paths: [Glob]
    private let loosePaths: [Glob]
    private let models: [Glob]
    /// The API of paths that are no vendor's, which a chain must name to serve.
    private let apiOfOthers: API?

    var prefixLength: Int { prefix.count }

    /// `count` numbers the targets, for their health.
    init(
        _ chain: Chain, _ vendors: [Vendor], _ count: inout Int, isAlias: Bool = false
    ) {
        name = chain.name
        self.isAlias = isAlias
        prefix = Array(chain.prefix.utf8)
        paths = chain.paths.map(Glob.init)
        loosePaths = chain.paths.map { Glob($0.lowercased()) }
        models = chain.models.map(Glob.init)
        opensTunnels = chain.tunnel
        needsModel = !models.contains { $0.matchesAll }
        var plans: [API: Plan] = [:]
        var skipped: [API: [Plan.Skipped]] = [:]
        for api in API.allCases {
            let (targets, indices, reasons) = Self.targets(of: chain, api, vendors, &count)
            skipped[api] = reasons
            guard !targets.isEmpty else { continue }
            plans[api] = Plan(
                chain, api: api, targets: targets, vendors: indices.map { vendors[$0] },
                skipped: reasons)
        }
        self.plans = plans
        self.skipped = skipped
        let namesPaths = !paths.contains { $0.isCatchAll }
        let first = chain.targets.lazy.compactMap { target in
            vendors.first { $0.name == target.vendor }
        }.first
        apiOfOthers = namesPaths ? first.map { API($0.dialect) } : nil
    }

    private static func targets(
        of chain: Chain, _ api: API, _ vendors: [Vendor], _ count: inout Int
    ) -> (targets: [Plan.Target], vendors: [Int], skipped: [Plan.Skipped]) {
        var targets: [Plan.Target] = []
        var indices: [Int] = []
        var skipped: [Plan.Skipped] = []
        // The client's own key is meant for one vendor: the first of the chain that takes it.
        var keyBearer: Int?
        for target in chain.targets {
            guard let index = vendors.firstIndex(where: { $0.name == target.vendor }) else {
                continue
            }
            let vendor = vendors[index]
            let isForeign = !api.isServed(by: vendor.dialect)
            var reason = isForeign ? reasonAgainstTranslation(vendor, chain) : nil
            if !isForeign, vendor.credential == .client {
                if keyBearer ?? index == index {
                    keyBearer = index
                } else {
                    reason =
                        "it has no credential of its own, and the caller's is meant for another"
                }
            }
            if let reason {
                skipped.append(Plan.Skipped(vendor: vendor.name, reason: reason))
                continue
            }
            targets.append(
                Plan.Target(
                    vendor: index, model: target.model, health: count, isForeign: isForeign))
            indices.append(index)
            count += 1
        }
        return (targets, indices, skipped)
    }

    /// Why a vendor of another dialect gets no request translated; nil where it does.
    private static func reasonAgainstTranslation(_ vendor: Vendor, _ chain: Chain) -> String? {
        let speaks = "it speaks \(vendor.dialect.rawValue), and "
        if !chain.translates { return speaks + "the chain has translate = false" }
        if !vendor.translates { return speaks + "the vendor has translate = false" }
        guard vendor.credential == .client else { return nil }
        return speaks + "it has no credential of its own, and the caller's is another dialect's"
    }

    /// The path that is left behind the chain's prefix; nil where it has another.
    @_lifetime(copy path)
    func strip(_ path: Span<UInt8>) -> Span<UInt8>? {
        guard !prefix.isEmpty else { return path }
        guard path.count > prefix.count, path[prefix.count] == UInt8(ascii: "/") else { return nil }
        for index in prefix.indices where path[index] != prefix[index] { return nil }
        return path.extracting(prefix.count..<path.count)
    }

    /// Whether it serves the same paths as another; without one, those without a prefix.
    func hasPrefix(of other: PreparedChain?) -> Bool { prefix == other?.prefix ?? [] }

    func matches(path: Span<UInt8>) -> Bool {
        paths.contains { $0.matches(path) }
    }

    /// The same of the path as the most lenient server reads it, to which small and large letters
    /// are the same.
    func matchesLoosely(path: Span<UInt8>) -> Bool {
        guard let loose = RequestPath.loosest(path) else { return matches(path: path) }
        return loosePaths.contains { $0.matches(loose.span) }
    }

    func matches(model: String) -> Bool {
        models.contains { $0.matches(model.utf8.span) }
    }

    /// The API of a request that the chain's patterns match; nil where it is no vendor's, and the
    /// chain does not name its path.
    func api(of head: borrowing RequestHead, path: Span<UInt8>) -> API? {
        API(of: head, path: path) ?? apiOfOthers
    }
}
