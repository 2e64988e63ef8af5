import Config
import Glibc
import Reactor

/// The sockets on which clients are taken in: one for each address and worker.
struct ListeningSockets {
    /// A listening socket.
    struct Socket: Sendable {
        let descriptor: Int32
        /// Whether this machine alone can reach its address.
        let isOnLoopback: Bool
    }

    /// By worker, in the order of the addresses.
    private(set) var ofWorkers: [[Socket]]
    /// The sockets in the file system.
    private var paths: [String] = []
    /// By address.
    private(set) var ports: [Int] = []
    /// The addresses with their ports, for people.
    private(set) var description = ""

    /// Binds every address, once for each worker.
    init(_ addresses: [String], workers: Int) throws {
        ofWorkers = Array(repeating: [], count: workers)
        do {
            for address in addresses { try bind(address) }
        } catch {
            for socket in ofWorkers.joined() { Reactor.Socket.close(socket.descriptor) }
            throw error
        }
    }

    /// One socket in the file system, which all workers accept from.
    private mutating func bind(path text: String, _ address: SocketAddress) throws {
        let path = String(text.dropFirst("unix:".count))
        let first = try Reactor.Socket.listen(atPath: path, address)
        paths.append(path)
        for worker in ofWorkers.indices {
            let descriptor = worker == 0 ? first : try Reactor.Socket.duplicate(first)
            // A web page cannot reach it, so any name of a host is fine.
            ofWorkers[worker].append(Socket(descriptor: descriptor, isOnLoopback: false))
        }
        description += "\(description.isEmpty ? "" : ", ")\(text)"
    }

    /// Takes the sockets in the file system away.
    func removePaths() {
        for path in paths { unsafe unlink(path) }
    }

    private mutating func bind(_ text: String) throws {
        guard var address = SocketAddress(text) else {
            throw Composition.StartError(description: "\(text) is no address")
        }
        if address.isLocalPath { return try bind(path: text, address) }
        let isOnLoopback = Configuration.isLoopback(text)
        for worker in ofWorkers.indices {
            let descriptor = try Reactor.Socket.listen(on: address, reusePort: true)
            ofWorkers[worker].append(Socket(descriptor: descriptor, isOnLoopback: isOnLoopback))
            // With port 0 the kernel chose one; the other workers join it.
            address = try SocketAddress(boundTo: descriptor)
        }
        ports.append(address.port)
        let host = text[..<(text.lastIndex(of: ":") ?? text.endIndex)]
        description += "\(description.isEmpty ? "" : ", ")\(host):\(address.port)"
    }
}
