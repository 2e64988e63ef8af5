import Primitives

extension MultipartForm {
    /// Bytes of a boundary at most (RFC 2046, 5.1.1).
    private static let boundaryBytesMax = 70

    /// Why servers may read other fields in a form than are read here; nil where they do not.
    func doubt(about body: Span<UInt8>, _ contentType: Span<UInt8>) -> BodyFault? {
        let parameters = contentType.text.lowercased().split(separator: ";").dropFirst()
        let names = parameters.map { parameter in
            parameter.prefix { $0 != "=" }.filter { $0 != " " && $0 != "\t" }
        }
        // `boundary*` and its like some read as another spelling of the same.
        guard names.filter({ $0.hasPrefix("boundary") }) == ["boundary"],
            boundary.count <= Self.boundaryBytesMax + 2,
            boundary.allSatisfy({ Self.isPlain($0) })
        else { return "the form's boundary is an odd one" }
        let count = boundary.count
        guard body.count >= count + 2, body.extracting(0..<count).equals(boundary.span),
            body[count] == 0x0D, body[count + 1] == 0x0A
        else { return "the form does not begin with its boundary" }
        var end = body.count
        while end > 0, body[end - 1] == 0x0A || body[end - 1] == 0x0D { end -= 1 }
        guard end >= count + 2, body[end - 1] == UInt8(ascii: "-"),
            body[end - 2] == UInt8(ascii: "-"),
            body.extracting(end - 2 - count..<end - 2).equals(boundary.span)
        else { return "the form does not end with its boundary" }
        return nil
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "'()+_-./:=?".utf8.contains(byte)
        }
    }
}
