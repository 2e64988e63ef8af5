import Primitives

/// The one definition of what carries a credential, by its name: header fields and parameters of a
/// query.
///
/// Stripping, routing and redaction all use it, so that they agree.
public enum CredentialWords {
    /// The kind of a header field whose name is in no list.
    ///
    /// Asked for every field of every request and answer: by first letters and lengths, so that
    /// most names are settled without comparing a word.
    static func name(_ field: Span<UInt8>) -> HeaderName {
        guard field.count > 3 else { return .other }
        switch field[0].lowercased {
        case UInt8(ascii: "a"):
            if field.startsIgnoringCase("anthropic-"), !isCredential(field: field) {
                return .anthropicOther
            }
        case UInt8(ascii: "c"):
            if field.startsIgnoringCase("cf-access-") { return .edgeCredential }
        case UInt8(ascii: "x"):
            if isOfEdge(field) { return .edgeCredential }
        default: break
        }
        return isCredential(field: field) ? .otherCredential : .other
    }

    /// Whether a field `x-…` says to a gateway who the caller is, written by a proxy in front of
    /// it: it is meant for no vendor, whichever key goes there.
    private static func isOfEdge(_ field: Span<UInt8>) -> Bool {
        switch field[2].lowercased {
        case UInt8(ascii: "a"):
            field.startsIgnoringCase("x-amzn-oidc-")
                || field.startsIgnoringCase("x-auth-request-")
        case UInt8(ascii: "f"):
            field.startsIgnoringCase("x-forwarded-client-cert")
                || field.startsIgnoringCase("x-forwarded-access-token")
                || field.startsIgnoringCase("x-forwarded-id-token")
        case UInt8(ascii: "g"):
            field.startsIgnoringCase("x-goog-iap-jwt-")
                || field.startsIgnoringCase("x-goog-authenticated-user-")
        case UInt8(ascii: "m"):
            field.startsIgnoringCase("x-ms-token-")
                || field.startsIgnoringCase("x-ms-client-principal")
        default: false
        }
    }

    // By words, not by a list of names: gateways, proxies and vendors invent new ones all the time,
    // and nearly all are made of these.
    private static func isCredential(field: Span<UInt8>) -> Bool {
        var start = 0
        while start < field.count {
            // Letters and digits are above what parts the words: "-", "." and their like.
            let end = field.firstIndex(
                below: 0x30, or: UInt8(ascii: "_"), or: UInt8(ascii: "~"), from: start)
            let rest = Swift.min(end, field.count)
            if isSecretWord(field.extracting(start..<rest), before: field.extracting(rest...)) {
                return !isHarmless(field)
            }
            start = end + 1
        }
        switch field.count {
        case 4: return field.matchesIgnoringCase("dpop")
        case 17: return field.matchesIgnoringCase("x-oai-attestation")
        case 22: return field.matchesIgnoringCase("sec-websocket-protocol")
        default: return false
        }
    }

    /// Whether a word says that a credential follows; a key does so at the end of a name alone.
    ///
    /// Most words are settled by their first letter and their last.
    private static func isSecretWord(_ whole: Span<UInt8>, before rest: Span<UInt8>) -> Bool {
        var length = whole.count
        while length > 0, whole[length - 1] <= UInt8(ascii: "9") { length -= 1 }
        guard length > 2 else { return false }
        let word = whole.extracting(0..<length)
        // Written in one with the word before: "authtoken", "clientsecret", "apikey".
        if length > 5, word.endsLikeSecret, rest.endsName { return true }
        switch word[0].lowercased {
        case UInt8(ascii: "a"):
            return word.isOne(of: "auth", "apikey", "assertion", "accesskey")
                || word.isOne(of: "authorization", "authentication")
        case UInt8(ascii: "b"): return word.matchesIgnoringCase("bearer")
        case UInt8(ascii: "c"):
            return word.isOne(of: "creds", "cookie", "credential", "credentials")
        case UInt8(ascii: "h"): return word.matchesIgnoringCase("hmac")
        case UInt8(ascii: "j"): return word.matchesIgnoringCase("jwt")
        case UInt8(ascii: "k"):
            return (word.matchesIgnoringCase("key") || word.matchesIgnoringCase("keys"))
                && rest.endsName
        case UInt8(ascii: "o"): return word.matchesIgnoringCase("oauth")
        case UInt8(ascii: "p"):
            return word.isOne(of: "pwd", "pass", "passwd", "password")
                || word.isOne(of: "passcode", "passphrase", "passwords")
                || word.matchesIgnoringCase("pat") && rest.endsName
        case UInt8(ascii: "s"):
            return word.isOne(of: "secret", "secrets", "signature", "subscriptionkey")
                || word.matchesIgnoringCase("sig") && rest.endsName
        case UInt8(ascii: "t"): return word.isOne(of: "token", "ticket")
        default: return false
        }
    }

