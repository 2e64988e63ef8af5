import Primitives

/// An address with a port, as far as its text says.
struct ListenAddress {
    private let host: String
    private let port: Substring

    /// Nil for a socket in the file system, and for port 0, which is another one each time.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), !Configuration.isLocalPath(text) else {
            return nil
        }
        let host = String(text[..<colon])
        self.host = Self.canonical(host == "localhost" ? "127.0.0.1" : host)
        port = text[text.index(after: colon)...]
        if port == "0" { return nil }
    }

    /// One spelling of an address: one of IPv4 inside of IPv6 is the same socket.
    private static func canonical(_ host: String) -> String {
        guard host.hasPrefix("["), host.hasSuffix("]"),
            let address = IPAddress(host.dropFirst().dropLast())
        else { return host }
        return address.bytes.count == 4 ? "\(address)" : "[\(address)]"
    }

    /// Whether both cannot be listened on at the same time.
    func excludes(_ other: ListenAddress) -> Bool {
        guard other.port == port else { return false }
        let hosts = [host, other.host]
        return host == other.host || hosts.contains("[::]")
            || hosts.contains("0.0.0.0") && !hosts.contains { $0.hasPrefix("[") }
    }
}

extension TableReader {
    /// Holds the operators' listener against those of clients: none shares its port with it.
    func checkPorts(of configuration: Configuration) {
        guard let own = ListenAddress(configuration.admin.listen) else { return }
        for listen in configuration.server.listen {
            guard let other = ListenAddress(listen), other.excludes(own) else { continue }
            error(
                "admin.listen",
                "\(configuration.admin.listen) is one of server.listen, too: \"\(listen)\"; "
                    + "both of them cannot be listened on")
        }
    }
}
