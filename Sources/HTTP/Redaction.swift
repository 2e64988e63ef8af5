public import Primitives

/// What a credential looks like in a head, so that none is written down.
public enum Redaction {
    /// Whether a field's value may be a credential, told by its name.
    public static func hides(_ name: HeaderName, _ text: Span<UInt8>) -> Bool {
        if name.isCredential || name == .proxyAuthorization { return true }
        guard name == .other, text.count >= 3 else { return false }
        // By the last letter first: most fields end in none of these.
        switch text[text.count - 1].lowercased {
        case UInt8(ascii: "a"): return text.endsIgnoringCase("oidc-data")
        case UInt8(ascii: "d"): return text.endsIgnoringCase("password")
        case UInt8(ascii: "e"): return text.endsIgnoringCase("cookie")
        case UInt8(ascii: "h"): return text.endsIgnoringCase("auth")
        case UInt8(ascii: "l"):
            // Where browsers put the key of a realtime session.
            return text.endsIgnoringCase("credential")
                || text.matchesIgnoringCase("sec-websocket-protocol")
        case UInt8(ascii: "n"):
            return text.endsIgnoringCase("token") || text.endsIgnoringCase("authorization")
                || text.endsIgnoringCase("assertion")
        case UInt8(ascii: "s"):
            return text.endsIgnoringCase("credentials") || text.endsIgnoringCase("secrets")
        case UInt8(ascii: "t"):
            return text.endsIgnoringCase("secret") || text.endsIgnoringCase("jwt")
        case UInt8(ascii: "y"):
            return text.endsIgnoringCase("key") && !text.matchesIgnoringCase("idempotency-key")
        default: return false
        }
    }

    /// Whether a value looks like a credential, whatever its field is called.
    static func looksSecret(_ value: Span<UInt8>) -> Bool {
        value.count > 6
            && (value.extracting(0..<6).matchesIgnoringCase("basic ")
                || value.count > 7 && value.extracting(0..<7).matchesIgnoringCase("bearer "))
    }

    /// Appends a target, the values of parameters that may be credentials taken out.
    public static func writeTarget(_ target: Span<UInt8>, to output: inout ByteBuffer) {
        guard let question = target.firstIndex(of: UInt8(ascii: "?")) else {
            return output.append(target)
        }
        output.append(target.extracting(0..<question + 1))
        var start = question + 1
        while start <= target.count {
            if start > question + 1 { output.append(byte: target[start - 1]) }
            let end = separator(in: target, from: start)
            let pair = target.extracting(start..<end)
            let equals = pair.firstIndex(of: UInt8(ascii: "="))
            if let equals, isSecret(parameter: pair.extracting(0..<equals)) {
                output.append(pair.extracting(0..<equals + 1))
                output.append(text: redacted)
            } else {
                output.append(pair)
            }
            start = end + 1
        }
    }

    /// What stands in a credential's place.
    public static let redacted = "<redacted>"

    /// Where the pair ends that begins at an offset: some split at semicolons too.
    private static func separator(in target: Span<UInt8>, from start: Int) -> Int {
        let ampersand = target.firstIndex(of: UInt8(ascii: "&"), from: start) ?? target.count
        let semicolon = target.firstIndex(of: UInt8(ascii: ";"), from: start) ?? target.count
        return min(ampersand, semicolon)
    }

    // Escaped letters are not undone: a name that has any is not one of ours, and hidden.
    private static func isSecret(parameter name: Span<UInt8>) -> Bool {
        if name.firstIndex(of: UInt8(ascii: "%")) != nil { return true }
        return name.endsIgnoringCase("key") || name.endsIgnoringCase("token")
            || name.endsIgnoringCase("secret") || name.endsIgnoringCase("password")
            || name.endsIgnoringCase("auth") || name.endsIgnoringCase("credential")
            || name.endsIgnoringCase("authorization") || name.endsIgnoringCase("jwt")
            || name.endsIgnoringCase("assertion") || name.endsIgnoringCase("signature")
            || name.matchesIgnoringCase("sig")
    }
}

extension RequestHead {
    /// Writes all fields, a line each, credentials taken out.
    public func writeRedactedFields(to output: inout ByteBuffer) {
        for field in fields {
            output.append(field, name(of: field), value(of: field))
        }
    }

    /// The credential that the client sent, however it sent it; empty without one.
    public var credential: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            for field in fields where field.name.isCredential {
                let value = storage.bytes(field.valueRange)
                let start = value.hasPrefix("Bearer ") ? 7 : 0
                return storage.bytes(
                    field.valueRange.lowerBound + start..<field.valueRange.upperBound)
            }
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
        if Redaction.hides(field.name, name) || Redaction.looksSecret(value) {
            append(text: Redaction.redacted)
        } else {
            append(value)
        }
        append("\r\n")
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes end with those of a literal in lower case, in any case of theirs.
    fileprivate func endsIgnoringCase(_ literal: StaticString) -> Bool {
        let length = literal.utf8CodeUnitCount
        return count >= length
            && extracting(count - length..<count).matchesIgnoringCase(literal)
    }
}
