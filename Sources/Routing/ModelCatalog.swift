import Config
public import Dialects
public import HTTP
import Primitives
import Synchronization

/// The models that the gateway lists itself: names of the operator's own, those that chains name in
/// full, and those that vendors list and that lead to them.
public final class ModelCatalog: Sendable {
    /// A model's name, and who serves it.
    public struct Entry: Equatable, Sendable {
        /// The name to ask for.
        public let name: String
        /// What people call it.
        public let title: String
        /// The first vendor that is asked.
        public let vendor: String
        /// The chain that serves it; empty where the dialect alone decides.
        public let chain: String
        /// The prefix of the chain.
        let prefix: String
    }

    /// What a request asks of the models.
    public enum Question: Equatable, Sendable {
        /// Which there are.
        case list([Entry])
        /// What one of them is; nil where there is none of this name.
        case one(String, Entry?)
    }

    /// A chain, as far as it decides who serves a model.
    private struct Route: Sendable {
        let chain: String
        let prefix: String
        let models: [Glob]
        /// The vendors that are asked for the model that the client names.
        let vendors: Set<String>
    }

    /// What vendors list.
    private struct Listed: Sendable {
        var entries: [Entry] = []
        /// Called for each question; nil where no vendor is asked.
        var onQuestion: (@Sendable () -> Void)?
        /// Whether every vendor has been asked.
        var isComplete = false
    }

    /// A path of each API by whose chain a vendor's models are listed.
    static let samples = [
        "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1beta/models/m:generateContent",
    ]
    private static let listedMax = 10_000

    /// In the order of the file, aliases first.
    let entries: [Entry]
    private let prefixes: [String]
    private let routes: [Route]
    /// The vendors that serve what no chain does.
    private let fallbacks: Set<String>
    private let listed = Mutex(Listed())

    /// Whether the gateway answers the question, and no vendor.
    public let isOwn: Bool
    /// The vendors whose own lists are part of the answer, where the gateway can ask them.
    public let vendorsToAsk: Set<String>

    init(_ configuration: Configuration) {
        var entries: [Entry] = []
        var routes: [Route] = []
        func add(_ name: String, of chain: Chain) {
            guard !name.contains("*"), !name.contains("?"),
                !entries.contains(where: { $0.name == name && $0.prefix == chain.prefix })
            else { return }
            entries.append(
                Entry(
                    name: name, title: name, vendor: chain.targets.first?.vendor ?? "",
                    chain: chain.name, prefix: chain.prefix))
        }
        let chains = AliasChains(configuration).entries
        for entry in chains where entry.isAlias {
            for name in entry.chain.models { add(name, of: entry.chain) }
        }
        for chain in configuration.chains {
            for name in chain.models { add(name, of: chain) }
            // A name that is certain to be served where any may be asked for.
            if let model = chain.targets.first?.model,
                chain.models.contains(where: { Glob($0).matches(model.utf8.span) })
            {
                add(model, of: chain)
            }
        }
        for chain in chains.map(\.chain) {
            let paths = chain.paths.map(Glob.init)
            let isOfModels = Self.samples.contains { sample in
                paths.contains { $0.matches(sample.utf8.span) }
            }
            guard isOfModels else { continue }
            routes.append(
                Route(
                    chain: chain.name, prefix: chain.prefix, models: chain.models.map(Glob.init),
                    vendors: Set(chain.targets.filter { $0.model == nil }.map(\.vendor))))
        }
        self.entries = entries
        self.routes = routes
        prefixes = Set(configuration.chains.map(\.prefix)).filter { !$0.isEmpty }
            .sorted { $0.utf8.count > $1.utf8.count }
        fallbacks = Self.fallbacks(configuration)
        isOwn = Self.isOwn(configuration)
        let named = Set(routes.map(\.chain))
        vendorsToAsk = fallbacks.union(
            Self.openVendors(chains.map(\.chain).filter { named.contains($0.name) })
        ).filter { name in
            // There is no caller whose credential could be shown.
            configuration.vendor(named: name).map { $0.credential != .client } ?? false
        }
    }

