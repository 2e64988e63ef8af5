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
        /// The index of its address.
        let address: Int
        /// Whether another worker accepts from the same socket.
        let isCopy: Bool
    }

    /// By worker, in the order of the addresses.
    private(set) var ofWorkers: [[Socket]]
    /// The addresses, as the configuration has them, in their order.
    let addresses: [String]
    /// The sockets in the file system.
    private var paths: [String] = []
    /// By address.
    private(set) var ports: [Int] = []
    /// The addresses whose sockets are closed, because a process that took over has others.
    private(set) var forgotten: [String] = []
    /// The addresses with their ports, for people.
    private(set) var description = ""

    /// Binds every address, once for each worker.
    ///
    /// `inherited`: the sockets that an earlier process has given, by the addresses in its
    /// configuration; those of other addresses are closed.
    init(_ addresses: [String], workers: Int, inherited: [String: [Int32]] = [:]) throws {
        ofWorkers = Array(repeating: [], count: workers)
        self.addresses = addresses
        try Self.requireFree(addresses, besides: inherited)
        for (address, sockets) in inherited where !addresses.contains(address) {
            for socket in sockets { Reactor.Socket.close(socket) }
        }
        do {
            for (index, address) in addresses.enumerated() {
                try bind(address, index, inherited[address] ?? [])
            }
        } catch {
            for socket in ofWorkers.joined() { Reactor.Socket.close(socket.descriptor) }
            throw error
        }
    }

    /// The sockets of each address, for a process that takes over.
    var byAddress: [(address: String, descriptors: [Int32])] {
        addresses.indices.map { index in
            let sockets = ofWorkers.joined().filter { $0.address == index && !$0.isCopy }
            return (addresses[index], sockets.map(\.descriptor))
        }
    }

    /// Forgets the sockets of all addresses but these, which their workers close.
    mutating func forget(allBut kept: [String]) {
        forgotten = addresses.filter { !kept.contains($0) }
        for worker in ofWorkers.indices {
            ofWorkers[worker].removeAll { forgotten.contains(addresses[$0.address]) }
        }
    }

    /// Binds a forgotten address once more; returns its sockets, each with its worker's number.
    mutating func bindAgain(_ address: String) throws -> [(worker: Int, socket: Socket)] {
        guard let number = addresses.firstIndex(of: address) else { return [] }
        let bound = try ListeningSockets([address], workers: ofWorkers.count)
        var sockets: [(worker: Int, socket: Socket)] = []
        for (worker, those) in bound.ofWorkers.enumerated() {
            for one in those {
                let socket = Socket(
                    descriptor: one.descriptor, isOnLoopback: one.isOnLoopback, address: number,
                    isCopy: one.isCopy)
                ofWorkers[worker].append(socket)
                sockets.append((worker, socket))
            }
        }
        forgotten.removeAll { $0 == address }
        return sockets
    }

    /// Throws where another gateway listens on an address.
    ///
    /// Sockets of workers share their port, and would share it with those of another gateway, too:
    /// each would have some of the clients. So an address has to be free before the first is bound.
    /// An earlier process still has its own addresses, and may have one of the same port.
    private static func requireFree(
        _ addresses: [String], besides inherited: [String: [Int32]]
    ) throws {
        let ports = try inherited.values.joined().map { try SocketAddress(boundTo: $0).port }
        for text in addresses where inherited[text] == nil {
            guard let address = SocketAddress(text), !address.isLocalPath, address.port != 0,
                !ports.contains(address.port)
            else { continue }
            try Reactor.Socket.requireFree(address)
        }
    }

    /// Binds an address, where no earlier process has done so, and gives the workers its sockets.
    private mutating func bind(_ text: String, _ index: Int, _ inherited: [Int32]) throws {
        guard var address = SocketAddress(text) else {
            throw Composition.StartError(description: "\(text) is no address")
        }
        var sockets = inherited
        if address.isLocalPath {
            let path = String(text.dropFirst("unix:".count))
            // One socket in the file system, which all workers accept from.
            if sockets.isEmpty { sockets = [try Reactor.Socket.listen(atPath: path, address)] }
            paths.append(path)
            describe(text)
            // A web page cannot reach it, so any name of a host is fine.
            return try share(sockets, index, onLoopback: false)
        }
        if sockets.isEmpty {
            for _ in ofWorkers {
                sockets.append(try Reactor.Socket.listen(on: address, reusePort: true))
                // With port 0 the kernel chose one; the other workers join it.
                address = try SocketAddress(boundTo: sockets[0])
            }
        }
        address = try SocketAddress(boundTo: sockets[0])
        ports.append(address.port)
        let host = text[..<(text.lastIndex(of: ":") ?? text.endIndex)]
        describe("\(host):\(address.port)")
        try share(sockets, index, onLoopback: Configuration.isLoopback(text))
    }

    private mutating func describe(_ text: String) {
        description += "\(description.isEmpty ? "" : ", ")\(text)"
    }

    /// Gives each worker a socket of an address: where there are fewer several accept from one,
    /// and where there are more some accept from several, since each has clients that wait.
    private mutating func share(
        _ sockets: [Int32], _ address: Int, onLoopback isOnLoopback: Bool
    ) throws {
        for index in 0..<max(sockets.count, ofWorkers.count) {
            let socket = sockets[index % sockets.count]
            let isCopy = index >= sockets.count
            ofWorkers[index % ofWorkers.count].append(
                Socket(
                    descriptor: isCopy ? try Reactor.Socket.duplicate(socket) : socket,
                    isOnLoopback: isOnLoopback, address: address, isCopy: isCopy))
        }
    }

    /// Takes the sockets in the file system away.
    func removePaths() {
        for path in paths { unsafe unlink(path) }
    }
}
