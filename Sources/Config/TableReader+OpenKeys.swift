import Primitives

// Keys that are sent without encryption through networks that are not the operator's own.
extension TableReader {
    /// Warns of an address that gets keys unencrypted, unless its host is near.
    func warnOfOpenKeys(_ key: String, to host: String, meant scheme: String = "https://") {
        // Without a host the address is a fault by itself.
        guard !host.isEmpty, !Self.isNear(host) else { return }
        warn(key, "sends keys to \(host) without encryption; is \(scheme) meant?")
    }

    /// Does so for a URL, if it is of plain HTTP.
    func warnOfOpenKeys(_ key: String, of url: String) {
        guard url.hasPrefix("http://") else { return }
        let authority = url.dropFirst("http://".count).prefix { !"/?#".contains($0) }
        let end = authority.lastIndex(of: "@").map { authority[$0...].dropFirst() } ?? authority
        let host =
            end.hasPrefix("[") ? end.prefix { $0 != "]" } + "]" : end.prefix { $0 != ":" }
        warnOfOpenKeys(key, to: String(host))
    }

    /// Whether a host, an IPv6 address in brackets, is on this machine or in a network of the
    /// operator's own, as far as its name says.
    private static func isNear(_ host: String) -> Bool {
        if host.hasPrefix("[") {
            guard let address = IPAddress(host.dropFirst().dropLast()) else { return false }
            // Loopback, unique local and link-local addresses.
            return address.bytes.count == 4
                ? isNear(address.bytes)
                : address.bytes == [UInt8](repeating: 0, count: 15) + [1]
                    || address.bytes[0] & 0xFE == 0xFC
                    || address.bytes[0] == 0xFE && address.bytes[1] & 0xC0 == 0x80
        }
        if let address = IPAddress(host) { return isNear(address.bytes) }
        return !host.contains(".")
            || [".local", ".internal", ".localhost", ".lan", ".test", ".svc", ".home.arpa"]
                .contains(where: host.hasSuffix)
    }

    /// Loopback, link-local, and what RFC 1918 and RFC 6598 keep for networks of one's own.
    private static func isNear(_ bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1]) {
        case (127, _), (10, _), (192, 168), (169, 254), (172, 16...31), (100, 64...127): true
        default: false
        }
    }
}
