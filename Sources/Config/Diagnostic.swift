/// One thing about a configuration that an operator should know.
public struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    /// Whether it stops the start.
    public enum Severity: Sendable, Equatable {
        case error, warning
    }

    /// How grave it is.
    public let severity: Severity
    /// File, line and column, as editors read them.
    public let location: String
    /// The key, dotted.
    public let key: String
    /// What is wrong, and what is allowed.
    public let message: String

    /// A diagnostic of these parts.
    public init(severity: Severity, location: String, key: String, message: String) {
        self.severity = severity
        self.location = location
        self.key = key
        self.message = message
    }

    /// `config.toml:3:1: server.lisen: unknown key; the nearest known key is "listen"`.
    public var description: String {
        let label = severity == .warning ? "warning: " : ""
        return "\(location): \(label)\(key.isEmpty ? "" : key + ": ")\(message)"
    }
}

/// Why a configuration cannot be used: every fault it has, not the first alone.
public struct ConfigurationError: Error, CustomStringConvertible {
    /// What is wrong, in the order of the file.
    public let diagnostics: [Diagnostic]

    /// An error of these faults.
    public init(diagnostics: [Diagnostic]) {
        self.diagnostics = diagnostics
    }

    /// One line a fault.
    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}

/// The name in a list that differs least from one that was typed; nil when none is near.
func nearest(to name: String, in known: [String]) -> String? {
    let length = name.count
    // A name may be as long as a file, and comparing takes time with the square of it.
    guard length <= 100 else { return nil }
    let farthest = max(2, length / 2)
    let scored = known.filter { abs($0.count - length) <= farthest }
        .map { ($0, distance(name, $0)) }
    guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= farthest else {
        return nil
    }
    return best.0
}

/// Insertions, deletions and replacements between two words.
private func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (index, character) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in right.indices {
            let replaced = diagonal + (right[column] == character ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(replaced, row[column] + 1, row[column + 1] + 1)
        }
    }
    return row[right.count]
}
