import Glibc
import Primitives
import Support
import Synchronization

/// A vendor that opens WebSockets, and what it was asked.
final class TunnelVendor: Sendable {
    private let server: ByteVendor
    private let box: Box

    private final class Box: Sendable {
        let heads = Mutex<[String]>([])
    }

    var port: Int { server.port }
    /// The heads of the requests that came.
    var heads: [String] { box.heads.withLock { $0 } }

    static let accepting =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nopenai-model: m\r\n"

    /// Answers handshakes with a head, and bytes in the same piece; then the closure has the
    /// connection.
    init(
        _ head: String = "\(accepting)\r\n", first: [UInt8] = [],
        then serve:
            @escaping @Sendable (RawConnection) throws
            -> Void
    ) throws {
        let box = Box()
        server = try ByteVendor { connection, _ in
            let request = try connection.request()
            box.heads.withLock { $0.append(request.head) }
            try connection.send(Array(head.utf8) + first)
            try serve(connection)
        }
        self.box = box
    }

    func stop() { server.stop() }

    /// A vendor that sends every byte back.
    static func echo(_ head: String = "\(accepting)\r\n") throws -> TunnelVendor {
        try TunnelVendor(head) { connection in
            while true {
                let bytes = try connection.take(connection.received.count)
                if !bytes.isEmpty { try connection.send(bytes) }
                guard try connection.receiveMore() else { return }
            }
        }
    }
}

extension Request {
    /// A WebSocket's handshake.
    static func handshake(_ path: String = "/v1/responses", _ fields: String = "") -> String {
        get(
            path,
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(fields)")
    }
}

extension RawConnection {
    /// Opens a tunnel; returns the head of the answer.
    @discardableResult
    func openTunnel(_ path: String = "/v1/responses", _ fields: String = "") throws -> String {
        try send(Request.handshake(path, fields))
        let head = try take(through: "\r\n\r\n")
        guard head.hasPrefix("HTTP/1.1 101 ") else { throw Failure.broken(head) }
        return head
    }
}
