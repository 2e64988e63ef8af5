import Dialects
public import HTTP
import Primitives

/// The credential by which a client shows who it is: the first of a request's, and no other.
///
/// The gateway's own field comes first, and leaves all others to the vendor. Of the others the
/// first that is there decides: if it is wrong, a later one is not tried.
public struct PresentedKey: ~Escapable {
    /// What carries the credential.
    public enum Carrier: Equatable, Sendable {
        /// `x-weir-key`.
        case own
        /// A field in which vendors expect theirs.
        case field(HeaderName)
        /// `?key=`.
        case query
        /// A name in `Sec-WebSocket-Protocol`, the one field that a page in a browser can set.
        case subprotocol
    }

    /// Where it stands.
    public let carrier: Carrier
    /// The credential.
    public let token: Span<UInt8>
    /// Whether the request shows another key of the gateway's, too: then it is unclear who pays.
    public let isAmbiguous: Bool

    /// The fields in which a key may stand, the first that decides first.
    private static let fields: [HeaderName] = [
        .weirKey, .authorization, .xAPIKey, .apiKey, .xGoogAPIKey,
    ]

    @_lifetime(copy token)
    private init(carrier: Carrier, token: Span<UInt8>, isAmbiguous: Bool) {
        self.carrier = carrier
        self.token = token
        self.isAmbiguous = isAmbiguous
    }

    /// Lends the credential of a request; nil where there is none.
    public static func find<R>(
        in head: borrowing RequestHead, _ use: (borrowing PresentedKey) -> R
    ) -> R? {
        for name in fields {
            for field in head.fields where field.name == name {
                let token = head.token(of: field).trimmed
                guard token.count > 0 else { continue }
                return use(
                    PresentedKey(
                        carrier: name == .weirKey ? .own : .field(name), token: token,
                        isAmbiguous: showsAnother(head, than: token)))
            }
        }
        if head.isWebSocketHandshake, let token = Subprotocols.key(in: head) {
            return use(
                PresentedKey(
                    carrier: .subprotocol, token: token,
                    isAmbiguous: showsAnother(head, than: token)))
        }
        guard let plain = CallerCredential.queryKeys(of: head).first else { return nil }
        let token = plain.span
        return use(
            PresentedKey(
                carrier: .query, token: token, isAmbiguous: showsAnother(head, than: token)))
    }

    /// Whether a text holds the credential by which a client was let in: that of a form of its own
    /// does not show by itself whose it is.
    ///
    /// A shorter one than can be a secret is found where it is the whole text.
    public static func isRepeated(
        in text: Span<UInt8>, _ head: borrowing RequestHead, _ carrier: Carrier?
    ) -> Bool {
        isAny(in: head, carrier) { token in
            token.count >= tokenBytesMin ? text.contains(token) : text.equals(token)
        }
    }

    /// Whether the target holds that credential in a parameter that no vendor expects one in.
    public static func isInOtherParameter(
        of head: borrowing RequestHead, _ carrier: Carrier?
    ) -> Bool {
        let query = head.pathAndQuery.extracting(head.path.count..<head.pathAndQuery.count)
        guard query.count > tokenBytesMin else { return false }
        let keys = CallerCredential.queryKeys(of: head)
        return isAny(in: head, carrier) { token in
            token.count >= tokenBytesMin
                && query.count(of: token) > keys.count { $0.span.equals(token) }
        }
    }

    /// Whether the credential, or one in a field of the same name, is as asked.
    private static func isAny(
        in head: borrowing RequestHead, _ carrier: Carrier?, _ isIt: (Span<UInt8>) -> Bool
    ) -> Bool {
        let name: HeaderName
        switch carrier {
        case .own: name = .weirKey
        case .field(let field): name = field
        case .query:
            guard let key = CallerCredential.queryKeys(of: head).first else { return false }
            return isIt(key.span)
        case .subprotocol:
            guard let key = Subprotocols.key(in: head) else { return false }
            return isIt(key)
        case nil: return false
        }
        for field in head.fields where field.name == name {
            if isIt(head.token(of: field).trimmed) { return true }
        }
        return false
    }

    private static let tokenBytesMin = 12

    /// Lends each credential of a request in a vendor's field, but for the one that decides, until
    /// one is accepted.
    public static func hasOther(
        in head: borrowing RequestHead, than carrier: Carrier,
        _ isAccepted: (Span<UInt8>) -> Bool
    ) -> Bool {
        for field in head.fields where field.name.isVendorCredential {
            let token = head.token(of: field).trimmed
            if token.count > 0, !isRepeated(in: token, head, carrier), isAccepted(token) {
                return true
            }
        }
        return CallerCredential.queryKeys(of: head).contains {
            !isRepeated(in: $0.span, head, carrier) && isAccepted($0.span)
        }
    }

    /// Whether some carrier holds a key of the gateway's that is another one.
    private static func showsAnother(
        _ head: borrowing RequestHead, than token: Span<UInt8>
    ) -> Bool {
        for field in head.fields
        where field.name.isVendorCredential || field.name == .weirKey {
            let other = head.token(of: field).trimmed
            if !other.equals(token), other.hasPrefix(ClientKey.prefix) { return true }
        }
        return CallerCredential.queryKeys(of: head).contains { other in
            let other = other.span
            return !other.equals(token) && other.hasPrefix(ClientKey.prefix)
        }
    }
}
