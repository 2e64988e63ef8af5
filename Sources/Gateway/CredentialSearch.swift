import Access
import Dialects
import HTTP
import Primitives

/// Looks for the gateway's own credentials wherever they may stand in a request's head: plain, with
/// escapes, in base64, behind any word.
///
/// A key of the gateway's form shows by itself what it is, and so does a token of the issuer's. One
/// of another form is known by its digest alone, so that what looks like a credential is asked for.
struct CredentialSearch {
    /// What a text holds.
    private enum Finding {
        case none
        /// The credential by which the client was let in.
        case repeated
        case other
    }

    /// Where credentials were found.
    struct Result {
        /// Fields that go nowhere, by their index.
        var fields: [Int] = []
        var isInPath = false
        /// Whether one stands in a parameter in which no vendor expects any.
        var isInQuery = false
        /// Whether another one than the client's stands where vendors expect theirs.
        var isSecond = false
    }

    /// Digests that are made for a request at most.
    private static let digestsMax = 24
    /// Where a run of base64 may begin in another one.
    private static let startsMax = 32
    private static let tokenBytesMin = 16
    private static let tokenBytesMax = 512

    private let access: AccessPlan?
    private let client: ClientConnection
    private let carrier: PresentedKey.Carrier?
    private let now: Int
    private var digestsLeft = Self.digestsMax

    /// A search in a request of a client; `carrier`: what carries the credential that decides.
    init(
        _ client: ClientConnection, _ carrier: PresentedKey.Carrier?, _ access: AccessPlan?,
        now: Int
    ) {
        self.client = client
        self.carrier = carrier
        self.access = access
        self.now = now
    }

    /// Where credentials stand in a head, but for the one that decides.
    mutating func run(_ head: borrowing RequestHead) -> Result {
        var result = Result()
        for index in head.fields.indices {
            let field = head.fields[index]
            guard mayHold(field, head), carrier != .field(field.name) else { continue }
            switch finding(in: head.value(of: field), head) {
            case .none: continue
            case .repeated: break
            case .other: if field.name.isVendorCredential { result.isSecond = true }
            }
            result.fields.append(index)
        }
        result.isInPath = finding(in: head.path, head) != .none
        result.isInQuery = isInQuery(head)
        return result
    }

    /// Whether a field is looked through: not one whose words every client's library writes by
    /// itself, in each request, because to look through all of them costs more than all else that
    /// is asked of a key.
    ///
    /// A key of the gateway's form, and the credential that decides, are found there all the same,
    /// when the fields for the vendor are chosen.
    private func mayHold(_ field: HeaderField, _ head: borrowing RequestHead) -> Bool {
        switch field.name {
        case .host, .contentLength, .weirKey, .anthropicVersion, .connection, .transferEncoding,
            .accept, .contentType, .contentEncoding, .expect, .keepAlive, .te, .upgrade,
            .xGoogAPIClient:
            return false
        case .other:
            // Shorter than any secret.
            guard head.value(of: field).count >= Self.tokenBytesMin else { return false }
            let name = head.name(of: field)
            return !name.matchesIgnoringCase("accept-encoding")
                && !name.matchesIgnoringCase("traceparent")
                && !(name.count > 12
                    && name.extracting(0..<12).matchesIgnoringCase("x-stainless-"))
        default: return true
        }
    }

    private mutating func isInQuery(_ head: borrowing RequestHead) -> Bool {
        let query = head.query
        var start = 0
        while start < query.count {
            let end = query.firstIndex(
                below: 0, or: UInt8(ascii: "&"), or: UInt8(ascii: ";"), from: start)
            let pair = query.extracting(start..<end)
            start = end + 1
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
            // What vendors expect there is looked at by itself; a plain key is left out.
            if CredentialWords.isGoogleKey(parameter: pair.extracting(0..<equals))
                || ClientKey.stands(in: pair)
            {
                continue
            }
            if finding(in: pair, head) != .none { return true }
        }
        return false
    }

    /// What a text holds, in whatever way it is written.
    private mutating func finding(
        in text: Span<UInt8>, _ head: borrowing RequestHead
    ) -> Finding {
        guard text.count >= 12 else { return .none }
        let found = plainFinding(in: text, head)
        if found != .none { return found }
        guard text.firstIndex(of: UInt8(ascii: "%")) != nil else {
            return encodedFinding(in: text, head)
        }
        var plain = text.percentDecoded()
        for _ in 0..<2 where plain.contains(UInt8(ascii: "%")) {
            plain = plain.span.percentDecoded()
        }
        let decoded = plainFinding(in: plain.span, head)
        return decoded == .none ? encodedFinding(in: plain.span, head) : decoded
    }

