import Glibc
import Reactor

/// The program that started this process and watches over it, where it takes messages: systemd,
/// with `Type=notify`.
@safe
enum Supervisor {
    /// Whether there is one.
    static var isThere: Bool { Environment.variable("NOTIFY_SOCKET") != nil }

    /// Sends it lines such as `READY=1`; nothing without one.
    ///
    /// Returns why that failed; nil where it was sent, or there is none.
    static func notify(_ lines: String) -> SystemError? {
        guard let path = Environment.variable("NOTIFY_SOCKET"), !path.isEmpty else { return nil }
        let kind = SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue
        let descriptor = socket(AF_UNIX, Int32(kind), 0)
        guard descriptor >= 0 else { return SystemError(call: "socket") }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        // A name that is in no folder begins with a zero, and "@" stands for that.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        guard bytes.count < MemoryLayout<sockaddr_un>.size - offset else {
            return SystemError(call: "sendto", code: ENAMETOOLONG)
        }
        unsafe withUnsafeMutableBytes(of: &address) { unsafe $0[offset...].copyBytes(from: bytes) }
        let text = Array(lines.utf8)
        let length = socklen_t(offset + bytes.count)
        let count = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
        return count == text.count ? nil : SystemError(call: "sendto")
    }
}
