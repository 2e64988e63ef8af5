/// What a client has to show to be let in.
public struct RequiredCredentials: Equatable, Sendable {
    /// Whether a key, or a token of the issuer's.
    public var isKey: Bool
    /// Whether a certificate of the clients' authorities; a key will do as well.
    public var isCertificate: Bool

    /// A demand for these.
    public init(isKey: Bool = false, isCertificate: Bool = false) {
        self.isKey = isKey
        self.isCertificate = isCertificate
    }

    /// Whether anything is asked for.
    public var isAny: Bool { isKey || isCertificate }
}