    /// The vendors of requests that no chain serves.
    private static func fallbacks(_ configuration: Configuration) -> Set<String> {
        // With chains, a request that none of them names is served with the caller's own
        // credential alone.
        var fallbacks: Set<String> = []
        for vendor in configuration.vendors
        where configuration.chains.isEmpty
            || vendor.credential == .client && !vendor.usesOwnSecret
        {
            let isFirst = !configuration.vendors.contains {
                $0.dialect == vendor.dialect && fallbacks.contains($0.name)
            }
            if isFirst { fallbacks.insert(vendor.name) }
        }
        return fallbacks
    }

    /// The vendors that are asked for whatever model a client names.
    private static func openVendors(_ chains: [Chain]) -> [String] {
        let open = chains.filter { chain in
            chain.models.contains { $0.contains("*") || $0.contains("?") }
        }
        return open.flatMap(\.targets).filter { $0.model == nil }.map(\.vendor)
    }

    /// Has a call made for each question, from any thread.
    public func onQuestion(_ call: @escaping @Sendable () -> Void) {
        listed.withLock { $0.onQuestion = call }
    }

    /// A client asks for models; returns whether what vendors list is still being asked for.
    public func isAwaited() -> Bool {
        let (call, isComplete) = listed.withLock { ($0.onQuestion, $0.isComplete) }
        guard let call else { return false }
        call()
        return !isComplete
    }

    /// Lists what vendors list themselves, by their names, as far as it leads to them.
    ///
    /// `isComplete`: whether all of them have been asked.
    public func adopt(_ lists: [String: [ListedModel]], isComplete: Bool = true) {
        var found: [Entry] = []
        var seen = Set(entries.map { "\($0.prefix) \($0.name)" })
        for prefix in [""] + prefixes {
            for (vendor, models) in lists.sorted(by: { $0.key < $1.key }) {
                for model in models where found.count < Self.listedMax {
                    guard !seen.contains("\(prefix) \(model.name)"),
                        let chain = chain(for: model.name, of: vendor, prefix)
                    else { continue }
                    seen.insert("\(prefix) \(model.name)")
                    found.append(
                        Entry(
                            name: model.name, title: model.title, vendor: vendor, chain: chain,
                            prefix: prefix))
                }
            }
        }
        listed.withLock { listed in
            listed.entries = found
            listed.isComplete = isComplete
        }
    }

    /// The chain by which a request for a model goes to a vendor; nil where it goes elsewhere.
    private func chain(for name: String, of vendor: String, _ prefix: String) -> String? {
        let route = routes.first { route in
            route.prefix == prefix && route.models.contains { $0.matches(name.utf8.span) }
        }
        guard let route else {
            return prefix.isEmpty && fallbacks.contains(vendor) ? "" : nil
        }
        return route.vendors.contains(vendor) ? route.chain : nil
    }

    /// The path of a request without a chain's prefix, and that prefix.
    private func split(_ path: Span<UInt8>) -> (prefix: String, length: Int) {
        let whole = path.text
        let prefix = prefixes.first { whole.hasPrefix($0 + "/") } ?? ""
        return (prefix, prefix.utf8.count)
    }

    /// What a request asks of the models by its path; nil where it asks for something else.
    public func path(of head: borrowing RequestHead) -> ModelsPath? {
        guard head.method == .get || head.method == .head else { return nil }
        let path = head.path
        return ModelsPath(path.extracting(split(path).length..<path.count))
    }

    /// The question that a request is, answered by what is listed for it; nil where it asks for
    /// something else.
    ///
    /// `isAllowed`: whether the caller may ask for an entry.
    public func question(
        _ head: borrowing RequestHead, isAllowed: (Entry) -> Bool
    ) -> Question? {
        guard let asked = path(of: head) else { return nil }
        let prefix = split(head.path).prefix
        let served = (entries + listed.withLock { $0.entries }).filter {
            $0.prefix == prefix && isAllowed($0)
        }
        guard let name = asked.name else { return .list(served) }
        let entry = served.first { $0.name == name }
        // A call of Gemini's, or something below a model.
        guard !name.contains(":") || entry != nil else { return nil }
        return .one(name, entry)
    }
}
