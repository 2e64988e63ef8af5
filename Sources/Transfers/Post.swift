import CCurl
public import Cryptography
public import ExchangeCore
public import Primitives

/// Sends bodies to one server and waits for its answer: for threads that may wait, never for a
/// worker.
///
/// The connection is kept between two. Proxies from the environment, redirects and the folder of
/// certificates are off, as for every transfer.
@safe
public final class Post {
    /// What the server answered.
    public struct Answer: Sendable {
        /// The status.
        public var status: Int
        /// The beginning of the body.
        public var body: [UInt8]
        /// Seconds that it asks to wait before the next body; nil without a wish.
        public var retryAfterSeconds: Int?

        /// An answer of these parts.
        public init(status: Int, body: [UInt8], retryAfterSeconds: Int? = nil) {
            self.status = status
            self.body = body
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    /// Why there is no answer.
    public struct Failure: Error, CustomStringConvertible {
        /// libcurl's result.
        public let code: CurlCode
        /// What it says of it.
        public let detail: String

        /// Both.
        public var description: String {
            detail.isEmpty ? code.explained : "\(code.name): \(detail)"
        }
    }

    /// Bytes of an answer that are looked at.
    public let bytesMax: Int

    private let easy: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private let trust: TrustStore?
    private var answer: [UInt8] = []

    /// A way to post; nil where memory is short.
    ///
    /// `trust` holds the authorities for https; with `pins` (see ``KeyPin``) the server has to have
    /// one of these keys instead, whatever its certificate says. `bytesMax` bounds the answers'
    /// bodies.
    public init?(trust: TrustStore?, pins: [String] = [], bytesMax: Int = 64 << 10) {
        self.bytesMax = bytesMax
        guard let easy = unsafe curl_easy_init() else { return nil }
        unsafe self.easy = easy
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.trust = trust
        set(CURLOPT_NOSIGNAL, 1)
        unsafe ccurl_easy_set_string(easy, CURLOPT_PROXY, "")
        unsafe ccurl_easy_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        unsafe ccurl_easy_set_string(easy, CURLOPT_CAPATH, nil)
        unsafe ccurl_easy_set_string(easy, CURLOPT_CAINFO, nil)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let trust {
            unsafe ccurl_easy_set_tls_context(easy, installTrust)
            unsafe ccurl_easy_set_pointer(easy, CURLOPT_SSL_CTX_DATA, trust.address)
        }
        if !pins.isEmpty {
            set(CURLOPT_SSL_VERIFYPEER, 0)
            set(CURLOPT_SSL_VERIFYHOST, 0)
            let list = pins.joined(separator: ";")
            let code = unsafe ccurl_easy_set_string(easy, CURLOPT_PINNEDPUBLICKEY, list)
            // Without pins any server would do.
            precondition(code == CURLE_OK, "CURLOPT_PINNEDPUBLICKEY: \(CurlCode(code).explained)")
        }
        set(CURLOPT_CONNECTTIMEOUT_MS, 5000)
        unsafe ccurl_easy_set_data_function(easy, CURLOPT_WRITEFUNCTION, gatherAnswer)
        unsafe ccurl_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe errorText.deallocate()
    }

    private func set(_ option: CURLoption, _ value: Int) {
        let code = unsafe ccurl_easy_set_long(easy, option, value)
        precondition(
            code == CURLE_OK,
            "curl_easy_setopt(\(option.rawValue)): \(CurlCode(code).explained)")
    }

    /// Asks for what a URL names, and waits for it at most so long.
    ///
    /// The body of the answer ends at ``bytesMax``, and is then not whole.
    public func get(
        _ url: String, fields: [(name: String, value: String)], timeout: Interval
    ) throws(Failure) -> Answer {
        try perform(nil, url, fields, timeout)
    }

    /// Sends a body and waits for the answer, at most so long.
    public func send(
        _ body: [UInt8], to url: String, fields: [(name: String, value: String)],
        timeout: Interval
    ) throws(Failure) -> Answer {
        try perform(body, url, fields, timeout)
    }

    private func perform(
        _ body: [UInt8]?, _ url: String, _ fields: [(name: String, value: String)],
        _ timeout: Interval
    ) throws(Failure) -> Answer {
        var list: UnsafeMutablePointer<curl_slist>?
        // Large bodies are sent without waiting for `100 Continue`.
        unsafe list = curl_slist_append(list, "Expect:")
        for field in fields {
            unsafe list = curl_slist_append(list, "\(field.name): \(field.value)")
        }
        defer { unsafe curl_slist_free_all(list) }
        answer.removeAll(keepingCapacity: true)
        unsafe errorText[0] = 0
        unsafe ccurl_easy_set_string(easy, CURLOPT_URL, url)
        set(CURLOPT_TIMEOUT_MS, Int(timeout.millisecondsRoundedUp))
        unsafe ccurl_easy_set_pointer(easy, CURLOPT_HTTPHEADER, list)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe ccurl_easy_set_pointer(easy, CURLOPT_WRITEDATA, context)
        let code: CURLcode
        if let body {
            set(CURLOPT_POST, 1)
            unsafe ccurl_easy_set_offset(
                easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            code = unsafe body.withUnsafeBytes { bytes in
                // Borrowed by libcurl until the transfer is over, which it is when this returns.
                unsafe ccurl_easy_set_pointer(easy, CURLOPT_POSTFIELDS, bytes.baseAddress)
                return unsafe curl_easy_perform(easy)
            }
        } else {
            set(CURLOPT_HTTPGET, 1)
            code = unsafe curl_easy_perform(easy)
        }
        guard code == CURLE_OK else {
            throw Failure(code: CurlCode(code), detail: unsafe String(cString: errorText))
        }
        let status = unsafe ccurl_easy_info_long(easy, CURLINFO_RESPONSE_CODE)
        let wait = unsafe ccurl_easy_info_offset(easy, CURLINFO_RETRY_AFTER)
        return Answer(
            status: status, body: answer, retryAfterSeconds: wait > 0 ? Int(wait) : nil)
    }

    fileprivate func gather(_ bytes: UnsafeRawBufferPointer) {
        let room = bytesMax - answer.count
        unsafe answer.append(contentsOf: bytes.prefix(max(0, room)))
    }
}

@available(*, unavailable)
extension Post: Sendable {}

private func gatherAnswer(
    _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe context else { return 0 }
    let bytes = unsafe UnsafeRawBufferPointer(start: data, count: size * count)
    unsafe Unmanaged<Post>.fromOpaque(context)._withUnsafeGuaranteedRef { post in
        unsafe post.gather(bytes)
    }
    return size * count
}
