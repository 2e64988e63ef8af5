public import Primitives

/// Takes credentials out of what is written down of a head.
public enum Redaction {
    /// What stands in a credential's place.
    public static let redacted = "<redacted>"

    /// Whether a value is a credential, whatever its field is called.
    static func looksSecret(_ value: Span<UInt8>) -> Bool {
        value.startsIgnoringCase("basic ") && value.count > 6
            || value.startsIgnoringCase("bearer ") && value.count > 7
    }

    /// Times that escapes are undone to see what they hide; what is nested deeper is taken out.
    private static let unescapingsMax = 4

    /// Appends a target, or a value that may hold URLs, without the credentials in it: values of
    /// parameters, what stands before an `@` in an authority, and whatever looks like a key.
    public static func write(_ text: Span<UInt8>, to output: inout ByteBuffer) {
        write(text, unescapes: true, to: &output)
    }

    private static func write(
        _ text: Span<UInt8>, unescapes: Bool, to output: inout ByteBuffer
    ) {
        var start = 0
        while start < text.count {
            let mark = text.firstIndex(
                below: 0, or: UInt8(ascii: "?"), or: UInt8(ascii: "#"), from: start)
            writePlain(text.extracting(start..<mark), to: &output)
            guard mark < text.count else { return }
            output.append(byte: text[mark])
            start = writeQuery(text, from: mark + 1, unescapes: unescapes, to: &output)
        }
    }

    /// Appends a text without a query, without what may be a password before an `@`.
    private static func writePlain(_ text: Span<UInt8>, to output: inout ByteBuffer) {
        var start = 0
        while let at = text.firstIndex(of: UInt8(ascii: "@"), from: start) {
            var begin = at
            while begin > start, !text[begin - 1].endsAuthority { begin -= 1 }
            let isAuthority =
                begin >= 2 && text[begin - 1] == UInt8(ascii: "/")
                && text[begin - 2] == UInt8(ascii: "/")
            writeShapes(text.extracting(start..<(isAuthority ? begin : at)), to: &output)
            var end = at
            if isAuthority {
                output.append(text: redacted)
                // A password may hold the sign: the host stands behind the last one.
                var index = at + 1
                while index < text.count, !text[index].endsAuthority {
                    if text[index] == UInt8(ascii: "@") { end = index }
                    index += 1
                }
            }
            output.append(byte: UInt8(ascii: "@"))
            start = end + 1
        }
        writeShapes(text.extracting(start..<text.count), to: &output)
    }

    /// Appends the pairs of a query, or of a fragment, up to where it ends, which is returned.
    private static func writeQuery(
        _ text: Span<UInt8>, from offset: Int, unescapes: Bool, to output: inout ByteBuffer
    ) -> Int {
        var start = offset
        while start < text.count {
            var end = start
            // A quote or a bracket right behind the `=` does not end the value that it opens.
            while end < text.count,
                !text[end].endsPair
                    || end > start && text[end - 1] == UInt8(ascii: "=")
                        && !text[end].separatesPairs
            {
                end += 1
            }
            writePair(text.extracting(start..<end), unescapes: unescapes, to: &output)
            guard end < text.count else { return end }
            output.append(byte: text[end])
            start = end + 1
            guard text[end].separatesPairs else { return start }
        }
        return start
    }

    private static func writePair(
        _ pair: Span<UInt8>, unescapes: Bool, to output: inout ByteBuffer
    ) {
        guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else {
            return writePlain(pair, to: &output)
        }
        output.append(pair.extracting(0..<equals + 1))
        let value = pair.extracting(equals + 1..<pair.count)
        if CredentialWords.isCredential(parameter: pair.extracting(0..<equals)) {
            output.append(text: redacted)
        } else if unescapes, value.firstIndex(of: UInt8(ascii: "%")) != nil {
            // A URL in a parameter is escaped; what it holds is looked at as it reads.
            if hidesCredential(value) {
                output.append(text: redacted)
            } else {
                output.append(value)
            }
        } else {
            writePlain(value, to: &output)
        }
    }

    /// Whether a pair of a query, or what it hides, holds a credential.
    public static func changes(pair: Span<UInt8>) -> Bool {
        changes(pair: pair, unescapes: true)
            // Where its `=` is escaped.
            || pair.firstIndex(of: UInt8(ascii: "=")) == nil && hidesCredential(pair)
    }

