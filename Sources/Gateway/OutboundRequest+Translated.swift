import Access
import Config
import Dialects
import HTTP
import Primitives
import Routing
import Transfers
import Translation

extension OutboundRequest {
    /// Writes target and header lines of a translated request into a transfer, from empty.
    ///
    /// The client's fields are another dialect's. Those alone pass that say who calls, and for
    /// which trace. The answer is asked for without a content coding, because it is read here.
    static func write(
        _ translated: TranslatedRequest, _ head: borrowing RequestHead, vendor: SharedVendor,
        into transfer: Transfer
    ) {
        let target = OutboundTarget(
            api: API(vendor.dialect), vendor: vendor.dialect, basePath: vendor.basePath,
            baseQuery: vendor.baseQuery)
        target.write(
            Array(translated.path.utf8).span, dropping: .none, to: &transfer.target)
        let options = head.connectionOptions
        for index in head.fields.indices {
            let field = head.fields[index]
            let name = head.name(of: field)
            guard field.name == .other, saysWhoCalls(name), !options.lists(index),
                !head.hiddenFields.contains(index), !ClientKey.stands(in: head.value(of: field)),
                !Redaction.holdsCredentialURL(head.value(of: field))
            else { continue }
            if vendor.dropsFields, vendor.drops(name) { continue }
            if !vendor.headers.isEmpty, isOverridden(name, by: vendor) { continue }
            transfer.headers.add(name, head.value(of: field))
        }
        for header in translated.fields
        where !isOverridden(Array(header.name.utf8).span, by: vendor) {
            transfer.headers.add(name: header.name, value: header.value)
        }
        transfer.headers.add(name: "accept-encoding", value: "identity")
        for header in vendor.headers {
            transfer.headers.add(name: header.name, value: header.value.reveal())
        }
        if case .own(let secret) = vendor.credential {
            let field = API(vendor.dialect).credentialField(secret, vendor: vendor.dialect)
            transfer.headers.add(name: field.name, value: field.value)
        }
    }

    private static func saysWhoCalls(_ name: Span<UInt8>) -> Bool {
        name.matchesIgnoringCase("user-agent") || name.matchesIgnoringCase("traceparent")
            || name.matchesIgnoringCase("tracestate")
    }
}
