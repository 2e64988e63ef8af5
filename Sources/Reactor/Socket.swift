import CLinux
import Glibc
public import Primitives

/// The socket calls, under the names of their manual pages, with EINTR and EAGAIN decided once.
public enum Socket {
    /// The result of a read or write.
    public enum Outcome: Equatable, Sendable {
        /// So many bytes were moved.
        case moved(Int)
        /// None could be moved now.
        case wouldBlock
        /// The peer has closed its side.
        case closed
        /// The connection is broken, with `errno`.
        case failed(Int32)
    }

    /// The result of an accept.
    public enum Accepted: Equatable, Sendable {
        /// A new connection, non-blocking.
        case connection(Int32)
        /// No connection is waiting.
        case wouldBlock
        /// The process or the machine has no descriptor or memory left, with `errno`.
        case exhausted(Int32)
        /// This one connection is gone again; the next may be fine.
        case gone(Int32)
    }

    /// Opens a listening socket, non-blocking.
    ///
    /// With `reusePort` several sockets share one address, and the kernel spreads connections over
    /// them: one listener per worker.
    public static func listen(
        on address: SocketAddress, reusePort: Bool, backlog: Int32 = 4096
    ) throws(SystemError) -> Int32 {
        let descriptor = try bind(to: address, reusePort: reusePort)
        guard CLinux.listen(descriptor, backlog) == 0 else {
            let error = SystemError(call: "listen \(address)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Sets on a listener what its clients' sockets inherit from it, which costs nothing for each.
    public static func setForClients(_ listener: Int32) {
        let tcp = Int32(IPPROTO_TCP)
        // Nagle's algorithm against delayed acknowledgements would hold small chunks for up to
        // 40 ms.
        _ = clinux_set_int(listener, tcp, TCP_NODELAY, 1)
        // A client whose machine is gone says nothing: where no clock ends its exchange, as in a
        // tunnel, only this finds out.
        _ = clinux_set_int(listener, SOL_SOCKET, SO_KEEPALIVE, 1)
        _ = clinux_set_int(listener, tcp, TCP_KEEPIDLE, keepAliveIdleSeconds)
        _ = clinux_set_int(listener, tcp, TCP_KEEPINTVL, keepAliveIntervalSeconds)
    }

    /// Seconds of silence before a peer is asked whether it lives.
    public static let keepAliveIdleSeconds: Int32 = 60
    /// Seconds between two such questions.
    public static let keepAliveIntervalSeconds: Int32 = 15

    /// Throws where a socket listens on an address, though it would share its port.
    public static func requireFree(_ address: SocketAddress) throws(SystemError) {
        close(try bind(to: address, reusePort: false))
    }

    private static func bind(
        to address: SocketAddress, reusePort: Bool
    ) throws(SystemError) -> Int32 {
        let descriptor = socket(
            address.family,
            Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue),
            0
        )
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        _ = clinux_set_int(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if reusePort { _ = clinux_set_int(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
        setForClients(descriptor)
        if address.family == AF_INET6 {
            // "[::]" means both families, the same on every machine whatever its sysctl says.
            _ = clinux_set_int(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        }
        let bound = unsafe address.withSockaddr { unsafe Glibc.bind(descriptor, $0, $1) }
        guard bound == 0 else {
            let error = SystemError(call: "bind \(address)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Opens a listening socket in the file system, for this user and its group.
    ///
    /// A path that a process left behind when it died is taken over; one on which a process listens
    /// is not.
    public static func listen(
        atPath path: String, _ address: SocketAddress, backlog: Int32 = 4096
    ) throws(SystemError) -> Int32 {
        if let other = try? connect(to: address) {
            let isTaken = pendingError(other) == 0
            close(other)
            guard !isTaken else { throw SystemError(call: "bind \(path)", code: EADDRINUSE) }
        } else if isSocket(path) {
            unsafe unlink(path)
        }
        let descriptor = try listen(on: address, reusePort: false, backlog: backlog)
        guard unsafe chmod(path, 0o660) == 0 else {
            let error = SystemError(call: "chmod \(path)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Makes sure that a socket could be opened at a path; nothing is made or taken away.
    public static func requireFree(
        atPath path: String, _ address: SocketAddress
    ) throws(SystemError) {
        if let other = try? connect(to: address) {
            let isTaken = pendingError(other) == 0
            close(other)
            if isTaken { throw SystemError(call: "bind \(path)", code: EADDRINUSE) }
        }
        var status = stat()
        // What is no socket is not taken away.
        guard unsafe lstat(path, &status) != 0 || isSocket(path) else {
            throw SystemError(call: "bind \(path)", code: EADDRINUSE)
        }
    }

    private static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    /// A second descriptor of a socket, with an end of its own.
    public static func duplicate(_ descriptor: Int32) throws(SystemError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw SystemError(call: "fcntl F_DUPFD_CLOEXEC") }
        return copy
    }

    /// Takes a waiting connection.
    public static func accept(_ listener: Int32) -> Accepted {
        while true {
            var peer = sockaddr_storage()
            let descriptor = unsafe clinux_accept(listener, &peer)
            if descriptor >= 0 { return .connection(descriptor) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted(errno)
            default: return .gone(errno)
            }
        }
    }

    /// Starts to connect, non-blocking: writable readiness marks its end.
    public static func connect(to address: SocketAddress) throws(SystemError) -> Int32 {
        let descriptor = socket(
            address.family,
            Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue),
            0
        )
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        _ = clinux_set_int(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        let code = unsafe address.withSockaddr { unsafe CLinux.connect(descriptor, $0, $1) }
        guard code == 0 || errno == EINPROGRESS else {
            let error = SystemError(call: "connect \(address)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Reads at most `room` bytes to the end of a buffer.
    public static func receive(
        _ descriptor: Int32, into buffer: inout ByteBuffer, room: Int
    ) -> Outcome {
        unsafe buffer.fill(room: room) { space in
            while true {
                let count = unsafe recv(descriptor, space.baseAddress, min(room, space.count), 0)
                if count > 0 { return (count, .moved(count)) }
                if count == 0 { return (0, .closed) }
                switch errno {
                case EINTR: continue
                case EAGAIN: return (0, .wouldBlock)
                default: return (0, .failed(errno))
                }
            }
        }
    }

    /// Sends what a buffer holds, as far as the kernel takes it, and drops that from the buffer.
    public static func send(_ descriptor: Int32, from buffer: inout ByteBuffer) -> Outcome {
        let outcome = unsafe send(descriptor, buffer.pointer)
        if case .moved(let count) = outcome { buffer.consume(count) }
        return outcome
    }

    private static let noSignal = Int32(MSG_NOSIGNAL)

    @unsafe
    private static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Outcome {
        while true {
            let count = unsafe CLinux.send(
                descriptor, bytes.baseAddress, bytes.count, noSignal
            )
            if count >= 0 { return .moved(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EPIPE, ECONNRESET: return .closed
            default: return .failed(errno)
            }
        }
    }

    /// Looks at the first byte that waits, and leaves it there.
    public static func peek(_ descriptor: Int32, _ byte: inout UInt8) -> Outcome {
        while true {
            let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK))
            if count > 0 { return .moved(1) }
            if count == 0 { return .closed }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(errno)
            }
        }
    }

    /// Whether there is something to read just now: bytes, the peer's end or an error.
    public static func hasInput(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        let flags = Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)
        while true {
            let count = unsafe recv(descriptor, &byte, 1, flags)
            if count >= 0 { return true }
            if errno != EINTR { return errno != EAGAIN }
        }
    }

    /// Reads and throws away what waits on a descriptor, at most `limit` bytes.
    public static func discardInput(_ descriptor: Int32, limit: Int = 1 << 20) {
        unsafe withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { space in
            var left = limit
            while left > 0 {
                let count = unsafe recv(descriptor, space.baseAddress, space.count, 0)
                if count > 0 {
                    left -= count
                } else if count == 0 || errno != EINTR {
                    return
                }
            }
        }
    }

    /// Ends both directions of a connection whose descriptor its owner will close.
    public static func shutDown(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Signals the peer that no more is coming, and leaves the other direction open.
    public static func shutDownWriting(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Makes ``close(_:)`` reset the connection instead of ending it in order.
    public static func resetOnClose(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size)
        )
    }

    /// Closes a descriptor.
    ///
    /// EINTR is not retried: Linux has let go of the number by then.
    public static func close(_ descriptor: Int32) {
        _ = CLinux.close(descriptor)
    }

    /// The error a connection attempt ended with; 0 when it succeeded.
    public static func pendingError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }
}
