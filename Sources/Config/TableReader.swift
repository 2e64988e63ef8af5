import Primitives

/// Reads one table key by key, notes what is wrong, and in the end what was not asked for.
struct TableReader {
    let path: String
    let findings: Findings
    private let members: TOMLTable
    private let location: SourceLocation
    private var asked: [String] = []
    private var known: Set<String> = []

    init(_ members: TOMLTable, path: String, location: SourceLocation, findings: Findings) {
        self.members = members
        self.path = path
        self.location = location
        self.findings = findings
    }

    func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The keys that are set, in the order of the file.
    var keys: [String] { members.entries.map(\.key) }

    /// Whether a key is set.
    func has(_ key: String) -> Bool { members.entry(key) != nil }

    /// Notes a fault of a key, or of what a path such as `targets[1].vendor` leads to.
    func error(_ key: String, _ message: String) {
        findings.add(.error, full(key), message, at: members.location(of: key, in: location))
    }

    func warn(_ key: String, _ message: String) {
        findings.add(.warning, full(key), message, at: members.location(of: key, in: location))
    }

    mutating func node(_ key: String) -> TOMLValue.Content? {
        if known.insert(key).inserted { asked.append(key) }
        guard let content = members.entry(key)?.value.content else { return nil }
        guard !Self.holdsZero(content) else {
            error(key, "holds a zero byte, where the system would cut a path or a name off")
            return nil
        }
        return content
    }

    private static func holdsZero(_ content: TOMLValue.Content) -> Bool {
        switch content {
        case .string(let text): text.utf8.contains(0)
        case .array(let elements): elements.contains { holdsZero($0.content) }
        default: false
        }
    }

    /// A reader of each table `[key.NAME]`, in the order of the file.
    mutating func namedTables(_ key: String, _ read: (String, inout TableReader) -> Void) {
        guard let node = node(key) else { return }
        guard case .table(let named) = node else {
            return error(key, "\(node.kind) where tables [\(key).NAME] are needed")
        }
        for entry in named.entries {
            guard checkName(entry.key, of: key, at: entry.location) else { continue }
            guard case .table(let members) = entry.value.content else {
                error("\(key).\(entry.key)", "a table is needed")
                continue
            }
            var reader = TableReader(
                members, path: full("\(key).\(entry.key)"), location: entry.location,
                findings: findings)
            read(entry.key, &reader)
            reader.finish()
        }
    }

    /// Checks a name of the operator's own: it stands in header fields, in labels of metrics and on
    /// terminals.
    ///
    /// Returns whether it is fit.
    func checkName(_ name: String, of key: String, at location: SourceLocation? = nil) -> Bool {
        guard !Self.isName(name) else { return true }
        findings.add(
            .error, full(key),
            "holds a name that is none; allowed: 1 to 64 printable characters of ASCII, without "
                + "quotes and backslashes, and with spaces only inside",
            at: location ?? members.location(of: key, in: self.location))
        return false
    }

    /// Whether a text is fit to be such a name.
    static func isName(_ name: String) -> Bool {
        1...64 ~= name.utf8.count && !name.hasPrefix(" ") && !name.hasSuffix(" ")
            && name.utf8.allSatisfy { 0x20...0x7E ~= $0 && !"\"'\\".utf8.contains($0) }
    }

