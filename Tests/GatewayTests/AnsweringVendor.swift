import Support
import Synchronization

/// A vendor that answers every request with the same bytes, and what it was asked.
final class AnsweringVendor: Sendable {
    private let server: ByteVendor
    private let box = Box()

    private final class Box: Sendable {
        let requests = Mutex<[(head: String, body: [UInt8])]>([])
    }

    static let ok = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".utf8)
    static let busy = Array("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}".utf8)

    var port: Int { server.port }
    var requests: [(head: String, body: [UInt8])] { box.requests.withLock { $0 } }

    init(_ answer: [UInt8] = ok) throws {
        let box = box
        server = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                box.requests.withLock { $0.append(request) }
                try connection.send(answer)
            }
        }
    }

    func stop() { server.stop() }
}
