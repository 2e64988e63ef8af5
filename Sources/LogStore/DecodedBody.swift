import Codings
import Primitives

/// A body of a record without its content codings, as far as they can be undone.
public struct DecodedBody: Equatable, Sendable {
    /// How the body is encoded, as its field says.
    public let coding: String
    /// What could be decoded.
    public private(set) var bytes: [UInt8] = []
    /// Why that is not all of the body; empty where it is.
    public private(set) var fault = ""

    /// Bytes of a piece: of the one in which a fault stands nothing may come out.
    private static let pieceBytes = 64

    /// Decodes a body by its header fields; nil where it is not encoded.
    public init?(_ body: Record.Body, fields: String) {
        let list = HeaderLines(text: fields).list(of: "content-encoding")
        guard !list.isEmpty, !body.bytes.isEmpty, !ContentDecoder.isIdentity(list.span) else {
            return nil
        }
        coding = String(decoding: list, as: UTF8.self)
        guard let decoder = ContentDecoder(list.span) else {
            fault = "the content coding is not known here"
            return
        }
        var plain: [UInt8] = []
        var isReadable = true
        var start = 0
        while isReadable, start < body.bytes.count {
            let end = min(start + Self.pieceBytes, body.bytes.count)
            isReadable = decoder.decode(body.bytes.span.extracting(start..<end)) {
                plain.append($0)
            }
            start = end
        }
        bytes = plain
        if !isReadable {
            fault = "the content coding is broken, or hides too much"
        } else if !decoder.isAtEnd {
            fault = "the content coding breaks off"
        }
    }

    /// Whether a text stands in what could be decoded.
    func holds(_ text: String) -> Bool { bytes.span.holds(text.utf8.span) }
}
