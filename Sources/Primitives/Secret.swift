/// A credential: usable where it is sent, redacted wherever it is printed.
public struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let value: String

    /// A secret of this value.
    public init(_ value: String) {
        self.value = value
    }

    /// The value, for the one caller that puts it on the wire.
    public func reveal() -> String {
        value
    }

    /// Never the value.
    public var description: String { "<redacted>" }

    /// Never the value.
    public var debugDescription: String { "<redacted>" }

    /// Never the value: `dump` and interpolation of a structure that holds a secret use mirrors.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}
