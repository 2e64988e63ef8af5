import Config
public import HTTP
import Primitives

/// The models that the gateway lists itself: names of the operator's own, and those that chains
/// name in full.
public struct ModelCatalog: Sendable {
    /// A model's name, and who serves it.
    public struct Entry: Equatable, Sendable {
        /// The name to ask for.
        public let name: String
        /// The first vendor that is asked.
        public let vendor: String
        /// The prefix of the chain that serves it.
        let prefix: String
    }

    /// In the order of the file, aliases first.
    let entries: [Entry]
    private let prefixes: [String]

    init(_ configuration: Configuration) {
        var entries: [Entry] = []
        func add(_ name: String, _ vendor: String, _ prefix: String) {
            guard !name.contains("*"), !name.contains("?"),
                !entries.contains(where: { $0.name == name && $0.prefix == prefix })
            else { return }
            entries.append(Entry(name: name, vendor: vendor, prefix: prefix))
        }
        for entry in AliasChains(configuration).entries where entry.isAlias {
            for name in entry.chain.models {
                add(name, entry.chain.targets.first?.vendor ?? "", entry.chain.prefix)
            }
        }
        for chain in configuration.chains {
            for name in chain.models { add(name, chain.targets.first?.vendor ?? "", chain.prefix) }
        }
        self.entries = entries
        prefixes = Set(configuration.chains.map(\.prefix)).filter { !$0.isEmpty }
            .sorted { $0.utf8.count > $1.utf8.count }
    }

    /// What a request asks of the models; nil where it asks for something else.
    public enum Question: Equatable, Sendable {
        /// Which there are.
        case list([Entry])
        /// What one of them is; nil where there is none of this name.
        case one(String, Entry?)
    }

    /// The question that a request is.
    public func question(_ head: borrowing RequestHead) -> Question? {
        guard head.method == .get || head.method == .head else { return nil }
        let whole = head.path.text
        let prefix = prefixes.first { whole.hasPrefix($0 + "/") } ?? ""
        let path = whole.dropFirst(prefix.count)
        let served = entries.filter { $0.prefix == prefix }
        for base in ["/v1/models", "/v1beta/models"] {
            if path == base || path == base + "/" { return .list(served) }
            guard path.hasPrefix(base + "/") else { continue }
            let escaped = Array(path.dropFirst(base.count + 1).utf8)
            let name = String(decoding: escaped.span.percentDecoded(), as: UTF8.self)
            // A call of Gemini's, or something below a model.
            guard !name.contains(":") || served.contains(where: { $0.name == name }) else {
                return nil
            }
            return .one(name, served.first { $0.name == name })
        }
        return nil
    }
}
