import Primitives

/// The one definition of what carries a credential, by its name: header fields and parameters of a
/// query.
///
/// Stripping, routing and redaction all ask here, so that what one of them knows the others do.
public enum CredentialWords {
    /// What a header field is whose name is in no list.
    static func name(_ field: Span<UInt8>) -> HeaderName {
        if field.startsIgnoringCase("anthropic-") { return .anthropicOther }
        if isOfEdge(field) { return .edgeCredential }
        return isCredential(field: field) ? .otherCredential : .other
    }

    /// Whether a field says to a gateway who the caller is, written by a proxy in front of it: it
    /// is meant for no vendor, whichever key goes there.
    private static func isOfEdge(_ field: Span<UInt8>) -> Bool {
        guard field.count >= 10 else { return false }
        switch field[0].lowercased {
        case UInt8(ascii: "c"): return field.startsIgnoringCase("cf-access-")
        case UInt8(ascii: "x"):
            return field.startsIgnoringCase("x-amzn-oidc-")
                || field.startsIgnoringCase("x-ms-token-")
                || field.startsIgnoringCase("x-ms-client-principal")
                || field.startsIgnoringCase("x-forwarded-access-token")
                || field.startsIgnoringCase("x-forwarded-id-token")
                || field.startsIgnoringCase("x-auth-request-")
                || field.startsIgnoringCase("x-goog-iap-jwt-")
                || field.startsIgnoringCase("x-goog-authenticated-user-")
        default: return false
        }
    }

    // By words, not by a list of names: gateways, proxies and vendors invent new ones all the time,
    // and nearly all are made of these.
    private static func isCredential(field: Span<UInt8>) -> Bool {
        var start = 0
        var hasKey = false
        while start < field.count {
            let end = field.firstIndex(
                below: 0, or: UInt8(ascii: "-"), or: UInt8(ascii: "_"), from: start)
            let word = field.extracting(start..<end)
            if isSecretWord(word) { return !isHarmless(field) }
            hasKey = word.matchesIgnoringCase("key") || word.matchesIgnoringCase("keys")
            start = end + 1
        }
        // A key at the end of a name is one to something.
        if hasKey { return !isHarmless(field) }
        return field.matchesIgnoringCase("sec-websocket-protocol")
            || field.matchesIgnoringCase("dpop") || field.matchesIgnoringCase("x-oai-attestation")
    }

    private static func isSecretWord(_ word: Span<UInt8>) -> Bool {
        guard word.count >= 3 else { return false }
        switch word[0].lowercased {
        case UInt8(ascii: "a"):
            return word.matchesIgnoringCase("auth") || word.matchesIgnoringCase("authorization")
                || word.matchesIgnoringCase("authentication") || word.matchesIgnoringCase("apikey")
                || word.matchesIgnoringCase("assertion")
                || word.matchesIgnoringCase("accesskey")
        case UInt8(ascii: "c"):
            return word.matchesIgnoringCase("cookie") || word.matchesIgnoringCase("cookie2")
                || word.matchesIgnoringCase("credential")
                || word.matchesIgnoringCase("credentials")
        case UInt8(ascii: "j"): return word.matchesIgnoringCase("jwt")
        case UInt8(ascii: "p"):
            return word.matchesIgnoringCase("password") || word.matchesIgnoringCase("passwd")
                || word.matchesIgnoringCase("passphrase")
        case UInt8(ascii: "s"):
            return word.matchesIgnoringCase("secret") || word.matchesIgnoringCase("secrets")
                || word.matchesIgnoringCase("signature")
                || word.matchesIgnoringCase("subscriptionkey")
        case UInt8(ascii: "t"):
            return word.matchesIgnoringCase("token") || word.matchesIgnoringCase("ticket")
        default: return false
        }
    }

    /// Fields that are made of such words and hold none.
    private static func isHarmless(_ field: Span<UInt8>) -> Bool {
        field.matchesIgnoringCase("idempotency-key")
            || field.matchesIgnoringCase("x-idempotency-key")
            || field.matchesIgnoringCase("sec-websocket-key")
            || field.matchesIgnoringCase("www-authenticate")
            || field.startsIgnoringCase("access-control-")
            || field.startsIgnoringCase("x-ratelimit-")
    }

    /// Whether a query's parameter carries a credential: its name decides, in whatever case, with
    /// whatever between its words, and however it is escaped.
    public static func isCredential(parameter name: Span<UInt8>) -> Bool {
        let plain = letters(of: name)
        let letters = plain.span
        if letters.count == 0 { return false }
        for word: StaticString in ["key", "sig", "code", "auth", "jwt", "pwd", "pass", "token"]
        where letters.matches(word) { return true }
        // Where a list goes on is no secret, and an agent that lost it would read the first page
        // again and again.
        for word: StaticString in [
            "pagetoken", "nextpagetoken", "continuationtoken", "nexttoken", "synctoken",
            "idempotencykey",
        ] where letters.matches(word) { return false }
        for ending: StaticString in [
            "key", "token", "secret", "password", "passwd", "passphrase", "signature",
            "credential", "credentials", "auth", "authorization", "assertion", "jwt", "apikey",
            "accesskeyid", "cookie", "ticket", "authcode",
        ] where letters.hasSuffix(ending) { return true }
        return false
    }

    /// The letters and digits of a name, in lower case, escapes undone; names are short.
    private static func letters(of name: Span<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        var escaped = name.count <= 256 ? name.indices.map { name[$0] } : []
        // "%256Bey" is "%6Bey" to the first that reads it, and "key" to the next.
        for _ in 0..<3 {
            plain = escaped.span.percentDecoded()
            if plain.count == escaped.count { break }
            escaped = plain
        }
        return plain.compactMap { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            default: nil
            }
        }
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes begin with those of a literal in lower case, in any case of theirs.
    func startsIgnoringCase(_ literal: StaticString) -> Bool {
        let length = literal.utf8CodeUnitCount
        return count >= length && extracting(0..<length).matchesIgnoringCase(literal)
    }
}
