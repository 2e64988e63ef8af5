import CLinux
import Glibc

/// A system call that failed, with the kernel's reason.
public struct SystemError: Error, CustomStringConvertible {
    /// The call, by the name of its manual page.
    public let call: String
    /// `errno` after it.
    public let code: Int32

    /// The error of the call just made on this thread.
    public init(call: String) {
        self.init(call: call, code: errno)
    }

    /// The error of a call and the number it left.
    public init(call: String, code: Int32) {
        self.call = call
        self.code = code
    }

    /// The call, the reason in words and its number.
    public var description: String {
        "\(call): \(unsafe String(cString: strerror(code))) (errno \(code))"
    }
}
