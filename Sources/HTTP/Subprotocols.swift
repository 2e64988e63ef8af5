import Primitives

/// The subprotocols that a WebSocket's handshake asks for.
///
/// A page in a browser can set no other field, so that some vendors take a key as one of them:
/// `realtime, openai-insecure-api-key.KEY`.
public enum Subprotocols {
    /// The field that lists them.
    public static let fieldName = "Sec-WebSocket-Protocol"
    /// The length from which on a name is more likely a credential.
    private static let nameBytesMax = 48

    /// How the name begins in which OpenAI's clients have a key.
    private static let keyBeginning: StaticString = "openai-insecure-api-key."

    /// The key of a request that one of its names holds; nil where none does.
    @_lifetime(borrow head)
    public static func key(in head: borrowing RequestHead) -> Span<UInt8>? {
        let length = keyBeginning.utf8CodeUnitCount
        for field in head.fields where field.name == .otherCredential {
            guard head.name(of: field).matchesIgnoringCase("sec-websocket-protocol") else {
                continue
            }
            let list = head.value(of: field)
            var start = 0
            while start <= list.count {
                let end = list.firstIndex(of: UInt8(ascii: ","), from: start) ?? list.count
                let name = list.extracting(start..<end).trimmed
                if name.count > length, name.startsIgnoringCase(keyBeginning) {
                    return name.extracting(length..<name.count)
                }
                start = end + 1
            }
        }
        return nil
    }

    /// The list of a request without whatever may be a credential, or belong to one; empty where
    /// nothing is left.
    public static func withoutCredentials(in head: borrowing RequestHead) -> String {
        var kept: [String] = []
        for field in head.fields where field.name == .otherCredential {
            guard head.name(of: field).matchesIgnoringCase("sec-websocket-protocol") else {
                continue
            }
            let list = head.value(of: field)
            var start = 0
            while start <= list.count {
                let end = list.firstIndex(of: UInt8(ascii: ","), from: start) ?? list.count
                let name = list.extracting(start..<end).trimmed
                if name.count > 0, !mayBeCredential(name) { kept.append(name.text) }
                start = end + 1
            }
        }
        return kept.joined(separator: ", ")
    }

    /// Whether a name may be, or name, a caller's account.
    private static func mayBeCredential(_ name: Span<UInt8>) -> Bool {
        if name.count > nameBytesMax || Redaction.changes(name) { return true }
        for beginning: StaticString in ["openai-organization.", "openai-project."] {
            let length = beginning.utf8CodeUnitCount
            if name.count >= length,
                name.extracting(0..<length).matchesIgnoringCase(beginning)
            {
                return true
            }
        }
        // "openai-insecure-api-key.…", "base64url.bearer.authorization.k8s.io.…", "sk-…"
        for word: StaticString in [
            "key", "token", "secret", "auth", "bearer", "password", "credential", "jwt",
        ] where name.containsIgnoringCase(word) { return true }
        return name.startsIgnoringCase("sk-") || name.startsIgnoringCase("ek_")
            || name.startsIgnoringCase("sess-")
    }
}

extension Span where Element == UInt8 {
    /// Whether a literal in lower case stands somewhere in the bytes, in any case of theirs.
    fileprivate func containsIgnoringCase(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return false }
        for start in 0...count - length
        where extracting(start..<start + length).matchesIgnoringCase(word) { return true }
        return false
    }
}
