import Glibc
import Primitives
import Reactor
import Synchronization

/// A vendor that does exactly what a closure says, connection by connection, for what the
/// scripted vendor is too well behaved to do.
package final class ByteVendor: Sendable {
    package let port: Int
    private let descriptor: Int32
    private let isStopped = Atomic<Bool>(false)
    private let accepted = Atomic<Int>(0)

    /// Connections accepted so far.
    package var connectionCount: Int { accepted.load(ordering: .relaxed) }

    /// Starts a vendor.
    ///
    /// The closure serves each connection on a thread of its own and is given the connection's
    /// number, from 1; what it throws ends the connection.
    package init(_ serve: @escaping @Sendable (RawConnection, Int) throws -> Void) throws {
        guard let address = SocketAddress("127.0.0.1:0") else { throw SystemError(call: "address") }
        let descriptor = try Socket.listen(on: address, reusePort: false)
        self.descriptor = descriptor
        port = try SocketAddress(boundTo: descriptor).port
        let thread = try Reactor.Thread(name: "byte-vendor") { [self] in accept(serve) }
        thread.detach()
    }

    /// A port without a listener.
    package static func closedPort() throws -> Int {
        guard let address = SocketAddress("127.0.0.1:0") else { throw SystemError(call: "address") }
        let descriptor = try Socket.listen(on: address, reusePort: false)
        defer { Socket.close(descriptor) }
        return try SocketAddress(boundTo: descriptor).port
    }

    package func stop() {
        isStopped.store(true, ordering: .relaxed)
    }

    private func accept(_ serve: @escaping @Sendable (RawConnection, Int) throws -> Void) {
        while !isStopped.load(ordering: .relaxed) {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 100) > 0 else { continue }
            guard case .connection(let client) = Socket.accept(descriptor) else { continue }
            let number = accepted.add(1, ordering: .relaxed).newValue
            let connection = RawConnection(descriptor: client)
            let thread = try? Reactor.Thread(name: "byte-vendor-\(number % 100)") {
                try? serve(connection, number)
                connection.close()
            }
            thread?.detach()
        }
        Socket.close(descriptor)
    }
}

extension RawConnection {
    /// Reads one request with a length or without a body; returns its head and its body.
    package func request() throws -> (head: String, body: [UInt8]) {
        let head = try take(through: "\r\n\r\n")
        for line in head.split(separator: "\r\n")
        where line.lowercased().hasPrefix("content-length:") {
            let length = Int(line.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) ?? 0
            return (head, try take(length))
        }
        return (head, [])
    }
}
