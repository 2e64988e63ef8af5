/// What vendors get of the fields in which proxies name the client: `Forwarded` and
/// `X-Forwarded-*`.
public enum ForwardedPolicy: String, Sendable, CaseIterable {
    /// What came, as it came.
    case pass
    /// What came, and this gateway's own client behind it.
    case append
    /// None of them.
    case drop
}