    /// Fields that are made of such words and hold none.
    private static func isHarmless(_ field: Span<UInt8>) -> Bool {
        field.matchesIgnoringCase("idempotency-key")
            || field.matchesIgnoringCase("x-idempotency-key")
            || field.endsIgnoringCase("-cache-key") || field.endsIgnoringCase("-partition-key")
            || field.endsIgnoringCase("-sort-key") || field.endsIgnoringCase("-token-count")
            || field.endsIgnoringCase("-max-token")
            || field.matchesIgnoringCase("sec-websocket-key")
            || field.matchesIgnoringCase("www-authenticate")
            || field.matchesIgnoringCase("access-control-allow-credentials")
    }

    /// Whether a query's parameter carries a credential: its name decides, in whatever case, with
    /// whatever between its words, and however it is escaped.
    public static func isCredential(parameter name: Span<UInt8>) -> Bool {
        // No honest parameter has such a long name, so it is not read further.
        if name.count > 256 { return true }
        return mayEndInWord(name) && endsInWord(name)
    }

    /// Whether a name's last letters may be those of a credential's.
    ///
    /// Of most names they are not, and no copy of their letters is made. Of an escaped name it is
    /// not known.
    static func mayEndInWord(_ name: Span<UInt8>) -> Bool {
        if name.firstIndex(of: UInt8(ascii: "%")) != nil { return true }
        var last: UInt8 = 0
        for index in name.indices.reversed() {
            let byte = name[index].lowercased
            if !(UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte) {
                // A number at the end belongs to no word, and nothing parts one.
                if last == 0 || !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte) { continue }
                return false
            }
            guard last != 0 else {
                last = byte
                continue
            }
            return switch last {
            case UInt8(ascii: "c"): byte == UInt8(ascii: "a")
            case UInt8(ascii: "d"): "dirsw".utf8.contains(byte)
            case UInt8(ascii: "e"): "dirs".utf8.contains(byte)
            case UInt8(ascii: "g"): byte == UInt8(ascii: "i")
            case UInt8(ascii: "h"): byte == UInt8(ascii: "t")
            case UInt8(ascii: "l"): byte == UInt8(ascii: "a")
            case UInt8(ascii: "n"): "eo".utf8.contains(byte)
            case UInt8(ascii: "r"): byte == UInt8(ascii: "e")
            case UInt8(ascii: "s"): "dlsy".utf8.contains(byte)
            case UInt8(ascii: "t"): "aew".utf8.contains(byte)
            case UInt8(ascii: "y"): byte == UInt8(ascii: "e")
            default: false
            }
        }
        return false
    }

    /// Whether a name ends in a credential's word, or is one.
    static func endsInWord(_ name: Span<UInt8>) -> Bool {
        var plain = letters(of: name)
        while let last = plain.last, last <= UInt8(ascii: "9") { plain.removeLast() }
        let letters = plain.span
        if letters.count == 0 { return false }
        for word: StaticString in [
            "key", "sig", "code", "auth", "jwt", "pwd", "pass", "pat", "token",
        ] where letters.matches(word) { return true }
        // The token of a list's next page is no secret. An agent without it would read the first
        // page again and again.
        for word: StaticString in [
            "pagetoken", "nextpagetoken", "continuationtoken", "nexttoken", "synctoken",
            "idempotencykey",
        ] where letters.matches(word) { return false }
        for ending: StaticString in [
            "key", "token", "secret", "password", "passwd", "passphrase", "signature",
            "credential", "credentials", "auth", "authorization", "assertion", "jwt", "apikey",
            "accesskeyid", "cookie", "ticket", "authcode", "apikeys", "bearer", "passcode", "creds",
            "codeverifier", "hmac",
        ] where letters.hasSuffix(ending) { return true }
        return false
    }

    /// Whether a query's parameter is one in which Google takes a key or a token, however spelled.
    public static func isGoogleKey(parameter name: Span<UInt8>) -> Bool {
        guard name.count >= 3, name.count <= 64, mayEndInWord(name) else { return false }
        let plain = letters(of: name)
        return plain.span.matches("key") || plain.span.matches("apikey")
            || plain.span.matches("accesstoken")
    }

    /// The letters and digits of a name, in lower case, escapes undone; names are short.
    private static func letters(of name: Span<UInt8>) -> [UInt8] {
        var plain: [UInt8] = []
        var escaped = name.indices.map { name[$0] }
        // "%256Bey" is "%6Bey" to the first that reads it, and "key" to the next.
        while true {
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
    /// Whether the bytes are those of one of some literals in lower case, in any case of theirs.
    @inline(__always)
    fileprivate func isOne(
        of first: StaticString, _ second: StaticString, _ third: StaticString = "",
        _ fourth: StaticString = ""
    ) -> Bool {
        matchesIgnoringCase(first) || matchesIgnoringCase(second) || matchesIgnoringCase(third)
            || matchesIgnoringCase(fourth)
    }

    /// Whether a name ends with this: with nothing, or with a number or "id" of its own.
    fileprivate var endsName: Bool {
        guard count > 1 else { return true }
        if count == 3, self[1].lowercased == UInt8(ascii: "i") {
            return self[2].lowercased == UInt8(ascii: "d")
        }
        for index in 1..<count where !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= self[index]) {
            return false
        }
        return true
    }

    /// Whether a word ends as names of credentials do: known by its last letter, mostly.
    fileprivate var endsLikeSecret: Bool {
        func ends(_ literal: StaticString) -> Bool {
            let length = literal.utf8CodeUnitCount
            return count > length && extracting(count - length..<count).matchesIgnoringCase(literal)
        }
        switch self[count - 1].lowercased {
        case UInt8(ascii: "n"): return ends("token") || ends("assertion")
        case UInt8(ascii: "s"): return ends("keys") || ends("tokens") && count > 8
        case UInt8(ascii: "t"): return ends("secret")
        case UInt8(ascii: "y"):
            return ends("apikey") || ends("aikey") || ends("authkey") || ends("secretkey")
                || ends("privatekey") || ends("accesskey")
        case UInt8(ascii: "d"): return ends("password")
        default: return false
        }
    }

    /// Whether a `Content-Encoding` lists nothing that hides a body.
    var listsIdentityOnly: Bool {
        var start = 0
        while start <= count {
            let end = firstIndex(of: UInt8(ascii: ","), from: start) ?? count
            let coding = extracting(start..<end).trimmed
            if coding.count > 0, !coding.matchesIgnoringCase("identity") { return false }
            start = end + 1
        }
        return true
    }

    /// Whether the bytes end with those of a literal in lower case, in any case of theirs.
    fileprivate func endsIgnoringCase(_ literal: StaticString) -> Bool {
        let length = literal.utf8CodeUnitCount
        return count >= length
            && extracting(count - length..<count).matchesIgnoringCase(literal)
    }

    /// Whether the bytes begin with those of a literal in lower case, in any case of theirs.
    func startsIgnoringCase(_ literal: StaticString) -> Bool {
        let length = literal.utf8CodeUnitCount
        return count >= length && extracting(0..<length).matchesIgnoringCase(literal)
    }
}
