public import HTTP
import Primitives

/// Whose the credential is that a client sent, told by its shape and by where it stands.
public enum CallerCredential {
    /// The vendor that a request's credential is meant for, where its path leaves that open.
    ///
    /// What an SDK of one vendor's alone sends counts as much as a key of theirs: taking such a
    /// request for another's would send the key there.
    static func vendor(of head: borrowing RequestHead) -> Dialect {
        if head.has(.anthropicVersion) || head.has(.anthropicOther) || head.has(.xAPIKey) {
            return .anthropic
        }
        var owner: Dialect?
        if let token = head.authorizationToken {
            owner = Self.owner(of: token, in: .authorization, head)
        }
        if owner == .anthropic { return .anthropic }
        if owner == .gemini || head.has(.xGoogAPIKey) || head.has(.xGoogAPIClient)
            || queryKey(of: head) != nil
        {
            return .gemini
        }
        return .openai
    }

    /// Whose a key is, told by its beginning, and by its field where many have the same; nil where
    /// that tells nothing.
    private static func owner(
        of token: Span<UInt8>, in field: HeaderName, _ head: borrowing RequestHead
    ) -> Dialect? {
        if token.hasPrefix("sk-ant-") { return .anthropic }
        if token.hasPrefix("AIza") || token.hasPrefix("ya29.") || token.hasPrefix("auth_tokens/") {
            return .gemini
        }
        for beginning: StaticString in ["sk-proj-", "sk-svcacct-", "sk-admin-", "sess-", "ek_"]
        where token.hasPrefix(beginning) { return .openai }
        // "sk-" begins the keys of many who follow OpenAI, and of gateways. In another vendor's own
        // field, or beside what only its SDKs send, it says nothing.
        guard token.hasPrefix("sk-"), field == .authorization else { return nil }
        return head.has(.anthropicVersion) || head.has(.anthropicOther) ? nil : .openai
    }

    /// What of a client's credentials may go to a vendor that is shown the client's own.
    public enum Fitness: Equatable, Sendable {
        /// There is none, or what there is may go.
        case fits
        /// All that there is is meant for another vendor.
        case isForAnother
    }

    /// Whether a request shows what a vendor of this API's may be shown.
    ///
    /// `isBuiltIn`: the vendor is one of the three that everybody knows, and whose keys are told by
    /// their shape; another may have keys of any shape, in any field.
    public static func fitness(
        of head: borrowing RequestHead, api: API, isBuiltIn: Bool
    ) -> Fitness {
        guard isBuiltIn else { return .fits }
        var hasAny = false
        for field in head.fields where field.name.isVendorCredential {
            hasAny = true
            if passes(field, in: head, api: api, isBuiltIn: true) { return .fits }
        }
        if let key = queryKey(of: head) {
            hasAny = true
            if api == .gemini, isGemini(key, head) { return .fits }
        }
        return hasAny ? .isForAnother : .fits
    }

    /// Whether a credential field of the client's goes to a vendor that is shown the client's own.
    ///
    /// Towards a vendor that is not built in, another dialect's fields go only where the request
    /// has none of its own dialect's.
    public static func passes(
        _ field: HeaderField, in head: borrowing RequestHead, api: API, isBuiltIn: Bool
    ) -> Bool {
        if isCarrier(field.name, of: api) {
            let owner = owner(of: head.token(of: field), in: field.name, head)
            return !isBuiltIn || owner ?? api.home == api.home
        }
        guard !isBuiltIn else { return false }
        return !head.fields.contains { isCarrier($0.name, of: api) }
    }

    /// Whether a client's `?key=` goes to a vendor that is shown the client's own.
    public static func keyPasses(
        in head: borrowing RequestHead, api: API, isBuiltIn: Bool
    ) -> Bool {
        guard let key = queryKey(of: head) else { return true }
        if api == .gemini { return !isBuiltIn || isGemini(key, head) }
        guard !isBuiltIn else { return false }
        return !head.fields.contains { isCarrier($0.name, of: api) }
    }

    /// Whether a field is one in which an API expects a credential.
    private static func isCarrier(_ name: HeaderName, of api: API) -> Bool {
        switch name {
        case .authorization: true
        case .apiKey: api == .openai
        case .xAPIKey: api == .anthropic
        case .xGoogAPIKey: api == .gemini || api == .geminiCompatible
        default: false
        }
    }

    /// Whether a query's key looks like Google's, or like the key of no known vendor.
    private static func isGemini(
        _ key: borrowing Span<UInt8>, _ head: borrowing RequestHead
    ) -> Bool {
        owner(of: key, in: .other, head) ?? .gemini == .gemini
    }

    /// The value of the query's parameter `key`, however its name is spelled.
    @_lifetime(borrow head)
    private static func queryKey(of head: borrowing RequestHead) -> Span<UInt8>? {
        let query = head.query
        var start = 0
        while start < query.count {
            let end = query.firstIndex(
                below: 0, or: UInt8(ascii: "&"), or: UInt8(ascii: ";"), from: start)
            let pair = query.extracting(start..<end)
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
            let name = pair.extracting(0..<equals)
            if name.count <= 9, name.percentDecoded().span.matchesIgnoringCase("key") {
                return pair.extracting(min(equals + 1, pair.count)..<pair.count)
            }
            start = end + 1
        }
        return nil
    }
}