    private static func changes(pair: Span<UInt8>, unescapes: Bool) -> Bool {
        var written = ByteBuffer()
        let end = writeQuery(pair, from: 0, unescapes: unescapes, to: &written)
        write(pair.extracting(end..<pair.count), unescapes: unescapes, to: &written)
        return !written.bytes.equals(pair)
    }

    /// Whether an escaped value holds a credential at any step of its unescaping.
    private static func hidesCredential(_ value: Span<UInt8>) -> Bool {
        var plain = value.indices.map { value[$0] }
        for _ in 0..<unescapingsMax {
            let next = plain.span.percentDecoded()
            if next.count == plain.count { return false }
            plain = next
            var written = ByteBuffer()
            write(plain.span, unescapes: false, to: &written)
            if !written.bytes.equals(plain.span) { return true }
            // One step at a time: each looking into the next would cost ever more.
            if changes(pair: plain.span, unescapes: false) { return true }
        }
        return plain.span.percentDecoded().count < plain.count
    }

    /// Appends a text without the tokens in it that look like keys.
    private static func writeShapes(_ text: Span<UInt8>, to output: inout ByteBuffer) {
        var start = 0
        while let token = CredentialShape.next(in: text, from: start) {
            output.append(text.extracting(start..<token.lowerBound))
            output.append(text: redacted)
            start = token.upperBound
        }
        output.append(text.extracting(start..<text.count))
    }

    /// Whether a value holds a URL with a credential in it: such a field goes to no vendor beside a
    /// credential of ours.
    public static func holdsCredentialURL(_ value: Span<UInt8>) -> Bool {
        guard
            value.firstIndex(
                below: 0, or: UInt8(ascii: "?"), or: UInt8(ascii: "@")) < value.count
                || value.firstIndex(of: UInt8(ascii: "#")) != nil
        else { return false }
        var written = ByteBuffer()
        write(value, to: &written)
        return !written.bytes.equals(value)
    }
}

extension RequestHead {
    /// Writes all fields, a line each, credentials taken out.
    public func writeRedactedFields(to output: inout ByteBuffer) {
        for field in fields {
            output.append(field, name(of: field), value(of: field))
        }
    }

    /// The credential that the client sent for a vendor, however it sent it; empty without one.
    public var credential: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            for field in fields where field.name.isVendorCredential { return token(of: field) }
            return storage.bytes(0..<0)
        }
    }
}

extension ResponseHead {
    /// Writes all fields, a line each, credentials taken out.
    public func writeRedactedFields(to output: inout ByteBuffer) {
        for field in fields {
            output.append(
                field, storage.bytes(field.nameRange), storage.bytes(field.valueRange))
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func append(
        _ field: HeaderField, _ name: Span<UInt8>, _ value: Span<UInt8>
    ) {
        append(name)
        append(": ")
        if field.name.isCredential || Redaction.looksSecret(value) {
            append(text: Redaction.redacted)
        } else if field.name == .accept || field.name == .contentType || value.count < 4 {
            append(value)
        } else {
            Redaction.write(value, to: &self)
        }
        append("\r\n")
    }
}

extension UInt8 {
    /// Whether a byte ends the authority of a URL, read backwards from its `@`.
    fileprivate var endsAuthority: Bool {
        self <= 0x20 || self == UInt8(ascii: "/") || self == UInt8(ascii: "?")
            || self == UInt8(ascii: "#") || self == UInt8(ascii: "\"") || self == UInt8(ascii: "<")
            || self == UInt8(ascii: ",")
    }

    /// Whether a byte separates the pairs of a query: some split at semicolons, too.
    fileprivate var separatesPairs: Bool {
        self == UInt8(ascii: "&") || self == UInt8(ascii: ";") || self == UInt8(ascii: "?")
            || self == UInt8(ascii: "#")
    }

    /// Whether a byte ends a pair, or the URL that it stands in.
    fileprivate var endsPair: Bool {
        separatesPairs || self <= 0x20 || self == UInt8(ascii: "\"") || self == UInt8(ascii: "'")
            || self == UInt8(ascii: "<") || self == UInt8(ascii: ">") || self == UInt8(ascii: ",")
    }
}
