import Config
import HTTP
import Primitives
import Routing
import Transfers

/// The fields in which proxies name the client to those behind them, with this gateway's own word.
enum ForwardedFields {
    /// Whether a field is one of them.
    static func holds(_ name: Span<UInt8>) -> Bool {
        name.matchesIgnoringCase("forwarded")
            || name.count > 12 && name.extracting(0..<12).matchesIgnoringCase("x-forwarded-")
    }

    /// Adds them to a request: what the client sent, with its own address behind it.
    ///
    /// `X-Forwarded-For` always grows by one; the scheme and the host stand as an earlier proxy had
    /// them, for it saw the client; `Forwarded` grows where it is in use.
    static func write(
        _ head: borrowing RequestHead, client: String, isTLS: Bool, _ vendor: SharedVendor,
        into transfer: Transfer
    ) {
        let address = IPAddress(client)
        var (forwarded, addresses) = ("", "")
        var (hasScheme, hasHost) = (false, false)
        for index in head.fields.indices {
            let field = head.fields[index]
            let name = head.name(of: field)
            guard holds(name) else { continue }
            let value = head.value(of: field)
            if name.matchesIgnoringCase("forwarded") {
                // A quote without an end would take this gateway's own word in.
                guard isClosed(value) else { continue }
                forwarded += (forwarded.isEmpty ? "" : ", ") + value.text
            } else if name.matchesIgnoringCase("x-forwarded-for") {
                addresses += (addresses.isEmpty ? "" : ", ") + value.text
            } else {
                hasScheme = hasScheme || name.matchesIgnoringCase("x-forwarded-proto")
                hasHost = hasHost || name.matchesIgnoringCase("x-forwarded-host")
                add(name.text, value.text, vendor, transfer)
            }
        }
        let scheme = isTLS ? "https" : "http"
        if let address {
            addresses += (addresses.isEmpty ? "" : ", ") + address.description
        }
        if !addresses.isEmpty { add("x-forwarded-for", addresses, vendor, transfer) }
        if !hasScheme { add("x-forwarded-proto", scheme, vendor, transfer) }
        if !hasHost, let host = head.host { add("x-forwarded-host", host.text, vendor, transfer) }
        if !forwarded.isEmpty {
            let node = address.map { $0.isIPv6 ? "\"[\($0)]\"" : "\($0)" } ?? "unknown"
            add("forwarded", "\(forwarded), for=\(node);proto=\(scheme)", vendor, transfer)
        }
    }

    /// Whether each quote in a value has its end.
    private static func isClosed(_ value: Span<UInt8>) -> Bool {
        var isQuoted = false
        var isEscaped = false
        for index in value.indices {
            let byte = value[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            }
        }
        return !isQuoted
    }

    /// Adds a field, unless the vendor's configuration leaves it out or sets it.
    private static func add(
        _ name: String, _ value: String, _ vendor: SharedVendor, _ transfer: Transfer
    ) {
        if vendor.dropsFields, vendor.drops(Array(name.utf8).span) { return }
        let isSet = vendor.headers.contains { $0.name.lowercased() == name.lowercased() }
        if !isSet { transfer.headers.add(name: name, value: value) }
    }
}
