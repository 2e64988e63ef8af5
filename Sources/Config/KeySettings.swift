/// `[keys.NAME]`: a client's key, known by its digest alone, or the subject of its certificate.
public struct KeySettings: Sendable, Equatable {
    /// The key's name, which stands in records and metrics.
    public var name: String
    /// SHA-256 of the key, in hexadecimal digits; two while it is rotated.
    public var digests: [String] = []
    /// The subject of a client's certificate that counts as this key, as RFC 2253 writes it
    /// (`CN=ci,O=Example`); empty for none.
    public var subject = ""
    /// The group that it belongs to; empty for none.
    public var group = ""
    /// From when on it is refused, in microseconds since 1970; nil is never.
    public var expires: Int?
    /// Globs on the chains that it may use.
    public var chains = ["*"]
    /// Globs on the models that it may ask for.
    public var models = ["*"]
    /// Limits of its own, besides those of its groups.
    public var limits = LimitSettings()

    /// A key without a digest.
    public init(name: String) {
        self.name = name
    }
}
