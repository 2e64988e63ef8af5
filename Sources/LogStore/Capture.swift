/// How much of the bodies is kept.
public struct Capture: Equatable, Sendable {
    /// Bytes kept of each body at most.
    public var bytesMax: Int

    /// Bytes kept of a body where only its beginning is wanted.
    public static let headBytes = 4 << 10

    /// Keeps so many bytes of each body.
    public init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// What `[log] capture` and `capture_limit` mean.
    public init(mode: String, limitBytes: Int) {
        switch mode {
        case "none": bytesMax = 0
        case "head": bytesMax = min(Self.headBytes, limitBytes)
        default: bytesMax = limitBytes
        }
    }
}
