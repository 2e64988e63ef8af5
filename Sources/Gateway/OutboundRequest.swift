import Access
import Config
import Dialects
import HTTP
import Primitives
import Routing
import Transfers

/// A request as it goes to one target's vendor.
enum OutboundRequest {
    /// How the body changes on its way, as far as its fields must know.
    struct BodyChange {
        /// Whether its bytes are others than the client's, so that a digest of them would be wrong.
        var isChanged = false
        /// Whether it names another model than the client's.
        var hasOtherModel = false
        /// Whether its content coding was undone.
        var isDecoded = false
        /// Whether the answer must come without a content coding: it is to be filtered.
        var needsReadableAnswer = false
    }

    /// Writes target and header lines into a transfer, from empty: the client's fields that may
    /// pass, then what the vendor's configuration sets.
    ///
    /// No credential passes by omission: with one of ours, everything that could carry the client's
    /// is left out; with the client's own, everything that is meant for another vendor.
    ///
    /// `carrier`: what carried the key by which the client was let in, which goes nowhere. `path`:
    /// the one for the vendor where it is another than the client's. Returns whether the request
    /// names another model than the client's.
    static func write(
        _ head: borrowing RequestHead, route: RoutingTable.Route, vendor: SharedVendor,
        carrier: PresentedKey.Carrier?, forwarded: ForwardedPolicy, change: BodyChange,
        path: String? = nil, into transfer: Transfer
    ) -> Bool {
        let api = route.plan.api
        let whole = head.pathAndQuery
        let target = OutboundTarget(
            api: api, vendor: vendor.dialect, basePath: vendor.basePath,
            baseQuery: vendor.baseQuery, dropsAddress: vendor.rewritesURLs)
        let dropped = dropped(head, api, vendor, carrier)
        var isReplaced = false
        if let path {
            target.write(Array(path.utf8).span, dropping: dropped, to: &transfer.target)
        } else {
            isReplaced = target.write(
                whole.extracting(route.prefixLength..<whole.count), dropping: dropped,
                model: route.plan.targets[route.target].model, to: &transfer.target)
        }
        let options = head.connectionOptions
        for index in head.fields.indices {
            let field = head.fields[index]
            let name = head.name(of: field)
            guard passes(field, name, head, api, vendor, change),
                !head.hiddenFields.contains(index), !holdsClientKey(field, head, carrier)
            else { continue }
            if options.lists(index) { continue }
            if forwarded != .pass, ForwardedFields.holds(name) { continue }
            if vendor.dropsFields, vendor.drops(name) { continue }
            if !vendor.headers.isEmpty, isOverridden(name, by: vendor) { continue }
            transfer.headers.add(name, head.value(of: field))
        }
        for header in vendor.headers {
            transfer.headers.add(name: header.name, value: header.value.reveal())
        }
        if vendor.dialect == .anthropic, !head.has(.anthropicVersion) {
            // Required. The client's stands where there is one; else the version every model takes.
            transfer.headers.add(name: "anthropic-version", value: "2023-06-01")
        }
        if case .own(let secret) = vendor.credential {
            let field = api.credentialField(secret, vendor: vendor.dialect)
            transfer.headers.add(name: field.name, value: field.value)
        }
        return isReplaced || change.hasOtherModel
    }

    /// Adds the lines of a WebSocket's handshake that are for one connection only, and the
    /// subprotocols that the client may be given beside a credential of the gateway's.
    static func writeHandshake(
        _ exchange: RequestExchange, _ vendor: SharedVendor, into transfer: Transfer
    ) {
        transfer.headers.add(name: "Connection", value: "Upgrade")
        transfer.headers.add(name: "Upgrade", value: "websocket")
        let isKeyThere = exchange.caller?.carrier == .subprotocol
        guard vendor.credential != .client || isKeyThere else { return }
        let protocols = exchange.request.withHead { Subprotocols.withoutCredentials(in: $0) }
        guard !protocols.isEmpty else { return }
        transfer.headers.add(name: Subprotocols.fieldName, value: protocols)
    }

