import CCurl

/// A result of libcurl, under libcurl's own name.
public struct CurlCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number of the `CURLcode`.
    public let rawValue: Int32

    /// The code of this number.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    init(_ code: CURLcode) {
        rawValue = Int32(code.rawValue)
    }

    /// `CURLE_OK`.
    public static let ok = CurlCode(CURLE_OK)
    /// `CURLE_UNSUPPORTED_PROTOCOL`: the answer was no HTTP/1.
    public static let unsupportedProtocol = CurlCode(CURLE_UNSUPPORTED_PROTOCOL)
    /// `CURLE_COULDNT_RESOLVE_HOST`.
    public static let couldNotResolveHost = CurlCode(CURLE_COULDNT_RESOLVE_HOST)
    /// `CURLE_COULDNT_CONNECT`.
    public static let couldNotConnect = CurlCode(CURLE_COULDNT_CONNECT)
    /// `CURLE_WEIRD_SERVER_REPLY`.
    public static let weirdServerReply = CurlCode(CURLE_WEIRD_SERVER_REPLY)
    /// `CURLE_PARTIAL_FILE`: the body ended before its announced or chunked end.
    public static let partialFile = CurlCode(CURLE_PARTIAL_FILE)
    /// `CURLE_WRITE_ERROR`: our own callback refused to go on.
    public static let writeError = CurlCode(CURLE_WRITE_ERROR)
    /// `CURLE_OUT_OF_MEMORY`.
    public static let outOfMemory = CurlCode(CURLE_OUT_OF_MEMORY)
    /// `CURLE_OPERATION_TIMEDOUT`.
    public static let operationTimedOut = CurlCode(CURLE_OPERATION_TIMEDOUT)
    /// `CURLE_SSL_CONNECT_ERROR`.
    public static let sslConnectError = CurlCode(CURLE_SSL_CONNECT_ERROR)
    /// `CURLE_ABORTED_BY_CALLBACK`: our guard refused a second sending.
    public static let abortedByCallback = CurlCode(CURLE_ABORTED_BY_CALLBACK)
    /// `CURLE_GOT_NOTHING`.
    public static let gotNothing = CurlCode(CURLE_GOT_NOTHING)
    /// `CURLE_SEND_ERROR`.
    public static let sendError = CurlCode(CURLE_SEND_ERROR)
    /// `CURLE_RECV_ERROR`.
    public static let receiveError = CurlCode(CURLE_RECV_ERROR)
    /// `CURLE_PEER_FAILED_VERIFICATION`.
    public static let peerFailedVerification = CurlCode(CURLE_PEER_FAILED_VERIFICATION)
    /// `CURLE_SEND_FAIL_REWIND`.
    public static let sendFailedRewind = CurlCode(CURLE_SEND_FAIL_REWIND)

    /// libcurl's symbol, as in its manual; the number where the symbol is not one we met.
    public var name: String {
        Self.names[self] ?? "CURLcode \(rawValue)"
    }

    /// libcurl's symbol and its explanation.
    public var description: String {
        "\(name) (\(unsafe String(cString: curl_easy_strerror(CURLcode(UInt32(rawValue))))))"
    }

    private static let names: [CurlCode: String] = [
        .ok: "CURLE_OK",
        .unsupportedProtocol: "CURLE_UNSUPPORTED_PROTOCOL",
        .couldNotResolveHost: "CURLE_COULDNT_RESOLVE_HOST",
        .couldNotConnect: "CURLE_COULDNT_CONNECT",
        .weirdServerReply: "CURLE_WEIRD_SERVER_REPLY",
        .partialFile: "CURLE_PARTIAL_FILE",
        .writeError: "CURLE_WRITE_ERROR",
        .outOfMemory: "CURLE_OUT_OF_MEMORY",
        .operationTimedOut: "CURLE_OPERATION_TIMEDOUT",
        .sslConnectError: "CURLE_SSL_CONNECT_ERROR",
        .abortedByCallback: "CURLE_ABORTED_BY_CALLBACK",
        .gotNothing: "CURLE_GOT_NOTHING",
        .sendError: "CURLE_SEND_ERROR",
        .receiveError: "CURLE_RECV_ERROR",
        .peerFailedVerification: "CURLE_PEER_FAILED_VERIFICATION",
        .sendFailedRewind: "CURLE_SEND_FAIL_REWIND",
        CurlCode(CURLE_BAD_CONTENT_ENCODING): "CURLE_BAD_CONTENT_ENCODING",
        CurlCode(CURLE_SSL_CERTPROBLEM): "CURLE_SSL_CERTPROBLEM",
        CurlCode(CURLE_SSL_CIPHER): "CURLE_SSL_CIPHER",
        CurlCode(CURLE_URL_MALFORMAT): "CURLE_URL_MALFORMAT",
        CurlCode(CURLE_FAILED_INIT): "CURLE_FAILED_INIT",
    ]
}

/// The library as a whole.
public enum Curl {
    /// Prepares libcurl and OpenSSL.
    ///
    /// Once, in `main`, before any thread is started.
    public static func initialize() -> Bool {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }

    /// libcurl's version and those of the libraries it was built with.
    public static var version: String {
        unsafe String(cString: curl_version())
    }
}
