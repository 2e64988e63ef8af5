/// What a client has to show to be let in.
public struct RequiredCredentials: Equatable, Sendable {
    /// Whether a key, or a token of the issuer's.
    public var isKey: Bool
    /// Whether a certificate of the clients' authorities; a key will do as well.
    public var isCertificate: Bool
    /// Whether the keys that were made while the gateway ran could not be read: which ones there
    /// are is not known, nor whether one was ever asked for.
    public var isUnread = false

    /// A demand for these.
    public init(isKey: Bool = false, isCertificate: Bool = false) {
        self.isKey = isKey
        self.isCertificate = isCertificate
    }

    /// Whether anything is asked for.
    public var isAny: Bool { isKey || isCertificate }
}
