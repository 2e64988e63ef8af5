import Dialects
import HTTP
import Primitives
import Routing
import Transfers

/// The addresses of a vendor in one answer, which become the gateway's.
struct AnswerAddresses {
    private static let fields: [StaticString] = [
        "location", "content-location", "operation-location", "x-goog-upload-url",
        "x-goog-upload-control-url",
    ]

    private let own: OwnAddress
    /// Whether answers to the request may hold some in their bodies.
    private let isOfBatches: Bool

    /// Those in an answer to an attempt; nil where they stay as they are.
    init?(_ attempt: Attempt) {
        guard attempt.vendor.rewritesURLs, attempt.exchange.tunnel == nil else { return nil }
        let client = attempt.client
        let prefix = attempt.route.prefixLength
        let base: String? = attempt.exchange.request.withHead { head in
            Self.authority(of: head).map { authority in
                let isTLS = client.socket.origin.identity != nil || Self.isForwardedTLS(head)
                let path = head.path.extracting(0..<prefix).text
                return "\(isTLS ? "https" : "http")://\(authority)\(path)"
            }
        }
        guard let base else { return nil }
        own = OwnAddress(of: attempt.vendor, at: base)
        isOfBatches = Self.areOfBatches(attempt)
    }

    /// Whether answers to a request may be batches of Anthropic's, whose bodies hold addresses.
    static func areOfBatches(_ attempt: Attempt) -> Bool {
        guard attempt.vendor.rewritesURLs, attempt.route.dialect == .anthropic else { return false }
        return attempt.exchange.request.withHead { head in
            head.path.firstRange(of: "/v1/messages/batches") != nil
        }
    }

    /// Where the client reached the gateway, as it says; nil where that is no plain name.
    private static func authority(of head: borrowing RequestHead) -> String? {
        if let authority = head.targetAuthority { return plain(authority) }
        guard let host = head.host else { return nil }
        return plain(host)
    }

    /// A name or an address, with a port or without; nil for a text that is none.
    private static func plain(_ authority: Span<UInt8>) -> String? {
        for index in authority.indices {
            let byte = authority[index]
            let isPlain =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte.lowercased
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "-._:[]".utf8.contains(byte)
            guard isPlain else { return nil }
        }
        return authority.isEmpty ? nil : authority.text
    }

    /// Whether a proxy in front says that it is spoken to over TLS.
    private static func isForwardedTLS(_ head: borrowing RequestHead) -> Bool {
        for field in head.fields
        where head.name(of: field).matchesIgnoringCase("x-forwarded-proto") {
            return head.value(of: field).matchesIgnoringCase("https")
        }
        return false
    }

    /// What changes the body of a response with this head; nil where it stays as it is.
    func filter(_ head: borrowing ResponseHead) -> OwnAddress? {
        isOfBatches && head.mediaType == .json && !head.isEncoded ? own : nil
    }

    /// Says in the head, for the record and the client, which addresses are about to be changed.
    func declare(in transfer: Transfer) {
        var names: [String] = []
        for name in Self.fields where transfer.head.changes(name, own.address(for:)) {
            names.append("\(name)")
        }
        if filter(transfer.head) != nil { names.append("results_url") }
        guard !names.isEmpty else { return }
        transfer.changeHead { $0.add("x-weir-rewritten", names.joined(separator: ", ")) }
    }

    /// Changes the addresses in the head.
    func apply(to transfer: Transfer) {
        transfer.changeHead { head in
            for name in Self.fields { head.change(name, own.address(for:)) }
        }
    }
}
