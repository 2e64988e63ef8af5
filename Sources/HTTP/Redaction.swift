public import Primitives

/// Takes credentials out of a head before it is written down.
public enum Redaction {
    /// The text that replaces a credential.
    public static let redacted = "<redacted>"
    /// A shorter credential is looked for in no other field: it may be an ordinary word.
    static let credentialBytesMin = 12

    /// Whether a value is a credential, whatever its field is called.
    static func looksSecret(_ value: Span<UInt8>) -> Bool {
        if value.startsIgnoringCase("basic "), value.count > 6 { return true }
        // A field may name another one before it.
        var start = 6
        while start < value.count - 1,
            let space = value.firstIndex(of: 0x20, from: start), space < value.count - 1
        {
            if value.extracting(space - 6..<space).matchesIgnoringCase("bearer") { return true }
            start = space + 1
        }
        return false
    }

    /// Appends a target, or a value that may hold URLs, without the credentials in it: values of
    /// parameters, what stands before an `@` in an authority, and whatever looks like a key.
    public static func write(_ text: Span<UInt8>, to output: inout ByteBuffer) {
        // Most values hold none, and no list of ranges is made for them.
        guard CredentialRanges.mayStand(in: text) else { return output.append(text) }
        var start = 0
        for range in CredentialRanges(in: text).ranges {
            output.append(text.extracting(start..<range.lowerBound))
            output.append(text: redacted)
            start = range.upperBound
        }
        output.append(text.extracting(start..<text.count))
    }

    /// Whether a text holds a credential, so that it is not written down as it is.
    public static func changes(_ text: Span<UInt8>) -> Bool {
        !CredentialRanges(in: text).ranges.isEmpty
    }

    /// Whether a path holds a credential that a parameter's name, or an `@`, marks as one.
    ///
    /// A segment that only looks like a key is a name like any other.
    public static func marksCredential(in path: Span<UInt8>) -> Bool {
        let mark = path.firstIndex(below: 0, or: UInt8(ascii: "="), or: UInt8(ascii: "@"))
        guard mark < path.count || path.firstIndex(of: UInt8(ascii: "%")) != nil else {
            return false
        }
        return changes(path)
    }

    /// Whether a value holds a URL with a credential in it: such a field goes to no vendor beside a
    /// credential of ours.
    public static func holdsCredentialURL(_ value: Span<UInt8>) -> Bool {
        let mark = value.firstIndex(below: 0, or: UInt8(ascii: "?"), or: UInt8(ascii: "@"))
        guard
            mark < value.count
                || value.firstIndex(below: 0, or: UInt8(ascii: "#"), or: UInt8(ascii: "%"))
                    < value.count
                || value.firstRange(of: "//") != nil || value.firstRange(of: "\\") != nil
        else { return false }
        return changes(value)
    }
}

extension RequestHead {
    /// Writes all fields, a line each, credentials taken out.
    public func writeRedactedFields(to output: inout ByteBuffer) {
        let bytesMin = repeatedBytesMin
        for index in fields.indices {
            let field = fields[index]
            // Most names and values are too short to be asked.
            let isRepeated =
                hiddenFields.contains(index)
                || field.nameRange.count >= bytesMin && repeatsCredential(name(of: field))
                || field.valueRange.count >= bytesMin && !field.name.isCredential
                    && repeatsCredential(value(of: field))
            output.append(
                field, name(of: field), value(of: field), isRedacted: isRepeated)
        }
    }

    /// Writes the target, or its path alone, credentials taken out.
    public func writeRedactedTarget(isPathAlone: Bool = false, to output: inout ByteBuffer) {
        let target = isPathAlone ? path : pathAndQuery
        guard isTargetHidden || repeatsCredential(target) else {
            return Redaction.write(target, to: &output)
        }
        output.append("/")
        output.append(text: Redaction.redacted)
    }

    /// Whether a text repeats a credential that stands in a field of its own: one whose form is not
    /// known is known by that.
    public func repeatsCredential(_ text: Span<UInt8>) -> Bool {
        guard text.count >= Redaction.credentialBytesMin else { return false }
        for field in fields where field.name.isCredential {
            let token = token(of: field).trimmed
            if token.count >= Redaction.credentialBytesMin, text.contains(token) { return true }
        }
        return false
    }

    /// Bytes of a text that repeats a credential, at least; the largest number where none can be.
    private var repeatedBytesMin: Int {
        var least = Int.max
        for field in fields where field.name.isCredential {
            let count = token(of: field).trimmed.count
            if count >= Redaction.credentialBytesMin { least = min(least, count) }
        }
        return least
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
        _ field: HeaderField, _ name: Span<UInt8>, _ value: Span<UInt8>, isRedacted: Bool = false
    ) {
        if isRedacted || CredentialShape.holdsOwnKey(name) {
            append(text: Redaction.redacted)
        } else {
            append(name)
        }
        append(": ")
        if isRedacted || field.name.isCredential || CredentialShape.holdsOwnKey(value)
            || Redaction.looksSecret(value)
        {
            append(text: Redaction.redacted)
        } else if field.name == .accept || field.name == .contentType || value.count < 4 {
            append(value)
        } else {
            Redaction.write(value, to: &self)
        }
        append("\r\n")
    }
}
