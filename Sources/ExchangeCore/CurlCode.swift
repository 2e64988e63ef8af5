/// A result of libcurl, under libcurl's own name: its numbers are part of its interface.
public struct CurlCode: RawRepresentable, Hashable, Sendable {
    /// The number of the `CURLcode`.
    public let rawValue: Int32

    /// The code of this number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    private init(_ number: Int32) {
        rawValue = number
    }

    /// `CURLE_OK`.
    public static let ok = CurlCode(0)
    /// `CURLE_COULDNT_RESOLVE_HOST`.
    public static let couldNotResolveHost = CurlCode(6)
    /// `CURLE_COULDNT_CONNECT`.
    public static let couldNotConnect = CurlCode(7)
    /// `CURLE_PARTIAL_FILE`: the body ended before its declared or chunked end.
    public static let partialFile = CurlCode(18)
    /// `CURLE_WRITE_ERROR`: our own callback refused to go on.
    public static let writeError = CurlCode(23)
    /// `CURLE_OUT_OF_MEMORY`.
    public static let outOfMemory = CurlCode(27)
    /// `CURLE_OPERATION_TIMEDOUT`.
    public static let operationTimedOut = CurlCode(28)
    /// `CURLE_SSL_CONNECT_ERROR`.
    public static let sslConnectError = CurlCode(35)
    /// `CURLE_ABORTED_BY_CALLBACK`: our guard refused a second sending.
    public static let abortedByCallback = CurlCode(42)
    /// `CURLE_GOT_NOTHING`.
    public static let gotNothing = CurlCode(52)
    /// `CURLE_SEND_ERROR`.
    public static let sendError = CurlCode(55)
    /// `CURLE_RECV_ERROR`.
    public static let receiveError = CurlCode(56)
    /// `CURLE_PEER_FAILED_VERIFICATION`.
    public static let peerFailedVerification = CurlCode(60)
    /// `CURLE_SEND_FAIL_REWIND`.
    public static let sendFailedRewind = CurlCode(65)

    /// Whether the same request may succeed a moment later.
    ///
    /// A certificate that does not verify, or a bundle of authorities that cannot be read, stays as
    /// it is until an operator changes something.
    public var mayPassByItself: Bool {
        switch rawValue {
        // CURLE_URL_MALFORMAT, CURLE_NOT_BUILT_IN
        case 3, 4: false
        // CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_PEER_FAILED_VERIFICATION,
        // CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH
        case 58, 59, 60, 77, 83, 90: false
        default: true
        }
    }

    /// libcurl's symbol, as in its manual; the number where the symbol is not one we met.
    public var name: String {
        switch rawValue {
        case 0: "CURLE_OK"
        case 1: "CURLE_UNSUPPORTED_PROTOCOL"
        case 2: "CURLE_FAILED_INIT"
        case 3: "CURLE_URL_MALFORMAT"
        case 5: "CURLE_COULDNT_RESOLVE_PROXY"
        case 6: "CURLE_COULDNT_RESOLVE_HOST"
        case 7: "CURLE_COULDNT_CONNECT"
        case 8: "CURLE_WEIRD_SERVER_REPLY"
        case 18: "CURLE_PARTIAL_FILE"
        case 23: "CURLE_WRITE_ERROR"
        case 27: "CURLE_OUT_OF_MEMORY"
        case 28: "CURLE_OPERATION_TIMEDOUT"
        case 35: "CURLE_SSL_CONNECT_ERROR"
        case 42: "CURLE_ABORTED_BY_CALLBACK"
        case 52: "CURLE_GOT_NOTHING"
        case 55: "CURLE_SEND_ERROR"
        case 56: "CURLE_RECV_ERROR"
        case 58: "CURLE_SSL_CERTPROBLEM"
        case 59: "CURLE_SSL_CIPHER"
        case 60: "CURLE_PEER_FAILED_VERIFICATION"
        case 61: "CURLE_BAD_CONTENT_ENCODING"
        case 65: "CURLE_SEND_FAIL_REWIND"
        case 97: "CURLE_PROXY"
        default: "CURLcode \(rawValue)"
        }
    }
}
