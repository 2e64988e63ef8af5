import CLinux
import Glibc

extension SocketAddress {
    /// Why a name has no addresses.
    public struct LookupError: Error, CustomStringConvertible {
        /// The resolver's words.
        public let description: String
    }

    /// The addresses of a host, by its name or an address; it waits for the resolver, for as long
    /// as that takes.
    ///
    /// For threads that nothing waits for.
    public static func lookUp(
        _ host: String, port: Int
    ) throws(LookupError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw LookupError(description: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let info = unsafe next {
            let length = unsafe Int(info.pointee.ai_addrlen)
            if let address = unsafe info.pointee.ai_addr,
                length <= MemoryLayout<sockaddr_storage>.size
            {
                var storage = sockaddr_storage()
                unsafe memcpy(&storage, address, length)
                addresses.append(SocketAddress(storage, socklen_t(length)))
            }
            unsafe next = info.pointee.ai_next
        }
        guard !addresses.isEmpty else { throw LookupError(description: "no addresses") }
        return addresses
    }
}
