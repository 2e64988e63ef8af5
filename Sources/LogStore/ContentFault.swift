/// Why something that a record kept cannot be read any more.
public struct ContentFault: Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: String, Sendable {
        /// Its segment was taken away, to keep to `max_size`.
        case gone = "gone"
        /// Its bytes are not those that were written.
        case damaged = "damaged"
    }

    /// What is wrong.
    public var reason: Reason
    /// The segment's number.
    public var segment: UInt64
    /// The offset of the entry in it.
    public var offset: Int
    /// What the entry held: `request_body` and the like; empty where the whole segment is gone.
    public var part: String

    /// What cannot be read, and where it was.
    public var description: String {
        switch reason {
        case .gone: "segment \(segment) is gone, and with it fields and bodies"
        case .damaged: "\(part) is damaged: segment \(segment), offset \(offset)"
        }
    }
}
