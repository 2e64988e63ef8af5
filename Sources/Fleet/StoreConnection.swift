import Cryptography
import Glibc
import Primitives
import Reactor

/// Why the store cannot be used, in words that hold no secret.
struct StoreFault: Error, Equatable {
    let reason: String
}

/// One connection to the store: questions go out together, and their answers come in their order.
///
/// It belongs to one thread, which waits for it, for no longer than until a deadline. After a fault
/// it is of no use: what was asked may have been done or not, and an answer could come late.
final class StoreConnection {
    private static let receiveBytes = 64 << 10

    private let descriptor: Int32
    private var session: TLSSession?
    private let reader: RESPReader
    private var output = ByteBuffer()

    /// Connects to an address, and for TLS makes sure of who is there.
    init(
        to address: SocketAddress, tls: TLSClient?, by deadline: Instant
    ) throws(StoreFault) {
        guard let reader = RESPReader() else { throw StoreFault(reason: "out of memory") }
        self.reader = reader
        do {
            descriptor = try Socket.connect(to: address)
        } catch {
            throw StoreFault(reason: error.description)
        }
        // What was allocated goes with the object, though this throws.
        try wait(for: Int16(POLLOUT), by: deadline, late: "no connection in time")
        let code = Socket.pendingError(descriptor)
        guard code == 0 else {
            throw StoreFault(reason: SystemError(call: "connect", code: code).description)
        }
        guard let tls else { return }
        guard let session = TLSSession(tls, descriptor: descriptor) else {
            throw StoreFault(reason: "out of memory")
        }
        self.session = session
        try shakeHands(session, by: deadline)
    }

    deinit {
        session = nil
        Socket.close(descriptor)
    }

    private func shakeHands(_ session: TLSSession, by deadline: Instant) throws(StoreFault) {
        while true {
            switch session.handshake() {
            case .moved: return
            case .wouldBlock:
                // So does a server that speaks no TLS and waits for the rest of a command.
                try wait(
                    for: Int16(session.wantsWrite ? POLLOUT : POLLIN), by: deadline,
                    late: "the handshake of TLS did not end in time; does the store speak TLS?")
            case .closed: throw StoreFault(reason: "the store ended the handshake of TLS")
            case .failed:
                throw StoreFault(
                    reason: session.certificateFault.map { "the store's certificate: \($0)" }
                        ?? "the handshake of TLS failed")
            }
        }
    }

    /// Asks all of these, and waits for all of the answers.
    func ask(
        _ commands: [RESPCommand], by deadline: Instant
    ) throws(StoreFault) -> [RESPReply] {
        for command in commands { command.write(to: &output) }
        var replies: [RESPReply] = []
        while true {
            reading: while replies.count < commands.count {
                switch reader.next() {
                case .reply(let reply): replies.append(reply)
                case .malformed(let reason):
                    throw StoreFault(reason: "the store's answer is none: \(reason)")
                case .incomplete: break reading
                }
            }
            guard replies.count < commands.count else { break }
            var events = Int16(POLLIN)
            if try !send() { events |= Int16(session?.writeWantsRead == true ? 0 : POLLOUT) }
            if try receive() { continue }
            try wait(for: events, by: deadline, late: "no answer in time")
        }
        return replies
    }

    /// Sends what there is; returns whether all of it went out.
    private func send() throws(StoreFault) -> Bool {
        while !output.isEmpty {
            if let session {
                switch session.send(from: &output) {
                case .moved: continue
                case .wouldBlock: return false
                case .closed, .failed: throw StoreFault(reason: "the connection broke")
                }
            }
            switch Socket.send(descriptor, from: &output) {
            case .moved: continue
            case .wouldBlock: return false
            case .closed: throw StoreFault(reason: "the store closed the connection")
            case .failed(let code):
                throw StoreFault(reason: SystemError(call: "send", code: code).description)
            }
        }
        return true
    }

    /// Takes what has come; returns whether anything has.
    private func receive() throws(StoreFault) -> Bool {
        var input = ByteBuffer()
        if let session {
            switch session.receive(into: &input, room: Self.receiveBytes) {
            case .moved: break
            case .wouldBlock: return false
            case .closed: throw StoreFault(reason: "the store closed the connection")
            case .failed: throw StoreFault(reason: "the connection broke")
            }
        } else {
            switch Socket.receive(descriptor, into: &input, room: Self.receiveBytes) {
            case .moved: break
            case .wouldBlock: return false
            case .closed: throw StoreFault(reason: "the store closed the connection")
            case .failed(let code):
                throw StoreFault(reason: SystemError(call: "recv", code: code).description)
            }
        }
        reader.feed(input.bytes)
        return true
    }

    private func wait(
        for events: Int16, by deadline: Instant, late: String
    ) throws(StoreFault) {
        while true {
            let left = deadline - Instant.now()
            guard left > .zero else { throw StoreFault(reason: late) }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let count = unsafe poll(&entry, 1, Int32(clamping: left.millisecondsRoundedUp))
            if count > 0 { return }
            if count < 0, errno != EINTR {
                throw StoreFault(reason: SystemError(call: "poll").description)
            }
        }
    }
}

@available(*, unavailable)
extension StoreConnection: Sendable {}
