import Config
import Dialects
import HTTP
import Primitives
import Routing
import Transfers

/// One try of an exchange against one target: the request as that vendor is to see it.
enum Attempt {
    /// Writes target and header lines into a transfer, from empty: the client's fields that may
    /// pass, then what the vendor's configuration sets.
    ///
    /// No credential passes by omission: with one of ours, everything that could carry the client's
    /// is left out.
    static func write(
        _ head: borrowing RequestHead, route: RoutingTable.Route, vendor: SharedVendor,
        mustBeReadable: Bool = false, into transfer: Transfer
    ) {
        let replacesCredential = vendor.credential != .client
        let whole = head.pathAndQuery
        vendor.dialect.writeTarget(
            whole.extracting(route.prefixLength..<whole.count), basePath: vendor.basePath,
            droppingKey: replacesCredential, model: route.plan.targets[route.target].model,
            to: &transfer.target
        )
        let listsFields = head.connectionListsFields
        for field in head.fields {
            let name = head.name(of: field)
            guard passes(field.name, name, replacesCredential: replacesCredential) else { continue }
            if listsFields, head.connectionLists(name) { continue }
            // An encoded stream could not be filtered.
            if mustBeReadable, name.matchesIgnoringCase("accept-encoding") { continue }
            if !vendor.headers.isEmpty, isOverridden(name, by: vendor) { continue }
            transfer.headers.add(name, head.value(of: field))
        }
        for (name, value) in vendor.headers {
            transfer.headers.add(name: name, value: value)
        }
        if vendor.dialect == .anthropic, !head.has(.anthropicVersion) {
            // Required. The client's stands where there is one; else the version every model takes.
            transfer.headers.add(name: "anthropic-version", value: "2023-06-01")
        }
        if case .own(let secret) = vendor.credential {
            let field = vendor.dialect.credentialField(secret)
            transfer.headers.add(name: field.name, value: field.value)
        }
    }

    private static func passes(
        _ name: HeaderName, _ text: Span<UInt8>, replacesCredential: Bool
    ) -> Bool {
        switch name {
        case .host, .contentLength, .expect: return false
        case .other: return !isOwn(text)
        default: return !name.isHopByHop && !(replacesCredential && name.isCredential)
        }
    }

    /// Whether a field is addressed to the gateway itself.
    private static func isOwn(_ name: Span<UInt8>) -> Bool {
        name.count > 7 && name.extracting(0..<7).matchesIgnoringCase("x-weir-")
    }

    private static func isOverridden(_ name: Span<UInt8>, by vendor: SharedVendor) -> Bool {
        let text = name.text.lowercased()
        return vendor.headers.contains { $0.name.lowercased() == text }
    }
}
