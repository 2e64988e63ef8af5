/// Why a request's body cannot be read for what it asks, or changed.
public struct BodyFault: Error, Equatable, Sendable {
    /// What it is that cannot be read.
    public enum Kind: Sendable {
        /// The body itself.
        case content
        /// A content coding that is not undone here.
        case coding
        /// More than is read, or kept, here.
        case size
    }

    /// What it is that cannot be read.
    public let kind: Kind
    /// The reason, in words for people.
    public let reason: String

    /// A fault of this kind.
    public init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// The status of a request that is refused for it.
    public var status: Int {
        switch kind {
        case .content: 400
        case .coding: 415
        case .size: 413
        }
    }
}

extension BodyFault: ExpressibleByStringLiteral {
    /// A fault of the body itself.
    public init(stringLiteral reason: String) {
        self.init(.content, reason)
    }
}
