/// A reply of a Redis or Valkey server.
enum RESPReply: Equatable, Sendable {
    case integer(Int)
    /// A text of bytes, or a status.
    case text([UInt8])
    case list([RESPReply])
    case null
    /// The server's own words for why it did not do it.
    case error(String)

    /// Nested this deep at most; hiredis' reader has a bound of its own, which is lower.
    static let depthMax = 16

    /// The number of an integer; nil for anything else.
    var number: Int? {
        if case .integer(let number) = self { return number }
        return nil
    }

    /// A text, or a status, as far as it is UTF-8; nil for anything else.
    var string: String? {
        if case .text(let bytes) = self { return String(validating: bytes, as: UTF8.self) }
        return nil
    }

    /// The elements of a list; nil for anything else.
    var elements: [RESPReply]? {
        if case .list(let elements) = self { return elements }
        return nil
    }

    /// Why the server did not do it; nil where it did.
    var fault: String? {
        if case .error(let reason) = self { return reason }
        return nil
    }
}