    private static func dropped(
        _ head: borrowing RequestHead, _ api: API, _ vendor: SharedVendor,
        _ carrier: PresentedKey.Carrier?
    ) -> OutboundTarget.Dropped {
        guard vendor.credential == .client, !holdsClientKey(head, carrier) else {
            return .credentials
        }
        let passes = CallerCredential.keyPasses(in: head, api: api, isBuiltIn: vendor.isBuiltIn)
        if passes, !vendor.isBuiltIn || api == .gemini { return .none }
        // Vendors but Google take no key in a query.
        return vendor.isBuiltIn ? .credentials : .key
    }

    private static func passes(
        _ field: HeaderField, _ text: Span<UInt8>, _ head: borrowing RequestHead, _ api: API,
        _ vendor: SharedVendor, _ change: BodyChange
    ) -> Bool {
        switch field.name {
        // What a proxy in front says of the caller is meant for the gateway, not for a vendor.
        case .host, .contentLength, .expect, .edgeCredential, .weirKey: return false
        case .contentEncoding: return !change.isDecoded
        case .accept: return true
        case .authorization, .apiKey, .xAPIKey, .xGoogAPIKey:
            return vendor.credential == .client
                && CallerCredential.passes(field, in: head, api: api, isBuiltIn: vendor.isBuiltIn)
        default:
            if field.name.isHopByHop { return false }
        }
        if vendor.credential != .client {
            if field.name.isCredential { return false }
            if Redaction.holdsCredentialURL(head.value(of: field)) { return false }
        }
        if vendor.credential == .client, vendor.isBuiltIn, field.name == .otherCredential,
            !CallerCredential.isOwn(field, in: head, api: api)
        {
            return false
        }
        if field.name == .other {
            if isOwn(text) { return false }
            // An encoded stream could not be filtered.
            if change.needsReadableAnswer, text.matchesIgnoringCase("accept-encoding") {
                return false
            }
        }
        return !(change.isChanged && isDigest(text))
    }

    /// Whether a field carries the key by which the client was let in, or another one of ours.
    private static func holdsClientKey(
        _ field: HeaderField, _ head: borrowing RequestHead, _ carrier: PresentedKey.Carrier?
    ) -> Bool {
        // A client may show its key in a field of any name by mistake, and behind any word. What is
        // hidden in a value was found when the caller was.
        let (name, value) = (head.name(of: field), head.value(of: field))
        if ClientKey.stands(in: value) || ClientKey.stands(in: name)
            || PresentedKey.isRepeated(in: value, head, carrier)
            || PresentedKey.isRepeated(in: name, head, carrier)
        {
            return true
        }
        guard field.name.isCredential else { return false }
        return carrier == .field(field.name)
            || ClientKey.shape(of: head.token(of: field)) != .foreign
    }

    /// The same of the query.
    private static func holdsClientKey(
        _ head: borrowing RequestHead, _ carrier: PresentedKey.Carrier?
    ) -> Bool {
        carrier == .query
            || ClientKey.stands(in: head.pathAndQuery)
            || CallerCredential.queryKeys(of: head).contains {
                ClientKey.shape(of: $0.span) != .foreign
                    || PresentedKey.isRepeated(in: $0.span, head, carrier)
            }
    }

    /// Whether a field holds a sum of the body's bytes.
    private static func isDigest(_ name: Span<UInt8>) -> Bool {
        name.matchesIgnoringCase("content-md5") || name.matchesIgnoringCase("digest")
            || name.matchesIgnoringCase("content-digest")
            || name.matchesIgnoringCase("repr-digest")
            || name.matchesIgnoringCase("x-amz-content-sha256")
    }

    /// Whether a field is addressed to the gateway itself.
    private static func isOwn(_ name: Span<UInt8>) -> Bool {
        name.count > 7 && name.extracting(0..<7).matchesIgnoringCase("x-weir-")
    }

    static func isOverridden(_ name: Span<UInt8>, by vendor: SharedVendor) -> Bool {
        let text = name.text.lowercased()
        return vendor.headers.contains { $0.name.lowercased() == text }
    }
}
