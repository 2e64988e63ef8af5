import TOMLKit

/// Reads one file's text again and again, and parses it anew only when it has changed.
///
/// The TOML library frees nothing of what it parses, some fifteen times the size of the text. A
/// text that is read every minute, for a secret that rotates, must not cost that each time.
public struct ConfigurationReader {
    private var parsed: (text: String, root: [String: Node])?

    /// A reader that has read nothing yet.
    public init() {}

    /// Whether this text was parsed last, and will not be again.
    public func hasParsed(_ text: String) -> Bool { parsed?.text == text }

    /// Reads a TOML text.
    ///
    /// `file` is its name in diagnostics.
    ///
    /// Throws ``ConfigurationError`` with every fault at once; warnings are returned beside the
    /// configuration.
    public mutating func read(
        _ text: String, file: String, secrets: SecretSource
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Diagnostic]) {
        let root: [String: Node]
        if let parsed, hasParsed(text) {
            root = parsed.root
        } else {
            root = try Self.parse(text, file: file)
            parsed = (text, root)
        }
        return try Configuration.read(
            root, Findings(file: file, keyPlaces: KeyPlaces(text)), secrets)
    }

    /// A file's bytes as text.
    ///
    /// Throws where they are none. Read up to the first byte that is no text, a file with a tail of
    /// zeros, as a power cut leaves one, would stand for the defaults.
    public static func text(
        of bytes: [UInt8], file: String
    ) throws(ConfigurationError) -> String {
        if let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) { return text }
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let line =
            lines.firstIndex { line in
                line.contains(0) || String(validating: line, as: UTF8.self) == nil
            } ?? 0
        let what = lines[line].contains(0) ? "a NUL byte" : "bytes that are no UTF-8"
        throw ConfigurationError(diagnostics: [
            Diagnostic(
                severity: .error, location: "\(file):\(line + 1):1", key: "",
                message: "\(what): the file is damaged, or no text")
        ])
    }

    /// Parses a text and drops the result: for a process that the parser may end.
    public static func tryParsing(_ text: String) {
        _ = try? parse(text, file: "")
    }

    private static func parse(
        _ text: String, file: String
    ) throws(ConfigurationError) -> [String: Node] {
        // toml++ has an assertion where an error should be, and would take the process with it.
        if let place = KeyPlaces(text).badHeader {
            throw ConfigurationError(diagnostics: [
                Diagnostic(
                    severity: .error, location: "\(file):\(place.line):\(place.column)", key: "",
                    message: "no table's name begins like this; letters, digits, - and _ may stand "
                        + "there, others in quotes")
            ])
        }
        do {
            guard case .table(let root) = Node(try TOMLTable(string: text)) else { return [:] }
            return root
        } catch let error as TOMLParseError {
            let place = "\(file):\(error.source.begin.line):\(error.source.begin.column)"
            throw ConfigurationError(diagnostics: [
                Diagnostic(severity: .error, location: place, key: "", message: error.description)
            ])
        } catch {
            throw ConfigurationError(diagnostics: [
                Diagnostic(severity: .error, location: file, key: "", message: "\(error)")
            ])
        }
    }
}
