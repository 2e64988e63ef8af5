import CCurl
import ExchangeCore
public import HTTP
public import Primitives
import Reactor

/// One libcurl easy handle: one request in flight, or a configured handle at rest.
@safe
public final class Transfer {
    let easy: UnsafeMutableRawPointer
    let endpoint: Endpoint
    private let errorText: UnsafeMutablePointer<CChar>

    /// The request's header lines.
    public var headers = HeaderList()
    /// The request target, without its terminating NUL.
    public var target = ByteBuffer()
    /// The response head.
    public internal(set) var head = ResponseHead()
    /// The observer of the transfer; held until it has ended.
    var follower = Follower()

    /// When libcurl began to send the request.
    public internal(set) var sentAt: Instant?
    /// Whether the client's slowness holds the response back.
    public internal(set) var isReceivingPaused = false
    /// Whether the upload waits for more bytes.
    public internal(set) var isSendingPaused = false

    var lane: Lane?
    /// The transfer's index among those of its lane.
    var laneSlot = 0
    var pool: ConnectionPool?
    /// The socket its request was sent on; -1 until then.
    var descriptor: Int32 = -1
    /// Sockets that libcurl opened for it and that were no connections so far.
    var connecting: ContiguousArray<Int32> = []
    /// Addresses that were tried for it, where its host's name has several.
    var triedAddresses = TriedAddresses()
    var sendings = 0
    /// When the request was sent, and when its connection ended under it.
    var sending = SendingTimes()
    /// Whether the pooled connection had bytes or an end to read before the request was sent.
    var foundSurplus = false
    /// The request target that libcurl was last given and has copied: most requests to an
    /// endpoint ask for the same one.
    var knownTarget = ByteBuffer()
    /// Whether a socket could not be opened because the process has no room for one.
    var lacksDescriptors = false
    /// Whether the request asks for a WebSocket.
    var isTunnel = false
    /// What libcurl was given for a tunnel's vendor.
    var upload = TunnelUpload()
    /// What libcurl waits for on a tunnel's socket.
    var wanted: Interest = []
    /// Whether the request has a body of at least a byte.
    var hasBody = false
    /// The body where it is in memory: libcurl borrows it until the transfer ends.
    var body: KeptBody?
    /// Set for the one retry on a connection that is surely fresh.
    public var needsFreshConnection = false
    /// Whether the handle carries only what every transfer of its endpoint sets anew.
    var isReusable = false
    var resolution: Endpoint.Resolution?
    /// Bytes of an answer that libcurl left unread, see ``takeUnread(_:)``.
    var unread = ByteBuffer()
    private var chunks = ChunkDecoder()

    init?(endpoint: Endpoint) {
        guard let easy = unsafe curl_easy_init() else { return nil }
        unsafe self.easy = unsafe easy
        self.endpoint = endpoint
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        unsafe configure(errorText: errorText)
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe errorText.deallocate()
    }

    /// Changes the response head, once it is whole.
    public func changeHead(_ change: (inout ResponseHead) -> Void) {
        change(&head)
    }

    /// An address that is never read: libcurl wants one even for a body of no bytes.
    var errorTextAddress: UnsafeRawPointer { unsafe UnsafeRawPointer(errorText) }

    /// Lets go of a body that has left for the kernel to its end, although libcurl still knows its
    /// address; false where some of it may still be read.
    public func releaseSentBody() -> Bool {
        guard let body, body.count > 0 else { return false }
        let sent = unsafe ccurl_easy_info_offset(easy, CURLINFO_SIZE_UPLOAD_T)
        guard sent >= Int64(body.count) else { return false }
        self.body = nil
        return true
    }

    /// Whether the transfer is a tunnel that the vendor has opened.
    var isOpenTunnel: Bool { isTunnel && head.isComplete && head.switchesProtocol }

    /// Takes bytes of a chunked body as the vendor sent them, and hands its data on, a piece for
    /// each chunk.
    func takeChunks(_ bytes: Span<UInt8>) {
        var offset = 0
        while let piece = chunks.next(in: bytes, from: &offset) {
            follower.take(bytes.extracting(piece), of: self)
        }
        // More of what follows may come later, and would pass for the next request's answer.
        if chunks.surplusBytes > 0 { forbidReuse() }
    }

    func result(_ code: CurlCode) -> TransferResult {
        var code = code
        // libcurl follows the framing by itself. Should the two ever differ, a body is whole only
        // if both say so.
        if code == .ok, chunks.hasBegun, !chunks.isComplete { code = .partialFile }
        return TransferResult(
            code: code, wasSent: sendings > 0, sawResponse: !head.isEmpty,
            wasStale: foundSurplus
                || (sendings > 1 || code == .sendFailedRewind || wasLeftOnPooled)
                    && sending.endedAtOnce(lane?.lanes),
            isStarved: code == .couldNotConnect && lacksDescriptors,
            detail: code == .ok ? "" : unsafe String(cString: errorText)
        )
    }

    /// Whether a tunnel's vendor has closed a pooled connection instead of an answer: another
    /// request libcurl would have sent again.
    private var wasLeftOnPooled: Bool { upload.isOver && isAskedTunnel && sending.isOnPooled }

    /// Forgets the exchange before this one.
    func clear() {
        // libcurl may have been let go before it read the addresses: the next request brings them.
        if resolution != nil, sendings == 0 { pool?.resolvedGeneration = -1 }
        head.reset()
        headers.removeAll()
        target.removeAll()
        sentAt = nil
        isReceivingPaused = false
        isSendingPaused = false
        needsFreshConnection = false
        isReusable = false
        sendings = 0
        sending = SendingTimes()
        foundSurplus = false
        hasBody = false
        isTunnel = false
        upload = TunnelUpload()
        wanted = []
        head.acceptsSwitch = false
        lacksDescriptors = false
        body = nil
        chunks = ChunkDecoder()
        unread.release()
        descriptor = -1
        connecting.removeAll()
        triedAddresses.removeAll()
        unsafe errorText.pointee = 0
        follower = Follower()
        lane = nil
        pool = nil
        resolution = nil
    }
}

@available(*, unavailable)
extension Transfer: Sendable {}
