import Primitives

/// The header fields that mean something to a gateway; all others are passed on unread.
public enum HeaderName: UInt8, Sendable {
    case other
    case accept
    case accessControlRequestMethod
    /// Any other `anthropic-…`.
    case anthropicOther
    case anthropicVersion
    case apiKey
    case authorization
    case connection
    case contentEncoding
    case contentLength
    case contentType
    case expect
    case host
    /// The settings of an HTTP/2 that is offered beside `Upgrade: h2c`.
    case http2Settings
    case keepAlive
    case origin
    case proxyAuthenticate
    case proxyAuthorization
    case proxyConnection
    case te
    case trailer
    case transferEncoding
    case upgrade
    /// The gateway's own: the key by which a client shows who it is.
    case weirKey
    case xAPIKey
    case xGoogAPIClient
    case xGoogAPIKey
    /// A credential of some other kind: a cookie, a token of a proxy's.
    case otherCredential
    /// What a proxy in front of the gateway says about who the caller is.
    case edgeCredential

    /// The name that bytes spell, in any case.
    public init(_ bytes: Span<UInt8>) {
        let name = Self.recognise(bytes)
        self = name == .other ? CredentialWords.name(bytes) : name
    }

    /// Whether a field concerns one connection only and is never passed on (RFC 9110, 7.6.1).
    public var isHopByHop: Bool {
        switch self {
        case .connection, .http2Settings, .keepAlive, .proxyAuthenticate, .proxyAuthorization,
            .proxyConnection, .te, .trailer, .transferEncoding, .upgrade:
            true
        default:
            false
        }
    }

    /// Whether a field carries a credential of any kind.
    ///
    /// The one definition: such a field is never written down, and goes to no vendor together with
    /// a credential of ours.
    public var isCredential: Bool {
        switch self {
        case .apiKey, .authorization, .xAPIKey, .xGoogAPIKey, .proxyAuthorization, .weirKey,
            .otherCredential, .edgeCredential:
            true
        default: false
        }
    }

    /// Whether a field is one in which vendors expect the caller's credential.
    public var isVendorCredential: Bool {
        switch self {
        case .apiKey, .authorization, .xAPIKey, .xGoogAPIKey: true
        default: false
        }
    }

    // By length first: nearly every field of a real request is settled without comparing a letter.
    private static func recognise(_ name: Span<UInt8>) -> HeaderName {
        switch name.count {
        case 2: pick(name, ("te", .te))
        case 4: pick(name, ("host", .host))
        case 6: pick(name, ("accept", .accept), ("expect", .expect), ("origin", .origin))
        case 7: pick(name, ("api-key", .apiKey), ("upgrade", .upgrade), ("trailer", .trailer))
        case 9: pick(name, ("x-api-key", .xAPIKey))
        case 10:
            pick(
                name, ("connection", .connection), ("keep-alive", .keepAlive),
                ("x-weir-key", .weirKey))
        case 12: pick(name, ("content-type", .contentType))
        case 13: pick(name, ("authorization", .authorization))
        case 14:
            pick(
                name, ("content-length", .contentLength), ("x-goog-api-key", .xGoogAPIKey),
                ("http2-settings", .http2Settings))
        case 16:
            pick(
                name, ("content-encoding", .contentEncoding),
                ("proxy-connection", .proxyConnection))
        case 17:
            pick(
                name, ("transfer-encoding", .transferEncoding),
                ("anthropic-version", .anthropicVersion), ("x-goog-api-client", .xGoogAPIClient)
            )
        case 18: pick(name, ("proxy-authenticate", .proxyAuthenticate))
        case 19: pick(name, ("proxy-authorization", .proxyAuthorization))
        case 29: pick(name, ("access-control-request-method", .accessControlRequestMethod))
        default: .other
        }
    }

    private static func pick(
        _ name: Span<UInt8>,
        _ first: (StaticString, HeaderName),
        _ second: (StaticString, HeaderName)? = nil,
        _ third: (StaticString, HeaderName)? = nil
    ) -> HeaderName {
        if name.matchesIgnoringCase(first.0) { return first.1 }
        if let second, name.matchesIgnoringCase(second.0) { return second.1 }
        if let third, name.matchesIgnoringCase(third.0) { return third.1 }
        return .other
    }
}

/// Where a field's name and value stand in the buffer that holds a head.
public struct HeaderField: Sendable {
    /// What the name means.
    public var name: HeaderName
    var nameStart: UInt32
    var nameEnd: UInt32
    var valueStart: UInt32
    var valueEnd: UInt32

    var nameRange: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    var valueRange: Range<Int> { Int(valueStart)..<Int(valueEnd) }
}
