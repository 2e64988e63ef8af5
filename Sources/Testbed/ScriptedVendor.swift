import Primitives
public import Reactor

/// A vendor of all three dialects that does what its requests ask for: on a thread of its own, for
/// `weir mock`, for tests and for benchmarks.
public final class ScriptedVendor: Sendable {
    /// The port it listens on.
    public let port: Int
    private let mailbox: Mailbox<Bool>
    private let thread: Thread

    /// Starts a vendor on an address; with port 0 the kernel chooses one.
    public init(listen address: SocketAddress) throws(SystemError) {
        let descriptor = try Socket.listen(on: address, reusePort: false)
        port = try SocketAddress(boundTo: descriptor).port
        let box = LoopBox()
        let mailbox = try Mailbox<Bool> { _ in box.loop?.stop() }
        self.mailbox = mailbox
        thread = try Thread(name: "weir-mock") {
            // Without a loop there is nothing to serve with; callers see refused connections.
            guard let loop = try? EventLoop() else { return }
            box.loop = loop
            mailbox.open(on: loop)
            let server = VendorServer(loop: loop, listener: descriptor)
            loop.run()
            server.close()
        }
    }

    /// Ends the vendor and waits until its connections are closed.
    public func stop() {
        mailbox.post(true)
        thread.join()
    }
}

/// Holds the loop of a vendor's thread for the mailbox that is emptied on that thread alone.
private final class LoopBox: @unchecked Sendable {
    weak var loop: EventLoop?
}

/// The listener and what all connections share.
final class VendorServer: DescriptorHandler {
    let loop: EventLoop
    private let listener: Int32
    var statistics = VendorStatistics()
    private var connections: [ObjectIdentifier: VendorConnection] = [:]

    init(loop: EventLoop, listener: Int32) {
        self.loop = loop
        self.listener = listener
        loop.watch(listener, for: .read, self)
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        for _ in 0..<256 {
            switch Socket.accept(descriptor) {
            case .connection(let client):
                statistics.connections += 1
                statistics.openConnections += 1
                let connection = VendorConnection(self, client)
                connections[ObjectIdentifier(connection)] = connection
            case .gone: continue
            case .wouldBlock, .exhausted: return
            }
        }
    }

    func closed(_ connection: VendorConnection) {
        statistics.openConnections -= 1
        connections[ObjectIdentifier(connection)] = nil
    }

    func close() {
        for connection in connections.values { connection.close() }
        loop.forget(listener)
        Socket.close(listener)
    }
}
