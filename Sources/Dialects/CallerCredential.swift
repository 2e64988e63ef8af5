public import HTTP
import Primitives

/// The vendor whose credential a client sent, known by its shape and its header field.
public enum CallerCredential {
    /// The vendor that a request's credential is meant for, where its path leaves that open.
    ///
    /// A field that only one vendor's SDK sends counts as much as that vendor's key. Without this
    /// rule such a request, and its key, would go to another vendor.
    static func vendor(of head: borrowing RequestHead) -> Dialect {
        if isOfAnthropicSDK(head) || head.has(.xAPIKey) { return .anthropic }
        var owner: Dialect?
        if let token = head.authorizationToken {
            var offset = 0
            owner = nextOwner(in: token, of: .authorization, head, from: &offset)
        }
        if owner == .anthropic { return .anthropic }
        if owner == .gemini || head.has(.xGoogAPIKey) || head.has(.xGoogAPIClient)
            || hasQueryKey(head)
        {
            return .gemini
        }
        return .openai
    }

    /// The vendor of the next key in a field's value, from an offset on; nil after the last one.
    ///
    /// There may be several, quoted or behind the names of schemes. One at a time: a list of them
    /// would be an allocation a request.
    private static func nextOwner(
        in value: Span<UInt8>, of field: HeaderName, _ head: borrowing RequestHead,
        from offset: inout Int
    ) -> Dialect? {
        while offset < value.count {
            while offset < value.count, value[offset].partsKeys { offset += 1 }
            let start = offset
            while offset < value.count, !value[offset].partsKeys { offset += 1 }
            if offset > start,
                let owner = owner(of: value.extracting(start..<offset), in: field, head)
            {
                return owner
            }
        }
        return nil
    }

    /// Whether no key in a field's value is another vendor's than one's.
    private static func areOnly(
        of vendor: Dialect, in value: Span<UInt8>, of field: HeaderName,
        _ head: borrowing RequestHead
    ) -> Bool {
        var offset = 0
        while let owner = nextOwner(in: value, of: field, head, from: &offset) {
            guard owner == vendor else { return false }
        }
        return true
    }

    /// The vendor of a key, by its beginning, and by its field where many share one; nil where
    /// both leave it open.
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
        return isOfAnthropicSDK(head) ? nil : .openai
    }

    /// Whether a request has a field that only SDKs of Anthropic's send, beside Anthropic's key.
    private static func isOfAnthropicSDK(_ head: borrowing RequestHead) -> Bool {
        head.has(.anthropicVersion) || head.has(.anthropicOther)
    }

    /// Whether a client's credentials may go to a vendor with `credential = "client"`.
    public enum Fitness: Equatable, Sendable {
        /// There is none, or it may go.
        case fits
        /// All of them are meant for another vendor.
        case isForAnother
    }

    /// Whether a request's credentials may go to a vendor of this API.
    ///
    /// `isBuiltIn`: the vendor is one of the three that are built in, and whose keys are known by
    /// their shape; another may have keys of any shape, in any field.
    public static func fitness(
        of head: borrowing RequestHead, api: API, isBuiltIn: Bool
    ) -> Fitness {
        guard isBuiltIn else { return .fits }
        let hasQueryKey = hasQueryKey(head)
        let hasField = head.fields.contains { $0.name.isVendorCredential }
        guard hasField || hasQueryKey else { return .fits }
        if api.home != .anthropic, isOfAnthropicSDK(head) { return .isForAnother }
        if api == .gemini, hasQueryKey {
            return areGemini(queryKeysOf: head) ? .fits : .isForAnother
        }
        for field in head.fields where field.name.isVendorCredential {
            if passes(field, in: head, api: api, isBuiltIn: true) { return .fits }
        }
        return .isForAnother
    }

    /// Whether a credential field of the client's goes to a vendor with `credential = "client"`.
    ///
    /// Towards a vendor that is not built in, another dialect's fields go only where the request
    /// has none of its own dialect's.
    public static func passes(
        _ field: HeaderField, in head: borrowing RequestHead, api: API, isBuiltIn: Bool
    ) -> Bool {
        if isCarrier(field.name, of: api) {
            return !isBuiltIn
                || areOnly(of: api.home, in: head.token(of: field), of: field.name, head)
        }
        guard !isBuiltIn else { return false }
        return !head.fields.contains { isCarrier($0.name, of: api) }
    }

    /// Whether a client's `?key=` goes to a vendor with `credential = "client"`.
    public static func keyPasses(
        in head: borrowing RequestHead, api: API, isBuiltIn: Bool
    ) -> Bool {
        guard hasQueryKey(head) else { return true }
        if api == .gemini { return !isBuiltIn || areGemini(queryKeysOf: head) }
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

    /// Whether a field that may hold a credential holds none of another vendor's.
    public static func isOwn(
        _ field: HeaderField, in head: borrowing RequestHead, api: API
    ) -> Bool {
        areOnly(of: api.home, in: head.value(of: field), of: .other, head)
    }

    /// Whether a query's keys all look like Google's, or like those of no known vendor.
    private static func areGemini(queryKeysOf head: borrowing RequestHead) -> Bool {
        var offset = 0
        while let key = nextKey(in: head.query, from: &offset) {
            let plain = head.query.extracting(key).percentDecoded()
            guard areOnly(of: .gemini, in: plain.span, of: .other, head) else { return false }
        }
        return true
    }

    /// The values of a query's parameters in which Google expects a key or a token, escapes undone.
    public static func queryKeys(of head: borrowing RequestHead) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        var offset = 0
        while let key = nextKey(in: head.query, from: &offset) {
            keys.append(head.query.extracting(key).percentDecoded())
        }
        return keys
    }

    private static func hasQueryKey(_ head: borrowing RequestHead) -> Bool {
        var offset = 0
        return nextKey(in: head.query, from: &offset) != nil
    }

    /// The range of the next query parameter's value in which Google expects a key or a token.
    private static func nextKey(
        in query: Span<UInt8>, from offset: inout Int
    ) -> Range<Int>? {
        while offset < query.count {
            let start = offset
            let end = query.firstIndex(
                below: 0, or: UInt8(ascii: "&"), or: UInt8(ascii: ";"), from: start)
            offset = end + 1
            let pair = query.extracting(start..<end)
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
            if CredentialWords.isGoogleKey(parameter: pair.extracting(0..<equals)) {
                return start + min(equals + 1, pair.count)..<end
            }
        }
        return nil
    }
}

extension UInt8 {
    /// Whether a byte stands between two keys, or around one.
    fileprivate var partsKeys: Bool {
        self <= 0x20 || self == UInt8(ascii: ",") || self == UInt8(ascii: ";")
            || self == UInt8(ascii: "\"") || self == UInt8(ascii: "'")
            || self == UInt8(ascii: "=") || self == UInt8(ascii: "<")
    }
}
