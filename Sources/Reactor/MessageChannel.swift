import CLinux
import Glibc
public import Primitives

/// One end of a connection between two processes of this machine: messages go whole, with
/// descriptors beside them.
@safe
public final class MessageChannel {
    /// A message.
    public struct Message: Sendable {
        /// What it says.
        public var text: String
        /// The descriptors that came with it: the receiver's own from then on.
        public var descriptors: [Int32] = []

        /// A message of these parts.
        public init(_ text: String, _ descriptors: [Int32] = []) {
            self.text = text
            self.descriptors = descriptors
        }
    }

    /// What there is to receive.
    public enum Reception {
        /// A message.
        case message(Message)
        /// Nothing yet.
        case nothing
        /// The other end is closed, or its process has ended.
        case closed
    }

    /// Descriptors that one message takes.
    public static let descriptorsMax = Int(CLINUX_DESCRIPTORS_MAX)
    private static let bytesMax = 64 << 10
    private static let sendTime: Int32 = 2000

    /// The descriptor, for a loop.
    public private(set) var descriptor: Int32

    /// The end of a connection that came to a listener; nil where none waits.
    public init?(acceptedFrom listener: Int32) {
        guard case .connection(let descriptor) = Socket.accept(listener) else { return nil }
        self.descriptor = descriptor
    }

    /// Connects to a path.
    public init(to path: String) throws(SystemError) {
        descriptor = try Self.socket()
        let address = try Self.address(path)
        guard unsafe address.withSockaddr({ unsafe Glibc.connect(descriptor, $0, $1) }) == 0
        else {
            // The object is whole by now: its end closes the descriptor, though this throws.
            throw SystemError(call: "connect \(path)")
        }
    }

    deinit {
        close()
    }

    /// Closes this end.
    public func close() {
        guard descriptor >= 0 else { return }
        Socket.close(descriptor)
        descriptor = -1
    }

    /// Listens at a path for processes of this user, in the stead of one that is gone.
    ///
    /// Only where nothing else may listen there at the same time.
    public static func listen(at path: String) throws(SystemError) -> Int32 {
        let address = try address(path)
        let descriptor = try socket()
        unsafe unlink(path)
        let isOpen =
            unsafe address.withSockaddr { unsafe bind(descriptor, $0, $1) } == 0
            && chmod(path, 0o600) == 0 && Glibc.listen(descriptor, 16) == 0
        guard isOpen else {
            let error = SystemError(call: "bind \(path)")
            Socket.close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func address(_ path: String) throws(SystemError) -> SocketAddress {
        let whole =
            path.hasPrefix("/") ? path : unsafe String(cString: getcwd(nil, 0)) + "/" + path
        guard let address = SocketAddress("unix:\(whole)") else {
            throw SystemError(call: "bind \(path)", code: ENAMETOOLONG)
        }
        return address
    }

    private static func socket() throws(SystemError) -> Int32 {
        let kind = SOCK_SEQPACKET.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = Glibc.socket(AF_UNIX, Int32(kind), 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket") }
        return descriptor
    }

    /// The process at the other end, as the kernel knows it; nil where it does not say.
    public var peer: (process: Int32, user: UInt32)? {
        var (process, user) = (pid_t(0), uid_t(0))
        guard unsafe clinux_peer(descriptor, &process, &user) == 0 else { return nil }
        return (process, user)
    }

    /// Sends a message; the descriptors stay this process's, too.
    ///
    /// `isAwaited`: whether to wait for a receiver that has not taken what was sent before.
    public func send(_ message: Message, isAwaited: Bool = true) throws(SystemError) {
        let bytes = Array(message.text.utf8)
        while true {
            let count = unsafe clinux_send(
                descriptor, bytes, bytes.count, message.descriptors, message.descriptors.count)
            if count >= 0 { return }
            guard
                errno == EINTR
                    || isAwaited && errno == EAGAIN && wait(Int16(POLLOUT), Self.sendTime)
            else { throw SystemError(call: "sendmsg") }
        }
    }

    /// Receives a message, if there is one.
    public func receive() -> Reception {
        guard descriptor >= 0 else { return .closed }
        var descriptors = [Int32](repeating: -1, count: Self.descriptorsMax)
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        var descriptorCount = 0
        while true {
            let count = unsafe clinux_receive(
                descriptor, &bytes, bytes.count, &descriptors, &descriptorCount)
            if count > 0 {
                let text = String(decoding: bytes.prefix(count), as: UTF8.self)
                return .message(Message(text, Array(descriptors.prefix(descriptorCount))))
            }
            if count == 0 { return .closed }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .nothing : .closed
        }
    }

    /// Waits for a message; nil where the other end is closed, or the time has passed.
    public func receive(within time: Interval) -> Message? {
        let end = Instant.now() + time
        while true {
            switch receive() {
            case .message(let message): return message
            case .closed: return nil
            case .nothing:
                let left = end - Instant.now()
                guard left > .zero,
                    wait(Int16(POLLIN), Int32(clamping: left.millisecondsRoundedUp))
                else { return nil }
            }
        }
    }

    private func wait(_ events: Int16, _ milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            let count = unsafe poll(&entry, 1, milliseconds)
            if count >= 0 || errno != EINTR { return count > 0 }
        }
    }
}

@available(*, unavailable)
extension MessageChannel: Sendable {}
