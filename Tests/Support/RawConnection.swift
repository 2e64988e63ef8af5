import Glibc
import Primitives
import Reactor

/// One end of a TCP connection made of bytes: sends exactly what it is given, sees exactly what
/// comes.
///
/// Every wait has an end, so that a test fails instead of hanging.
@safe
package final class RawConnection: @unchecked Sendable {
    // Unchecked, because a test hands a connection from the thread that made it to the one that
    // uses it, and never uses it from two.

    /// The result of a wait that ended without the awaited bytes.
    package enum Failure: Error, CustomStringConvertible {
        case timedOut(String)
        case broken(String)

        package var description: String {
            switch self {
            case .timedOut(let what): "timed out: \(what)"
            case .broken(let what): "broken: \(what)"
            }
        }
    }

    /// How the peer ended the connection.
    package enum End: Equatable, Sendable {
        case closed, reset
    }

    package let descriptor: Int32
    /// Bytes received and not taken yet.
    package private(set) var received: [UInt8] = []
    package private(set) var end: End?
    private var isOpen = true
    private let patienceSeconds: Double

    /// Connects to a port of this machine.
    package init(
        port: Int, host: String = "127.0.0.1", receiveBufferBytes: Int? = nil,
        patienceSeconds: Double = Patience.interval.seconds
    ) throws {
        guard let address = SocketAddress("\(host):\(port)") else {
            throw Failure.broken("\(host):\(port) is no address")
        }
        descriptor = try Socket.connect(to: address)
        self.patienceSeconds = patienceSeconds
        if let receiveBufferBytes {
            var size = Int32(receiveBufferBytes)
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        try wait(for: POLLOUT, "connect")
        let code = Socket.pendingError(descriptor)
        guard code == 0 else { throw Failure.broken("connect: errno \(code)") }
    }

    /// Takes over a connection that a listener accepted.
    package init(descriptor: Int32, patienceSeconds: Double = Patience.interval.seconds) {
        self.descriptor = descriptor
        self.patienceSeconds = patienceSeconds
    }

    deinit {
        close()
    }

    package func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    package func send(_ bytes: [UInt8]) throws {
        var buffer = ByteBuffer()
        buffer.append(bytes.span)
        while !buffer.isEmpty {
            switch Socket.send(descriptor, from: &buffer) {
            case .moved: continue
            case .wouldBlock: try wait(for: POLLOUT, "send")
            case .closed: throw Failure.broken("send: the peer has closed")
            case .failed(let code): throw Failure.broken("send: errno \(code)")
            }
        }
    }

    /// Waits for more bytes, or for the end of the connection.
    ///
    /// Returns whether bytes came.
    @discardableResult
    package func receiveMore(_ what: String = "bytes") throws -> Bool {
        guard end == nil else { return false }
        var buffer = ByteBuffer()
        while true {
            switch Socket.receive(descriptor, into: &buffer, room: 256 << 10) {
            case .moved:
                let bytes = buffer.bytes
                received.reserveCapacity(received.count + bytes.count)
                for index in bytes.indices { received.append(bytes[index]) }
                return true
            case .wouldBlock: try wait(for: POLLIN, what)
            case .closed:
                end = .closed
                return false
            case .failed:
                end = .reset
                return false
            }
        }
    }

    /// Waits until so many bytes are there, then takes them.
    package func take(_ count: Int) throws -> [UInt8] {
        while received.count < count {
            guard try receiveMore("\(count) bytes") else {
                throw Failure.broken("closed after \(received.count) of \(count) bytes")
            }
        }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// Waits until a text is there, then takes everything up to its end.
    package func take(through text: String) throws -> String {
        let mark = Array(text.utf8)
        var searched = 0
        while true {
            if let start = received.firstRange(of: mark, from: searched) {
                defer { received.removeFirst(start + mark.count) }
                return String(decoding: received.prefix(start + mark.count), as: UTF8.self)
            }
            searched = max(0, received.count - mark.count)
            guard try receiveMore("\"\(text)\"") else {
                throw Failure.broken(
                    "closed before \"\(text)\" came, after \(received.count) bytes: "
                        + String(decoding: received.suffix(300), as: UTF8.self)
                )
            }
        }
    }

    /// Waits until the peer has ended the connection, then takes all that came.
    package func takeToEnd() throws -> [UInt8] {
        while try receiveMore("the end of the connection") {}
        defer { received = [] }
        return received
    }

    /// Waits until the peer is gone, without reading what it sent.
    package func awaitEnd() throws {
        // POLLRDHUP, which Glibc's overlay leaves out; POLLHUP and POLLERR come unasked.
        try wait(for: 0x2000, "the peer's end")
    }

    /// Whether the peer is gone within so many seconds.
    package func isEnded(within seconds: Double) throws -> Bool {
        var entry = pollfd(fd: descriptor, events: 0x2000, revents: 0)
        return unsafe poll(&entry, 1, Int32(seconds * 1000)) > 0
    }

    /// Waits until so many bytes wait to be read, without reading them.
    package func awaitReadable(bytes: Int) throws {
        // The kernel widens a window by itself only for a reader that reads.
        var room = Int32(2 * bytes)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, 4)
        let end = Instant.now() + Patience.interval
        var waiting: Int32 = 0
        while waiting < bytes {
            // FIONREAD
            guard unsafe ioctl(descriptor, 0x541B, &waiting) == 0, Instant.now() < end else {
                throw Failure.timedOut("\(bytes) bytes to wait")
            }
            poll(nil, 0, 1)
        }
    }

    /// Ends our side only.
    package func finishSending() {
        Socket.shutDownWriting(descriptor)
    }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        Socket.close(descriptor)
    }

    package func reset() {
        Socket.resetOnClose(descriptor)
        close()
    }

    private func wait(for events: Int32, _ what: String) throws {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let count = unsafe poll(&entry, 1, Int32(patienceSeconds * 1000))
            if count > 0 { return }
            if count == 0 { throw Failure.timedOut(what) }
            guard errno == EINTR else { throw Failure.broken("poll: errno \(errno)") }
        }
    }
}

extension RawConnection {
    /// Sends bytes until the peer has taken none for a while, or all are gone; returns how many.
    package func sendUntilHeldUp(_ total: Int) throws -> Int {
        let piece = [UInt8](repeating: 0x55, count: 64 << 10)
        var buffer = ByteBuffer()
        var sent = 0
        while sent < total {
            if buffer.isEmpty { buffer.append(piece.span) }
            switch Socket.send(descriptor, from: &buffer) {
            case .moved(let count): sent += count
            case .wouldBlock:
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                guard unsafe poll(&entry, 1, 300) > 0 else { return sent }
            case .closed, .failed: throw Failure.broken("send")
            }
        }
        return sent
    }
}

extension Array where Element == UInt8 {
    /// Where a run of bytes first stands at or after an offset.
    package func firstRange(of mark: [UInt8], from offset: Int = 0) -> Int? {
        guard count >= mark.count else { return nil }
        var index = offset
        while index + mark.count <= count {
            if self[index] == mark[0], self[index..<index + mark.count].elementsEqual(mark) {
                return index
            }
            index += 1
        }
        return nil
    }
}
