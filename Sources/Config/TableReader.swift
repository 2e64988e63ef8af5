import Primitives
import TOMLKit

/// What TOML holds, as far as a configuration may use it.
indirect enum Node {
    case table([String: Node])
    case array([Node])
    case string(String)
    case integer(Int)
    case double(Double)
    case bool(Bool)
    case other(String)

    init(_ value: any TOMLValueConvertible) {
        if let table = value.table {
            self = .table(
                Dictionary(
                    uniqueKeysWithValues: table.keys.compactMap { key in
                        table[key].map { (key, Node($0)) }
                    }))
        } else if let array = value.array {
            self = .array(array.map { Node($0) })
        } else if let string = value.string {
            self = .string(string)
        } else if let bool = value.bool {
            self = .bool(bool)
        } else if let integer = value.int {
            self = .integer(integer)
        } else if let double = value.double {
            self = .double(double)
        } else {
            self = .other("\(value.type)")
        }
    }

    var kind: String {
        switch self {
        case .table: "a table"
        case .array: "a list"
        case .string: "text"
        case .integer: "a whole number"
        case .double: "a number"
        case .bool: "true or false"
        case .other(let name): "a \(name)"
        }
    }
}

/// Gathers the faults of one file, so that an operator sees all of them at once.
final class Findings {
    let file: String
    let keyPlaces: KeyPlaces
    private(set) var diagnostics: [Diagnostic] = []
    private var positions: [(Int, Int)] = []

    init(file: String, keyPlaces: KeyPlaces) {
        self.file = file
        self.keyPlaces = keyPlaces
    }

    func add(_ severity: Diagnostic.Severity, _ path: String, _ message: String) {
        let place = keyPlaces.nearestPlace(path)
        positions.append((place.line, place.column))
        diagnostics.append(
            Diagnostic(
                severity: severity, location: "\(file):\(place.line):\(place.column)", key: path,
                message: message
            )
        )
    }

    /// The faults in the order of the file.
    var sorted: [Diagnostic] {
        zip(positions, diagnostics).sorted { $0.0 < $1.0 }.map(\.1)
    }
}

/// Reads one table key by key, notes what is wrong, and in the end what was not asked for.
struct TableReader {
    let path: String
    let findings: Findings
    private let members: [String: Node]
    private var asked: [String] = []

    init(_ members: [String: Node], path: String, findings: Findings) {
        self.members = members
        self.path = path
        self.findings = findings
    }

    func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The keys that are set.
    var keys: [String] { Array(members.keys) }

    /// Whether a key is set.
    func has(_ key: String) -> Bool { members[key] != nil }

    func error(_ key: String, _ message: String) {
        findings.add(.error, full(key), message)
    }

    func warn(_ key: String, _ message: String) {
        findings.add(.warning, full(key), message)
    }

    mutating func node(_ key: String) -> Node? {
        asked.append(key)
        return members[key]
    }

    mutating func string(_ key: String, _ value: inout String) {
        guard let node = node(key) else { return }
        guard case .string(let text) = node else { return wrong(key, "text", node) }
        value = text
    }

    mutating func bool(_ key: String, _ value: inout Bool) {
        guard let node = node(key) else { return }
        guard case .bool(let flag) = node else { return wrong(key, "true or false", node) }
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
            return wrong(key, "a duration such as \"250ms\", \"5s\", \"2m\" or \"30d\"", node)
        }
        guard allowsZero || interval > .zero else {
            return error(key, "cannot be switched off; allowed: a duration above 0")
        }
        value = interval
    }

    mutating func size(_ key: String, _ value: inout Int, atLeast least: Int) {
        guard let node = node(key) else { return }
        guard case .string(let text) = node, let bytes = Quantities.size(text) else {
            return wrong(key, "a size such as \"16KiB\" or \"64MiB\"", node)
        }
        guard bytes >= least else {
            return error(
                key, "is too small; allowed: \(Quantities.describe(bytes: least)) and more")
        }
        value = bytes
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
            guard case .string(let text) = element else {
                return wrong("\(key)[\(index)]", "text", element)
            }
            texts.append(text)
        }
        value = texts
    }

    mutating func table(_ key: String, _ read: (inout TableReader) -> Void) {
        guard let node = node(key) else { return }
        guard case .table(let members) = node else { return wrong(key, "a table", node) }
        var reader = TableReader(members, path: full(key), findings: findings)
        read(&reader)
        reader.finish()
    }

    mutating func tables(_ key: String, _ read: (inout TableReader) -> Void) {
        guard let node = node(key) else { return }
        guard case .array(let elements) = node else { return wrong(key, "a list of tables", node) }
        for (index, element) in elements.enumerated() {
            guard case .table(let members) = element else {
                wrong("\(key)[\(index)]", "a table", element)
                continue
            }
            var reader = TableReader(members, path: "\(full(key))[\(index)]", findings: findings)
            read(&reader)
            reader.finish()
        }
    }

    /// Notes the keys that nobody asked for.
    func finish() {
        for key in members.keys where !asked.contains(key) {
            let hint = nearest(to: key, in: asked).map { "; the nearest known key is \"\($0)\"" }
            findings.add(
                .error, full(key),
                "unknown key\(hint ?? "; known here: \(asked.sorted().joined(separator: ", "))")"
            )
        }
    }

    private func wrong(_ key: String, _ wanted: String, _ node: Node) {
        error(key, "\(node.kind) where \(wanted) is needed")
    }
}
