import JSON
import LogStore

extension StoredRecord {
    /// The record as the page has it.
    ///
    /// A vendor's error may quote the prompt, and a query may hold what a client looked for: both
    /// are content.
    func json(showsContent: Bool) -> JSONValue {
        let whole = json(withBodies: false)
        guard !showsContent, case .object(let members) = whole else { return whole }
        return .object(
            members.map { JSONValue.Member($0.name, Self.withoutContent($0.name, $0.value)) })
    }

    private static func withoutContent(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .string(let text) = value else { return value }
        switch name {
        case "error_message": return .string("")
        case "error_kind": return .string(isWord(text) ? text : "")
        case "target": return .string(String(text.unicodeScalars.prefix { $0 != "?" }))
        default: return value
        }
    }

    /// Whether a text is a name such as `rate_limit_error`, and no sentence.
    private static func isWord(_ text: String) -> Bool {
        text.utf8.allSatisfy {
            0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || "_-.".utf8.contains($0)
        }
    }
}
