import Glibc
public import Reactor

/// Who this process is among the replicas of a gateway.
public struct Replica: Equatable, Sendable {
    /// The name, the same for all processes that use one folder one after the other: what one has
    /// spent, the next goes on with.
    public let name: String
    /// This process alone.
    public let life: String

    /// A replica of these names.
    init(name: String, life: String) {
        self.name = name
        self.life = life
    }

    /// The replica of a folder, which is given a name when it has none.
    public init(folder: String) throws(SystemError) {
        var random = SystemRandomNumberGenerator()
        life = Self.digits(&random)
        let path = "\(folder)/replica"
        let flags = O_RDWR | O_CREAT | O_CLOEXEC
        let descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe max(0, read(descriptor, &bytes, bytes.count))
        let known = String(decoding: bytes.prefix(count).prefix { $0 != 0x0A }, as: UTF8.self)
        guard !Self.isName(known) else {
            name = known
            return
        }
        name = Self.digits(&random)
        let line = Array("\(name)\n".utf8)
        guard ftruncate(descriptor, 0) == 0,
            unsafe pwrite(descriptor, line, line.count, 0) == line.count
        else { throw SystemError(call: "write \(path)") }
    }

    private static func isName(_ text: String) -> Bool {
        text.utf8.count == 16 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
    }

    private static func digits(_ random: inout some RandomNumberGenerator) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let letters = (0..<16).map { _ in digits[Int.random(in: 0..<16, using: &random)] }
        return String(decoding: letters, as: UTF8.self)
    }
}
