/// A table of a TOML document: its keys in the order of the document, each with its location.
struct TOMLTable: Sendable, Equatable {
    /// A key and its value.
    struct Entry: Sendable, Equatable {
        let key: String
        /// Where the key begins, or the header that names it.
        let location: SourceLocation
        let value: TOMLValue
    }

    let entries: [Entry]
    /// Indexes of entries by the bytes of their keys: `String` takes an é for an e with an accent
    /// behind it, which TOML does not.
    private let indexes: [[UInt8]: Int]

    /// A table of these entries; `indexes` finds each by its key's bytes.
    init(_ entries: [Entry], indexes: [[UInt8]: Int]) {
        self.entries = entries
        self.indexes = indexes
    }

    /// The entry of a key.
    func entry(_ key: some StringProtocol) -> Entry? {
        indexes[Array(key.utf8)].map { entries[$0] }
    }
}

extension TOMLTable {
    /// Where a path such as `targets[1].vendor` leads to, as far as it leads anywhere.
    ///
    /// A key that is not set has the location of the table that it is missing from; `outer` is this
    /// table's own.
    func location(of path: some StringProtocol, in outer: SourceLocation) -> SourceLocation {
        if let entry = entry(path) { return entry.location }
        // The longest key that the path begins with: keys may hold dots and brackets themselves.
        var rest = path[...]
        while let cut = rest.lastIndex(where: { $0 == "." || $0 == "[" }) {
            rest = rest[..<cut]
            if let entry = entry(rest) {
                return entry.value.location(of: path[cut...], in: entry.location)
            }
        }
        return outer
    }
}

extension TOMLValue {
    fileprivate func location(
        of path: some StringProtocol, in outer: SourceLocation
    ) -> SourceLocation {
        switch content {
        case .table(let table) where path.hasPrefix("."):
            return table.location(of: path.dropFirst(), in: outer)
        case .array(let elements) where path.hasPrefix("["):
            guard let close = path.firstIndex(of: "]"), let index = Int(path[..<close].dropFirst()),
                elements.indices.contains(index)
            else { return outer }
            let element = elements[index]
            return element.location(
                of: path[path.index(after: close)...], in: element.location)
        default: return outer
        }
    }
}
