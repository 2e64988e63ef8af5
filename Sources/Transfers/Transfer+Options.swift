import CCurl
import Cryptography
import ExchangeCore
import Glibc
public import HTTP
public import Primitives
import Reactor

// The option set. All that libcurl would decide by itself is switched off or fixed here: proxies
// from the environment, redirects, protocols, HTTP/2, certificates' folder, signals, 100-continue.
// What varies with the request is set anew by `prepare`, every time.
extension Transfer {
    /// Read buffer of a connection, and so the largest piece of a body handed over at once.
    static let readBytes = 16 << 10
    /// Idle connections older than this are not used again: below the 60 s of common load
    /// balancers.
    private static let idleSecondsMax = 50
    /// Connections older than this are not used again, so that changes of DNS are followed.
    private static let lifetimeSecondsMax = 900

    /// A refused option is a fault of ours, or a libcurl that is not the one we know.
    private func expect(_ code: CURLcode, _ option: CURLoption) {
        precondition(
            code == CURLE_OK,
            "curl_easy_setopt(\(option.rawValue)): \(CurlCode(code).explained)")
    }

    private func set(_ option: CURLoption, _ value: Int) {
        let code = unsafe ccurl_easy_set_long(easy, option, value)
        expect(code, option)
    }

    private func set(_ option: CURLoption, _ value: String?) {
        let code = unsafe ccurl_easy_set_string(easy, option, value)
        expect(code, option)
    }

    private func set(_ option: CURLoption, pointer: UnsafeRawPointer?) {
        let code = unsafe ccurl_easy_set_pointer(easy, option, pointer)
        expect(code, option)
    }

