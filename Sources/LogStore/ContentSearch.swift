import GRDB
import Primitives

/// Looks for a text in the bodies that are in segments, as a function of SQL.
enum ContentSearch {
    private static let name = "content_holds"

    /// The call for a row of `contents` and the identifier of its record; its text is a parameter.
    static func call(_ identifier: String) -> String {
        """
        \(name)(\(identifier), segment, start, request_fields_bytes, request_body_bytes,
            response_fields_bytes, response_body_bytes, ?)
        """
    }

    /// The function, for a connection.
    static func function(_ reader: SegmentReader) -> DatabaseFunction {
        DatabaseFunction(name, argumentCount: 8) { values in
            guard let id = String.fromDatabaseValue(values[0]).flatMap({ Identifier($0) }),
                let pointer = ContentTable.pointer(values[1...6]),
                let text = String.fromDatabaseValue(values[7])
            else { return false }
            var isFound = false
            var fields = ""
            // What cannot be read is not found, and named where the record itself is read.
            _ = reader.read(pointer, id) { kind, bytes in
                guard !isFound else { return }
                switch kind {
                // A body's fields are read before it.
                case .requestFields, .responseFields: fields = bytes.text
                case .requestBody:
                    isFound = Self.holds(bytes, text, fields: fields)
                    // An answer may have no fields.
                    fields = ""
                case .responseBody: isFound = Self.holds(bytes, text, fields: fields)
                }
            }
            return isFound
        }
    }

    /// Whether a text stands in a body, as it was sent or decoded.
    private static func holds(_ bytes: Span<UInt8>, _ text: String, fields: String) -> Bool {
        if bytes.holds(text.utf8.span) { return true }
        guard fields.utf8.count > 0 else { return false }
        var body = Record.Body()
        body.bytes = [UInt8](bytes)
        return DecodedBody(body, fields: fields)?.holds(text) ?? false
    }
}

extension Span<UInt8> {
    /// Whether some bytes stand in it.
    func holds(_ wanted: Span<UInt8>) -> Bool {
        guard wanted.count > 0 else { return true }
        var start = 0
        while let found = firstIndex(of: wanted[0], from: start), found + wanted.count <= count {
            if extracting(found..<found + wanted.count).equals(wanted) { return true }
            start = found + 1
        }
        return false
    }
}
