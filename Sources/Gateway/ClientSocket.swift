import Cryptography
import Glibc
import Primitives
import Reactor

/// A client's socket: reads and writes the bytes of a client's connection, and nothing else does.
///
/// With TLS the bytes are those inside. Its connection owns it, and closes it once: the number may
/// be another connection's afterwards.
struct ClientSocket: ~Copyable {
    let descriptor: Int32
    let origin: Origin
    /// Whether the descriptor is still ours.
    private(set) var isOpen = true
    private var session: TLSSession?
    /// The header of PROXY protocol that the connection begins with; nil once it was read, and
    /// where none is due.
    private var proxyHeader: ProxyHeaderReader?
    /// The client's address as a proxy said it; nil where none did.
    private(set) var clientOfProxy: IPAddress?
    /// Whether the listener takes the client's address from a proxy.
    let isProxied: Bool
    /// The client's address that the connection is counted by; nil where it is not.
    private(set) var countedAddress: IPAddress?
    /// Whether requests can be read: once the header of PROXY protocol and the handshake are over.
    private(set) var isReady: Bool

    /// What a listener says of the clients that come to it.
    struct Origin {
        /// Whether its address is one that this machine alone can reach.
        let isOnLoopback: Bool
        /// The certificates it shows; nil where it speaks no TLS.
        let identity: ServerIdentity?
        /// The networks whose connections begin with a header of PROXY protocol.
        let proxyNetworks: [IPNetwork]
    }

    init(_ descriptor: Int32, from origin: Origin) {
        self.descriptor = descriptor
        self.origin = origin
        if !origin.proxyNetworks.isEmpty,
            let peer = (try? SocketAddress(peerOf: descriptor))?.address,
            origin.proxyNetworks.contains(where: { $0.contains(peer) })
        {
            proxyHeader = ProxyHeaderReader()
        }
        isProxied = proxyHeader != nil
        isReady = origin.identity == nil && proxyHeader == nil
    }

    /// Counts the connection to its client's address, once; false where that has no seat left.
    ///
    /// A proxy's own address stands for no client, and a socket in the file system has none.
    mutating func takeSeat(of addresses: AddressSeats?) -> Bool {
        guard let addresses, countedAddress == nil else { return true }
        let peer = isProxied ? nil : (try? SocketAddress(peerOf: descriptor))?.address
        guard let address = clientOfProxy ?? peer else { return true }
        guard addresses.enter(address) else { return false }
        countedAddress = address
        return true
    }

    /// Whether the client's first byte begins a handshake.
    var isBeforeHandshake: Bool { session == nil && !isReady && proxyHeader == nil }

    /// Whether a handshake has begun and is not over.
    var isHandshaking: Bool { session != nil && !isReady }

    /// Whether the beginning of a connection, which no request can come before, is under way.
    var isOpening: Bool { isHandshaking || proxyHeader?.hasBegun ?? false }

    /// Reads the header of PROXY protocol as far as it has come.
    mutating func readProxyHeader() -> ProxyHeaderReader.Outcome {
        guard let outcome = proxyHeader?.read(descriptor) else { return .whole(client: nil) }
        if case .whole(let client) = outcome {
            proxyHeader = nil
            clientOfProxy = client
            isReady = origin.identity == nil
        }
        return outcome
    }

    /// Whether the client has shown a certificate of one of the listener's authorities.
    var isClientVerified: Bool { session?.isClientVerified ?? false }

    /// Whether the clients' authorities are others than those under which the client came in.
    var isOutdated: Bool {
        guard let session, let identity = origin.identity else { return false }
        return !session.holds(under: identity.current)
    }

    /// The subject of the client's verified certificate; empty without one.
    var clientSubject: String { session?.clientSubject ?? "" }

    /// Whether it must be written to, though nothing waits for the client.
    var wantsWrite: Bool { session?.wantsWrite ?? false }

    /// Whether what waits for the client goes on once something was read.
    var writeWantsRead: Bool { session?.writeWantsRead ?? false }

    /// Makes the state of TLS, once the first byte is there; false without memory for it.
    mutating func makeSession() -> Bool {
        session = origin.identity.flatMap { TLSSession($0.current, descriptor: descriptor) }
        return session != nil
    }

    /// Takes the handshake as far as it goes now.
    mutating func handshake() -> TLSSession.Outcome {
        guard let session else { return .failed }
        let outcome = session.handshake()
        if case .moved = outcome { isReady = true }
        return outcome
    }

    /// Goes on without TLS, to say that TLS is wanted.
    mutating func speakPlainly() {
        isReady = true
    }

    /// Whether the client asked for new keys, or for a new handshake, more often than it may.
    var isFlooded: Bool { session?.isFlooded ?? false }

    /// Whether the client resumed an earlier session.
    var isResumed: Bool { session?.isResumed ?? false }

    /// Reads what has come, as much as one turn takes; with TLS up to a record more.
    func receive(
        into buffer: inout ByteBuffer, room: Int = Limits.receiveBytesPerTurn
    ) -> Socket.Outcome {
        guard let session else { return Socket.receive(descriptor, into: &buffer, room: room) }
        return Self.outcome(session.receive(into: &buffer, room: room))
    }

    /// Gives the kernel what it takes, and drops that from the buffer.
    func send(from buffer: inout ByteBuffer) -> Socket.Outcome {
        guard let session else { return Socket.send(descriptor, from: &buffer) }
        return Self.outcome(session.send(from: &buffer))
    }

    private static func outcome(_ outcome: TLSSession.Outcome) -> Socket.Outcome {
        switch outcome {
        case .moved(let count): .moved(count)
        case .wouldBlock: .wouldBlock
        case .closed: .closed
        case .failed: .failed(EPROTO)
        }
    }

    /// Ends our side, in order.
    func finishSending() {
        session?.finishSending()
        Socket.shutDownWriting(descriptor)
    }

    /// Makes the close a reset: what was sent must not look whole.
    func breakOff() {
        Socket.resetOnClose(descriptor)
    }

    /// Closes it, once.
    ///
    /// `inOrder`: nothing is missing, which TLS says in a message of its own; without it a client
    /// sees that the connection was cut.
    mutating func close(on loop: EventLoop, inOrder: Bool) {
        guard isOpen else { return }
        if inOrder { session?.finishSending() }
        isOpen = false
        session = nil
        loop.forget(descriptor)
        Socket.close(descriptor)
    }
}