    /// Sets what is the same for every request to the endpoint.
    func configure(errorText: UnsafeMutablePointer<CChar>) {
        let context = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        set(CURLOPT_NOSIGNAL, 1)
        // Removing a handle during a lookup would wait for the resolver otherwise.
        set(CURLOPT_QUICK_EXIT, 1)
        configureProxy()
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_BUFFERSIZE, Self.readBytes)
        // Bodies come as they were framed: libcurl would hide what follows their last chunk.
        set(CURLOPT_HTTP_TRANSFER_DECODING, 0)
        // A folder of certificates, Debian's default, would switch the store's cache off; the
        // store itself is ours, see TrustStore.
        set(CURLOPT_CAPATH, String?.none)
        set(CURLOPT_CAINFO, String?.none)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let trust = endpoint.trust {
            unsafe ccurl_easy_set_tls_context(easy, installTrust)
            unsafe set(CURLOPT_SSL_CTX_DATA, pointer: trust.address)
        }
        set(CURLOPT_MAXAGE_CONN, Self.idleSecondsMax)
        set(CURLOPT_MAXLIFETIME_CONN, Self.lifetimeSecondsMax)
        // A peer that is gone is found by these alone. TCP_USER_TIMEOUT would also end a connection
        // whose peer lives and takes nothing for a while, which a direct call survives.
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_TCP_KEEPIDLE, Int(Socket.keepAliveIdleSeconds))
        set(CURLOPT_TCP_KEEPINTVL, Int(Socket.keepAliveIntervalSeconds))
        unsafe set(CURLOPT_CURLU, pointer: UnsafeRawPointer(endpoint.url))
        unsafe ccurl_easy_set_data_function(easy, CURLOPT_WRITEFUNCTION, receiveBody)
        unsafe set(CURLOPT_WRITEDATA, pointer: context)
        unsafe ccurl_easy_set_data_function(easy, CURLOPT_HEADERFUNCTION, receiveHeader)
        unsafe set(CURLOPT_HEADERDATA, pointer: context)
        unsafe ccurl_easy_set_prerequest(easy, beforeSending)
        unsafe set(CURLOPT_PREREQDATA, pointer: context)
        unsafe ccurl_easy_set_open_socket(easy, openSocket)
        unsafe set(CURLOPT_OPENSOCKETDATA, pointer: context)
        unsafe ccurl_easy_set_close_socket(easy, closeSocket)
        unsafe set(CURLOPT_PRIVATE, pointer: context)
        unsafe set(CURLOPT_ERRORBUFFER, pointer: errorText)
    }

    /// Names the endpoint's proxy, or has the environment's ignored.
    private func configureProxy() {
        guard let proxy = endpoint.proxy else {
            // An empty proxy keeps libcurl from asking the environment for one.
            set(CURLOPT_PROXY, "")
            return set(CURLOPT_NOPROXY, "*")
        }
        set(CURLOPT_PROXY, proxy.url)
        // An empty list keeps libcurl from asking the environment for exceptions.
        set(CURLOPT_NOPROXY, "")
        set(CURLOPT_PROXYUSERNAME, proxy.user?.reveal())
        set(CURLOPT_PROXYPASSWORD, proxy.password?.reveal())
        // The head that opens a tunnel is none of a vendor's.
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        set(CURLOPT_PROXY_CAPATH, String?.none)
        set(CURLOPT_PROXY_CAINFO, String?.none)
        set(CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    }

    /// Sets what belongs to this request: target, lines, method and body.
    ///
    public func prepare(method: Method, body: RequestBody, connectTimeout: Interval) {
        if endpoint.proxy != nil, endpoint.origin.scheme == "http" {
            // The proxy makes the request, and must know the vendor.
            var whole = ByteBuffer()
            whole.append(text: endpoint.origin.text)
            whole.append(target.bytes)
            swap(&whole, &target)
        }
        target.append(byte: 0)
        if !target.bytes.equals(knownTarget.bytes) {
            unsafe set(CURLOPT_REQUEST_TARGET, pointer: target.pointer.baseAddress)
            knownTarget.removeAll()
            knownTarget.append(contentsOf: target)
        }
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(connectTimeout.millisecondsRoundedUp))
        var bodyBytes: Int? = 0
        switch body {
        case .none: break
        case .bytes(let kept):
            self.body = kept
            bodyBytes = kept.count
        case .stream(let length): bodyBytes = length
        case .tunnel:
            isTunnel = true
            head.acceptsSwitch = true
        }
        if method == .post, case .bytes(let kept) = body {
            unsafe setBody(kept.pointer)
            isReusable = true
        } else {
            prepareUnusual(method: method, body: body)
        }
        hasBody = bodyBytes != 0
        if isTunnel || !method.leavesConnectionUsable(hasBody: hasBody) { forbidReuse() }
        unsafe set(
            CURLOPT_HTTPHEADER,
            pointer: isTunnel ? headers.linkedForTunnel() : headers.linked(bodyBytes: bodyBytes))
    }

    private func setBody(_ bytes: UnsafeRawBufferPointer) {
        set(CURLOPT_POST, 1)
        unsafe ccurl_easy_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
        // Without an address libcurl would ask the read callback, even for no bytes at all.
        if let address = bytes.baseAddress {
            unsafe set(CURLOPT_POSTFIELDS, pointer: address)
        } else {
            unsafe set(CURLOPT_POSTFIELDS, pointer: errorTextAddress)
        }
        // Larger bodies leave in pieces of this size, one per writable event.
        set(CURLOPT_UPLOAD_BUFFERSIZE, bytes.count <= 64 << 10 ? 16 << 10 : 256 << 10)
    }

    // Handles that sent anything but a plain POST are not used again: each of these options would
    // have to be undone exactly. Tunnels' serve other tunnels, for which all of them are the same.
    private func prepareUnusual(method: Method, body: RequestBody) {
        switch body {
        case .none where method == .head:
            set(CURLOPT_NOBODY, 1)
            return
        case .none:
            if method == .post {
                return unsafe setBody(UnsafeRawBufferPointer(start: nil, count: 0))
            }
            set(CURLOPT_HTTPGET, 1)
        case .bytes(let kept):
            unsafe setBody(kept.pointer)
        case .tunnel:
            return prepareTunnel()
        case .stream(let length):
            let context = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
            set(CURLOPT_POST, 1)
            unsafe set(CURLOPT_POSTFIELDS, pointer: nil)
            unsafe ccurl_easy_set_offset(
                easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(length ?? -1)
            )
            unsafe ccurl_easy_set_data_function(easy, CURLOPT_READFUNCTION, sendBody)
            unsafe set(CURLOPT_READDATA, pointer: context)
            set(CURLOPT_UPLOAD_BUFFERSIZE, 64 << 10)
        // Of an unknown length libcurl makes chunks, and says so, by itself.
        }
        var hasBody = true
        if case .none = body { hasBody = false }
        switch method {
        case .post: break
        case .head: set(CURLOPT_NOBODY, 1)
        case .get where !hasBody: break
        case .get, .other: set(CURLOPT_CUSTOMREQUEST, method.name)
        }
    }

    /// Makes a request that libcurl takes for an upload without an end, and without any framing.
    ///
    /// libcurl asks for its bytes once before the vendor has answered, and must be given none then.
    private func prepareTunnel() {
        let context = unsafe UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        set(CURLOPT_UPLOAD, 1)
        set(CURLOPT_CUSTOMREQUEST, Method.get.name)
        unsafe ccurl_easy_set_data_function(easy, CURLOPT_READFUNCTION, sendBody)
        unsafe set(CURLOPT_READDATA, pointer: context)
        // Both are kept for as long as the tunnel lives. The first is the least that libcurl takes.
        set(CURLOPT_UPLOAD_BUFFERSIZE, 16 << 10)
        set(CURLOPT_BUFFERSIZE, 8 << 10)
    }

    /// Has the connection close at the transfer's end, which is when libcurl asks.
    ///
    /// A handle with this option is not used again.
    func forbidReuse() {
        isReusable = false
        set(CURLOPT_FORBID_REUSE, 1)
    }

    /// Has the connection close at the transfer's end if the head that came leaves it open whether
    /// more bytes follow, which would be taken for the next request's answer.
    ///
    /// Called from inside libcurl.
    func forbidReuseIfUnsafe() {
        // A server that refuses a request before it has read its body may take that body for the
        // next request. Over TLS such servers were not met, and a new handshake is dear.
        let mayHaveUnreadBody = hasBody && head.status >= 300 && endpoint.origin.scheme == "http"
        // A body that must not be there comes a moment later, and nothing shows it before.
        let mayBringBody = head.status == 204 || head.status == 304
        if mayHaveUnreadBody || mayBringBody || head.announcesForbiddenBody { forbidReuse() }
    }

    /// Sets what belongs to the lane the transfer was given to.
    func attach(to lane: Lane, pool: ConnectionPool, share: UnsafeMutableRawPointer?) {
        let poolContext = unsafe UnsafeRawPointer(Unmanaged.passUnretained(pool).toOpaque())
        unsafe set(CURLOPT_CLOSESOCKETDATA, pointer: poolContext)
        unsafe set(CURLOPT_SHARE, pointer: share)
        set(CURLOPT_FRESH_CONNECT, needsFreshConnection ? 1 : 0)
        // A late attempt trusts the authorities of its time: it leaves no connection to those that
        // come after, as it takes no session from the share. Such a handle is not used again.
        if endpoint.isRetired { forbidReuse() }
        resolution = endpoint.resolution(
            for: pool, isFresh: needsFreshConnection, now: lane.loop.now)
        let list = unsafe resolution.flatMap { unsafe $0.list }
        unsafe set(CURLOPT_RESOLVE, pointer: UnsafeRawPointer(list))
        self.lane = lane
        self.pool = pool
    }
}

// Called by libcurl when it makes the TLS context of a connection.
func installTrust(
    _ easy: UnsafeMutableRawPointer?, _ context: UnsafeMutableRawPointer?,
    _ store: UnsafeMutableRawPointer?
) -> CURLcode {
    guard let context = unsafe context, let store = unsafe store else {
        return CURLE_ABORTED_BY_CALLBACK
    }
    unsafe TrustStore.install(store, in: context)
    return CURLE_OK
}
