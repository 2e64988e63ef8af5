import JSON
import Primitives

/// What a record keeps of a request beside its bytes.
public struct RequestFacts: Equatable, Sendable {
    /// The model asked for; empty where none is named.
    public var model = ""

    /// The facts of a request; its body may be cut after its beginning.
    ///
    /// `target` is path and query.
    public init(dialect: Dialect, target: String, bodyStart: Span<UInt8>) {
        if dialect == .gemini, let name = Self.modelInPath(target) {
            model = name
        } else if let name = Self.text(of: "model", in: bodyStart) {
            model = name
        }
    }

    /// The name in a path such as `/v1beta/models/NAME:verb`.
    private static func modelInPath(_ target: String) -> String? {
        let path = target.prefix { $0 != "?" }
        guard let start = path.firstRange(of: "/models/")?.upperBound else { return nil }
        let name = path[start...].prefix { $0 != ":" && $0 != "/" }
        return name.isEmpty ? nil : String(name)
    }

    /// A string member of the top-level object, in a text that may end anywhere.
    private static func text(of name: StaticString, in bytes: Span<UInt8>) -> String? {
        var scanner = JSONScanner(bytes)
        var found: Range<Int>?
        guard (try? scanner.kind()) == .object else { return nil }
        // Where the text ends early the walk ends with it, and what was found is found.
        try? scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
            let range = try scanner.value()
            if scanner.isKey(key, name) { found = range }
        }
        guard let found, found.count >= 2, bytes[found.lowerBound] == UInt8(ascii: "\"") else {
            return nil
        }
        return JSONText.unescape(bytes.extracting(found.lowerBound + 1..<found.upperBound - 1))
    }
}
