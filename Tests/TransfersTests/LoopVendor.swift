import Glibc
import Primitives
import Reactor
import Testing

/// A vendor on the same loop as the lanes, so that a test decides the order of everything.
///
/// It reads one request after the other from each connection, remembers its text, and sends what
/// its script says, or nothing.
final class LoopVendor: DescriptorHandler {
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    let loop: EventLoop
    let listener: Int32
    let port: Int
    /// What it sends for a request; nil for nothing.
    var answer: (_ request: String) -> String? = { _ in LoopVendor.ok }
    private(set) var accepted: [Int32] = []
    /// Connections whose client has ended them.
    private(set) var endedCount = 0
    /// The requests as they came, heads and bodies.
    private(set) var requests: [String] = []
    private var inputs: [Int32: [UInt8]] = [:]
    private var waiting: [Int32] = []

    /// A vendor that answers every request, or is deaf: its queue of connections is full.
    init(_ loop: EventLoop, on host: String = "127.0.0.1", port: Int = 0, isDeaf: Bool = false)
        throws
    {
        self.loop = loop
        let address = try #require(SocketAddress("\(host):\(port)"))
        listener = try Socket.listen(on: address, reusePort: false, backlog: isDeaf ? 0 : 128)
        self.port = try SocketAddress(boundTo: listener).port
        guard isDeaf else {
            loop.watch(listener, for: .read, self)
            return
        }
        // A full queue drops what else comes: who connects then is kept waiting.
        let full = try #require(SocketAddress("\(host):\(self.port)"))
        waiting = try (0..<4).map { _ in try Socket.connect(to: full) }
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        if descriptor == listener {
            guard case .connection(let client) = Socket.accept(listener) else { return }
            accepted.append(client)
            loop.watch(client, for: .read, self)
            return
        }
        var input = ByteBuffer()
        switch Socket.receive(descriptor, into: &input, room: 64 << 10) {
        case .moved: break
        case .wouldBlock: return
        case .closed, .failed:
            endedCount += 1
            return loop.unwatch(descriptor)
        }
        let bytes = input.bytes
        for index in bytes.indices { inputs[descriptor, default: []].append(bytes[index]) }
        while let request = takeRequest(descriptor) {
            requests.append(request)
            if let answer = answer(request) { send(answer, on: descriptor) }
        }
    }

    /// Sends bytes on a connection, the last one accepted unless another is meant.
    func send(_ text: String, on descriptor: Int32? = nil) {
        guard let descriptor = descriptor ?? accepted.last else { return }
        var output = ByteBuffer()
        output.append(text: text)
        _ = Socket.send(descriptor, from: &output)
    }

    /// Says that a test closed a connection by itself.
    func forget(_ descriptor: Int32) { accepted.removeAll { $0 == descriptor } }

    func close() {
        loop.unwatch(listener)
        for descriptor in accepted { loop.unwatch(descriptor) }
        for descriptor in accepted + waiting + [listener] { Socket.close(descriptor) }
    }

    /// A request that is there with all its body, if there is one.
    private func takeRequest(_ descriptor: Int32) -> String? {
        let bytes = inputs[descriptor] ?? []
        guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        var length = 0
        for line in String(decoding: bytes[..<head.lowerBound], as: UTF8.self).split(
            separator: "\r\n")
        where line.hasPrefix("Content-Length: ") {
            length = Int(line.dropFirst(16)) ?? 0
        }
        let end = head.upperBound + length
        guard bytes.count >= end else { return nil }
        inputs[descriptor] = Array(bytes[end...])
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}
