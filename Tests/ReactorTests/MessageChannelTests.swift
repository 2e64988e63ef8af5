import Glibc
import Primitives
import Testing

@testable import Reactor

@Suite("Channels between processes")
struct MessageChannelTests {
    /// A folder of a test's own, gone with it.
    private final class Folder {
        let path: String

        init() throws {
            var template = Array("/tmp/weir-channel-XXXXXX".utf8CString)
            guard unsafe mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp") }
            path = String(
                decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }

        deinit {
            unsafe unlink("\(path)/channel")
            unsafe rmdir(path)
        }
    }

    /// Both ends of a channel in a folder of its own.
    private static func pair() throws -> (MessageChannel, MessageChannel, Folder) {
        let folder = try Folder()
        let path = "\(folder.path)/channel"
        let listener = try MessageChannel.listen(at: path)
        defer { Socket.close(listener) }
        var status = stat()
        #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let one = try MessageChannel(to: path)
        let other = try #require(MessageChannel(acceptedFrom: listener))
        return (one, other, folder)
    }

    private static func next(_ channel: MessageChannel) -> MessageChannel.Message? {
        channel.receive(within: .seconds(60))
    }

    @Test("messages stay whole and in order, with their descriptors")
    func messages() throws {
        let (one, other, folder) = try Self.pair()
        #expect(other.peer?.process == getpid() && other.peer?.user == geteuid())
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        try one.send(.init("first\nline", [ends[1]]))
        try one.send(.init("second"))
        let first = try #require(Self.next(other))
        #expect(first.text == "first\nline" && first.descriptors.count == 1)
        #expect(Self.next(other)?.text == "second")
        guard case .nothing = other.receive() else {
            Issue.record("a message that was not sent")
            return
        }
        // What came is the pipe itself, and no program inherits it.
        #expect(fcntl(first.descriptors[0], F_GETFD) & FD_CLOEXEC != 0)
        Socket.close(ends[1])
        var byte: UInt8 = 7
        #expect(unsafe write(first.descriptors[0], &byte, 1) == 1)
        var seen: UInt8 = 0
        #expect(unsafe read(ends[0], &seen, 1) == 1 && seen == 7)
        for descriptor in [ends[0], first.descriptors[0]] { Socket.close(descriptor) }
        one.close()
        guard case .closed = other.receive() else {
            Issue.record("a channel without another end")
            return
        }
        withExtendedLifetime(folder) {}
    }

    @Test("as many descriptors as the kernel takes go with one message, and no more")
    func many() throws {
        let (one, other, folder) = try Self.pair()
        let copies = try (0..<MessageChannel.descriptorsMax).map { _ in try Socket.duplicate(0) }
        try one.send(.init("all", copies))
        let message = try #require(Self.next(other))
        #expect(message.descriptors.count == copies.count)
        #expect(throws: SystemError.self) { try one.send(.init("more", copies + [0])) }
        for descriptor in copies + message.descriptors { Socket.close(descriptor) }
        withExtendedLifetime(folder) {}
    }

    @Test("a path that a process left is taken over, one that is too long is refused")
    func paths() throws {
        let folder = try Folder()
        let path = "\(folder.path)/channel"
        let first = try MessageChannel.listen(at: path)
        Socket.close(first)
        #expect(throws: SystemError.self) { try MessageChannel(to: path) }
        let second = try MessageChannel.listen(at: path)
        _ = try MessageChannel(to: path)
        Socket.close(second)
        #expect(throws: SystemError.self) {
            try MessageChannel.listen(at: folder.path + "/" + String(repeating: "x", count: 120))
        }
    }
}
