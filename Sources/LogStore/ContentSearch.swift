import GRDB
import Primitives

/// Looks for a text in the bodies that are in segments, as a function of SQL.
enum ContentSearch {
    private static let name = "content_holds"
    private static let exchangeName = "exchange_holds"

    /// The call for a row of `exchanges`; its text is a parameter.
    static let exchangeCall = "\(exchangeName)(id, segment, start, details, ?)"

    /// The call for a row of `contents` and the identifier of its record; its text is a parameter.
    static func call(_ identifier: String) -> String {
        """
        \(name)(\(identifier), segment, start, request_fields_bytes, request_body_bytes,
            response_fields_bytes, response_body_bytes, ?)
        """
    }

    /// The functions, for a connection.
    static func functions(_ reader: SegmentReader) -> [DatabaseFunction] {
        [
            DatabaseFunction(name, argumentCount: 8) { values in
                guard let id = String.fromDatabaseValue(values[0]).flatMap({ Identifier($0) }),
                    let pointer = ContentTable.pointer(values[1...6]),
                    let text = String.fromDatabaseValue(values[7])
                else { return false }
                return holds(text, pointer, id, reader)
            },
            DatabaseFunction(exchangeName, argumentCount: 5) { values in
                guard let id = Bytes.fromDatabaseValue(values[0]),
                    let segment = Int64.fromDatabaseValue(values[1]), segment > 0,
                    let start = Int64.fromDatabaseValue(values[2]),
                    let details = Bytes.fromDatabaseValue(values[3]),
                    let text = String.fromDatabaseValue(values[4])
                else { return false }
                let sizes = RecordDetails.sizes(details.bytes.span)
                let pointer = ExchangeTable.pointer(segment: segment, start: start, sizes)
                return holds(text, pointer, ExchangeTable.identifier(id), reader)
            },
        ]
    }

    /// Whether a text is in what a record keeps.
    private static func holds(
        _ text: String, _ pointer: ContentPointer, _ id: Identifier, _ reader: SegmentReader
    ) -> Bool {
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
            case .openFrames: break
            }
        }
        return isFound
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
