import CLinux
import Glibc
public import Primitives

/// An IPv4 or IPv6 address with a port, written `127.0.0.1:8080` or `[::1]:8080`.
///
/// Or a socket in the file system, written `unix:/run/weir.sock`.
public struct SocketAddress: Sendable, CustomStringConvertible {
    private let storage: sockaddr_storage
    private let length: socklen_t

    /// An address from its written form; nil when it is none.
    ///
    /// `localhost` is 127.0.0.1.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            guard let local = Self.local(text.dropFirst("unix:".count)) else { return nil }
            self = local
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { return nil }
        } else if host == "localhost" {
            host = "127.0.0.1"
        } else if host.contains(":") {
            return nil
        }
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &list) == 0,
            let first = unsafe list
        else { return nil }
        defer { unsafe freeaddrinfo(list) }
        var storage = sockaddr_storage()
        length = unsafe first.pointee.ai_addrlen
        unsafe memcpy(&storage, first.pointee.ai_addr, Int(length))
        self.storage = storage
    }

    init(_ storage: sockaddr_storage, _ length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    private static func local(_ path: Substring) -> SocketAddress? {
        let bytes = Array(path.utf8)
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        let room = MemoryLayout<sockaddr_un>.size - offset
        // One byte is for the zero at the end.
        guard path.hasPrefix("/"), bytes.count < room, !bytes.contains(0) else { return nil }
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0[offset...].copyBytes(from: bytes) }
        return SocketAddress(storage, socklen_t(offset + bytes.count + 1))
    }

    /// Whether it is a socket in the file system.
    public var isLocalPath: Bool { family == AF_UNIX }

    /// The address a socket is bound to, with the port the kernel chose.
    public init(boundTo descriptor: Int32) throws(SystemError) {
        unsafe try self.init("getsockname") { unsafe getsockname(descriptor, $0, $1) }
    }

    /// The address of a connected socket's peer.
    public init(peerOf descriptor: Int32) throws(SystemError) {
        unsafe try self.init("getpeername") { unsafe getpeername(descriptor, $0, $1) }
    }

    private init(
        _ call: String,
        _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(SystemError) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe ask($0, &length)
            }
        }
        guard code == 0 else { throw SystemError(call: call) }
        self.storage = storage
        self.length = length
    }

    /// `AF_INET`, `AF_INET6` or `AF_UNIX`.
    public var family: Int32 { Int32(storage.ss_family) }

    /// The port.
    public var port: Int {
        unsafe withSockaddr { address, _ in
            // The port stands at the same offset in both families.
            let bytes = unsafe UnsafeRawPointer(address)
            return unsafe Int(bytes.load(fromByteOffset: 2, as: UInt8.self)) << 8
                | Int(bytes.load(fromByteOffset: 3, as: UInt8.self))
        }
    }

    /// The address without its port, as a value; nil for any other family.
    public var address: IPAddress? {
        unsafe withSockaddr { address, _ in
            let bytes = unsafe UnsafeRawPointer(address)
            let range =
                switch family {
                case AF_INET: 4..<8
                case AF_INET6: 8..<24
                default: 0..<0
                }
            return IPAddress(
                range.map { unsafe bytes.load(fromByteOffset: $0, as: UInt8.self) })
        }
    }

    /// The address without its port; "?" where the kernel cannot write it, "unix" for a client of a
    /// socket in the file system, who has no address.
    public var host: String {
        if isLocalPath { return "unix" }
        if family == AF_INET, let address { return address.description }
        var host = [CChar](repeating: 0, count: 64)
        let code = unsafe withSockaddr { address, length in
            unsafe getnameinfo(
                address, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
        }
        guard code == 0 else { return "?" }
        return String(
            decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The written form.
    public var description: String {
        if isLocalPath { return "unix" }
        return family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var storage = storage
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, length)
            }
        }
    }
}