    /// Whether a text may be a model's name: it goes into bodies and paths as it is.
    static func isModelName(_ name: String) -> Bool {
        name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%\"\\".utf8.contains($0) }
    }

    mutating func string(_ key: String, _ value: inout String) {
        guard let node = node(key) else { return }
        guard case .string(let text) = node else { return wrong(key, "text", node) }
        value = text
    }

    mutating func bool(_ key: String, _ value: inout Bool) {
        guard let node = node(key) else { return }
        guard case .boolean(let flag) = node else { return wrong(key, "true or false", node) }
        value = flag
    }

    mutating func integer(_ key: String, _ value: inout Int, in range: ClosedRange<Int>) {
        guard let node = node(key) else { return }
        guard case .integer(let number) = node else { return wrong(key, "a whole number", node) }
        guard range.contains(number) else {
            let bound =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
            return error(key, "\(number) is out of range; allowed: \(bound)")
        }
        value = number
    }

    mutating func duration(_ key: String, _ value: inout Interval, allowsZero: Bool = true) {
        guard let node = node(key) else { return }
        guard case .string(let text) = node, let interval = Quantities.duration(text) else {
            return wrong(
                key, "a duration such as \"250ms\", \"5s\", \"2m\" or \"30d\"", node, quotes: true)
        }
        guard allowsZero || interval > .zero else {
            return error(key, "cannot be switched off; allowed: a duration above 0")
        }
        value = interval
    }

    /// A duration that may be left to something else, by an empty text.
    mutating func optionalDuration(
        _ key: String, _ value: inout Interval?, allowsZero: Bool = true
    ) {
        if case .string("")? = node(key) { return value = nil }
        guard has(key) else { return }
        var interval = Interval.zero
        duration(key, &interval, allowsZero: allowsZero)
        value = interval
    }

    mutating func size(_ key: String, _ value: inout Int, atLeast least: Int) {
        guard let node = node(key) else { return }
        guard case .string(let text) = node, let bytes = Quantities.size(text) else {
            return wrong(key, "a size such as \"16KiB\" or \"64MiB\"", node, quotes: true)
        }
        guard bytes >= least else {
            return error(
                key, "is too small; allowed: \(Quantities.describe(bytes: least)) and more")
        }
        value = bytes
    }

    mutating func share(_ key: String, _ value: inout MemoryShare) {
        guard let node = node(key) else { return }
        guard case .string(let text) = node, let share = MemoryShare(text) else {
            return wrong(
                key, "a share of the memory such as \"25%\", or a size", node, quotes: true)
        }
        value = share
    }

    mutating func choice(_ key: String, _ value: inout String, _ allowed: [String]) {
        guard let node = node(key) else { return }
        let list = allowed.joined(separator: ", ")
        guard case .string(let text) = node else { return wrong(key, "one of \(list)", node) }
        guard allowed.contains(text) else {
            let hint = nearest(to: text, in: allowed).map { "; did you mean \"\($0)\"?" } ?? ""
            return error(key, "\"\(text)\" is not known; allowed: \(list)\(hint)")
        }
        value = text
    }

    mutating func strings(_ key: String, _ value: inout [String]) {
        guard let node = node(key) else { return }
        guard case .array(let elements) = node else { return wrong(key, "a list of texts", node) }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element.content else {
                return wrong("\(key)[\(index)]", "text", element.content)
            }
            texts.append(text)
        }
        value = texts
    }

    mutating func table(_ key: String, _ read: (inout TableReader) -> Void) {
        guard let node = node(key) else { return }
        guard case .table(let table) = node else { return wrong(key, "a table", node) }
        var reader = TableReader(
            table, path: full(key), location: members.location(of: key, in: location),
            findings: findings)
        read(&reader)
        reader.finish()
    }

    mutating func tables(_ key: String, _ read: (inout TableReader) -> Void) {
        guard let node = node(key) else { return }
        guard case .array(let elements) = node else { return wrong(key, "a list of tables", node) }
        for (index, element) in elements.enumerated() {
            guard case .table(let table) = element.content else {
                wrong("\(key)[\(index)]", "a table", element.content)
                continue
            }
            var reader = TableReader(
                table, path: "\(full(key))[\(index)]", location: element.location,
                findings: findings)
            read(&reader)
            reader.finish()
        }
    }

    /// Adds an error for each key that the configuration does not know.
    func finish() {
        for key in keys where !known.contains(key) {
            let hint = nearest(to: key, in: asked).map { "; the nearest known key is \"\($0)\"" }
            error(
                key,
                "unknown key\(hint ?? "; known here: \(asked.sorted().joined(separator: ", "))")"
            )
        }
    }

    /// A value of another kind than is needed.
    ///
    /// `quotes`: the key holds no secret, so a text may be repeated.
    private func wrong(
        _ key: String, _ wanted: String, _ node: TOMLValue.Content, quotes: Bool = false
    ) {
        var found = node.kind
        if quotes, case .string(let text) = node { found = "\"\(text.prefix(60))\"" }
        if quotes, case .integer(let number) = node { found = "\(number)" }
        error(key, "\(found) where \(wanted) is needed")
    }
}
