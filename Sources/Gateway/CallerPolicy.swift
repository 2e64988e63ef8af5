import Config
import HTTP
import Primitives
import Reactor
import Routing

/// Who may call, as far as a request's head says: by which name, and from which web page.
///
/// A page in a browser on this machine can send requests to any address of loopback. It cannot
/// choose their `Host`, which is the name that the page was loaded from or that was rebound, nor
/// their `Origin`.
struct CallerPolicy: Sendable {
    private let hosts: [Glob]
    private let origins: [Glob]

    init(_ server: Configuration.Server) {
        hosts = server.hosts.map { Glob($0.lowercased()) }
        origins = server.origins.map { Glob($0.lowercased()) }
    }

    /// Whether a request asks for this machine by a name that is not its own.
    ///
    /// Where the listener is not on loopback any name is accepted.
    func refusesHost(of head: borrowing RequestHead, onLoopback isOnLoopback: Bool) -> Bool {
        guard isOnLoopback else { return false }
        if let host = head.host, !accepts(host) { return true }
        if let authority = head.targetAuthority, !accepts(authority) { return true }
        return false
    }

    private func accepts(_ authority: Span<UInt8>) -> Bool {
        var host = authority
        if let colon = Self.portIndex(in: authority) {
            host = authority.extracting(0..<colon)
            // A port or nothing must follow: the rest could be another name.
            let port = authority.extracting(colon..<authority.count)
            guard port.count == 0 || port[0] == UInt8(ascii: ":"), port.count <= 6 else {
                return false
            }
            for index in port.indices.dropFirst() {
                guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= port[index] else { return false }
            }
        }
        if host.count > 1, host[host.count - 1] == UInt8(ascii: ".") {
            host = host.extracting(0..<host.count - 1)
        }
        if host.matchesIgnoringCase("localhost") || Self.isLoopbackAddress(host)
            || host.matchesIgnoringCase("host.docker.internal")
        {
            return true
        }
        let ending: StaticString = ".localhost"
        let length = ending.utf8CodeUnitCount
        if host.count > length,
            host.extracting(host.count - length..<host.count).matchesIgnoringCase(ending)
        {
            return true
        }
        guard !hosts.isEmpty else { return false }
        let lowercased = host.indices.map { host[$0].lowercased }
        return hosts.contains { $0.matches(lowercased.span) }
    }

    private static func portIndex(in authority: Span<UInt8>) -> Int? {
        guard let colon = authority.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        guard authority[0] == UInt8(ascii: "[") else { return colon }
        return authority.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 }
    }

    private static func isLoopbackAddress(_ host: Span<UInt8>) -> Bool {
        if host.hasPrefix("[") {
            if host.matches("[::1]") { return true }
            // There are many ways to write it.
            guard host.count < 64, let address = SocketAddress("\(host.text):0") else {
                return false
            }
            let plain = address.description
            return plain == "[::1]:0" || plain.hasPrefix("[::ffff:127.")
        }
        guard host.hasPrefix("127.") else { return false }
        var parts = 0
        var start = 0
        while start <= host.count {
            let end = host.firstIndex(of: UInt8(ascii: "."), from: start) ?? host.count
            guard let number = host.extracting(start..<end).decimal, number < 256 else {
                return false
            }
            parts += 1
            start = end + 1
        }
        return parts == 4
    }

    /// What a request's origin means.
    enum Origin: Equatable {
        /// It has none: no page of a browser's sent it.
        case none
        /// A page of an origin that may call.
        case allowed
        /// A page of another one.
        case foreign
    }

    /// What the origin of a request means.
    func origin(of head: borrowing RequestHead) -> Origin {
        var found = Origin.none
        for field in head.fields where field.name == .origin {
            let value = head.value(of: field)
            let lowercased = value.indices.map { value[$0].lowercased }
            let isAllowed = origins.contains { $0.matches(lowercased.span) }
            // Of several, none may be foreign.
            if found != .foreign { found = isAllowed ? .allowed : .foreign }
        }
        return found
    }
}

extension RequestHead {
    /// Whether a browser asks beforehand whether a page may send a request (the CORS protocol's
    /// preflight).
    var isPreflight: Bool {
        guard method == .other("OPTIONS") else { return false }
        return has(.origin) && has(.accessControlRequestMethod)
    }
}

extension CallerPolicy {
    /// Writes what a browser may send after it has asked: any method and field, for ten minutes.
    static func writePreflight(_ head: borrowing RequestHead, to output: inout ByteBuffer) {
        output.append(
            "access-control-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
        for field in head.fields {
            let name = head.name(of: field)
            if name.matchesIgnoringCase("access-control-request-headers") {
                output.append("access-control-allow-headers: ")
                output.append(head.value(of: field))
                output.append("\r\n")
            } else if name.matchesIgnoringCase("access-control-request-private-network") {
                output.append("access-control-allow-private-network: true\r\n")
            }
        }
        output.append("access-control-max-age: 600\r\n")
    }
}