    /// What stands in runs of base64, wherever in them it begins.
    private mutating func encodedFinding(
        in text: Span<UInt8>, _ head: borrowing RequestHead
    ) -> Finding {
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, Base64URL.isDigit(text[end]) { end += 1 }
            // The parts of a token are no texts that hold another credential.
            let isPart = end < text.count && text[end] == UInt8(ascii: ".")
            if end - start >= Self.tokenBytesMin, !isPart {
                let found = runFinding(in: text.extracting(start..<end), head)
                if found != .none { return found }
            }
            start = end + 1
        }
        return .none
    }

    /// What stands in one run of `tokenBytesMin` or more, which may begin with other letters, or
    /// behind a slash.
    private mutating func runFinding(
        in run: Span<UInt8>, _ head: borrowing RequestHead
    ) -> Finding {
        var startsLeft = Self.startsMax
        // What begins later is shorter than any secret.
        for offset in 0...run.count - Self.tokenBytesMin {
            let isStart = offset < 4 || !run[offset - 1].isLetterOrDigit
            guard isStart, startsLeft > 0 else { continue }
            startsLeft -= 1
            guard let plain = Base64URL.decodeText(run, from: offset) else { continue }
            let found = plainFinding(in: plain.span, head)
            if found != .none { return found }
        }
        return .none
    }

    private mutating func plainFinding(
        in text: Span<UInt8>, _ head: borrowing RequestHead
    ) -> Finding {
        if PresentedKey.isRepeated(in: text, head, carrier) { return .repeated }
        if ClientKey.stands(in: text) { return .other }
        guard let access else { return .none }
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, !text[end].partsTokens { end += 1 }
            if end - start >= Self.tokenBytesMin,
                holds(text.extracting(start..<end), access)
            {
                return .other
            }
            start = end + 1
        }
        return .none
    }

    /// Whether a word is a credential, or what stands in it behind a name, or between signs.
    private mutating func holds(_ word: Span<UInt8>, _ access: AccessPlan) -> Bool {
        // Of a path each segment is looked at, and not the whole: most would be asked for in vain.
        let isPath = word[0] == UInt8(ascii: "/")
        if !isPath, isKnown(word, access) { return true }
        var start = 0
        while start < word.count {
            var end = start
            while end < word.count, !word[end].partsWords { end += 1 }
            if end < word.count || start > 0 {
                if isKnown(word.extracting(start..<end), access) { return true }
                // A key may hold such signs itself, behind the first of them.
                if start > 0, end < word.count, !isPath,
                    isKnown(word.extracting(start..<word.count), access)
                {
                    return true
                }
            }
            start = end + 1
        }
        return false
    }

    private mutating func isKnown(_ token: Span<UInt8>, _ access: AccessPlan) -> Bool {
        guard token.count >= Self.tokenBytesMin else { return false }
        if let issuer = access.table.issuer, TokenIssuer.mayIssue(token) {
            return issuer.isMeant(token)
        }
        guard token.count <= Self.tokenBytesMax, digestsLeft > 0, looksRandom(token) else {
            return false
        }
        digestsLeft -= 1
        let digest: KeyDigest
        if let key = client.caller.key, key.isOf(token) {
            digest = key.digest
        } else if let key = client.caller.otherKey, key.isOf(token) {
            digest = key.digest
        } else {
            digest = KnownKey(token).digest
        }
        if case .unknown = access.table.find(digest, now: now) { return false }
        return true
    }

    /// Whether a token holds letters and digits: nearly every other word of a head has none.
    private func looksRandom(_ token: Span<UInt8>) -> Bool {
        var (hasLetter, hasDigit) = (false, false)
        for index in token.indices {
            let isDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= token[index]
            hasDigit = hasDigit || isDigit
            hasLetter = hasLetter || !isDigit && token[index].isLetterOrDigit
        }
        return hasLetter && hasDigit
    }
}

extension UInt8 {
    /// Whether no credential holds the byte.
    fileprivate var partsTokens: Bool {
        self <= 0x20 || self >= 0x7F || ",;\"'<>&\\".utf8.contains(self)
    }

    fileprivate var isLetterOrDigit: Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= lowercased
            || UInt8(ascii: "0")...UInt8(ascii: "9") ~= self
    }

    /// Whether a byte stands between a name and a credential, and perhaps in a credential.
    fileprivate var partsWords: Bool { "=:/?@#|()[]{}".utf8.contains(self) }
}
