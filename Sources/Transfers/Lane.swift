import CCurl
import ExchangeCore
import Primitives
import Reactor

/// One libcurl multi handle with a bounded number of transfers.
///
/// libcurl walks a multi's connections whenever a transfer is added or removed, so that one multi
/// with 2,000 open streams makes every request five times as dear. A worker therefore keeps many
/// small ones, and touches a lane only when it has an event.
@safe
final class Lane: DescriptorHandler, TimerHandler {
    /// Transfers in flight at most.
    static let transfersMax = 64
    /// Connections kept at most.
    ///
    /// libcurl counts those in use too, and thrashes when it is below them.
    private static let connectionsMax = 2 * transfersMax
    /// Calls in which a tunnel sends what its client has sent in a turn.
    private static let sendingsAtOnceMax = 4

    unowned let lanes: Lanes
    let loop: EventLoop
    private let multi: UnsafeMutableRawPointer
    /// By the indexes of their origins; as many as were needed so far.
    private var pools: ContiguousArray<ConnectionPool?> = []
    /// Transfers in flight: held here until libcurl has let go of them.
    private var transfers: ContiguousArray<Transfer> = []
    private(set) var timer: TimerWheel.Timer?
    /// Whether libcurl asked to be called again at once.
    var isDue = false
    /// Transfers in flight.
    private(set) var activeCount = 0
    private(set) var lastUsed: Instant

    init?(lanes: Lanes) {
        guard let multi = unsafe curl_multi_init() else { return nil }
        unsafe self.multi = unsafe multi
        self.lanes = lanes
        loop = lanes.loop
        lastUsed = loop.now
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe ccurl_multi_set_socket(multi, socketChanged, context)
        unsafe ccurl_multi_set_timer(multi, timerChanged, context)
        unsafe ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.connectionsMax)
        unsafe ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        timer = loop.timers.create(self)
    }

    /// Closes the lane's connections and gives its memory back.
    ///
    /// No transfer may be in flight.
    func close() {
        precondition(activeCount == 0)
        // Socket callbacks still come from in here.
        unsafe curl_multi_cleanup(multi)
        if let timer { loop.timers.destroy(timer) }
        timer = nil
    }

    /// Has the connections in use close as their transfers end.
    func forbidReuse() {
        for transfer in transfers { transfer.forbidReuse() }
    }

    /// Sockets open, in use or not.
    var openCount: Int { pools.reduce(0) { $0 + ($1?.descriptors.count ?? 0) } }

    func pool(for endpoint: Endpoint) -> ConnectionPool {
        while pools.count <= endpoint.index { pools.append(nil) }
        if let pool = pools[endpoint.index] { return pool }
        let pool = ConnectionPool(lane: self)
        pools[endpoint.index] = pool
        return pool
    }

    func idleCount(for endpoint: Endpoint) -> Int {
        endpoint.index < pools.count ? pools[endpoint.index]?.idleCount ?? 0 : 0
    }

    func add(_ transfer: Transfer) -> CURLMcode {
        lastUsed = loop.now
        let code = unsafe curl_multi_add_handle(multi, transfer.easy)
        guard code == CURLM_OK else { return code }
        transfer.laneSlot = transfers.count
        transfers.append(transfer)
        activeCount += 1
        transfer.pool?.activeCount += 1
        lanes.markDue(self)
        return code
    }

    /// Takes a transfer out of libcurl; one that is not complete loses its connection.
    func remove(_ transfer: Transfer) {
        lastUsed = loop.now
        unsafe curl_multi_remove_handle(multi, transfer.easy)
        // The last moves to the slot of the one that leaves.
        let slot = transfer.laneSlot
        transfers.swapAt(slot, transfers.count - 1)
        transfers[slot].laneSlot = slot
        transfers.removeLast()
        activeCount -= 1
        transfer.pool?.activeCount -= 1
    }

    /// The transfer in flight whose request was sent on a socket.
    func transfer(on descriptor: Int32) -> Transfer? {
        transfers.first { $0.descriptor == descriptor }
    }

    /// Lets libcurl work on what is due and reports the transfers that ended.
    func runTimers() {
        isDue = false
        var running: Int32 = 0
        unsafe curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
        if Int(running) < activeCount { drain() }
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        guard lanes.isWanted(descriptor) else {
            // On a pooled connection libcurl may have seen the vendor's end before it ever said
            // that it reads.
            if let tunnel = transfer(on: descriptor) { lanes.stoppedReading(tunnel) }
            return lanes.unwantedEvent(descriptor)
        }
        if readiness.contains(.write), let tunnel = transfer(on: descriptor), tunnel.isOpenTunnel {
            return tunnelReady(tunnel, readiness)
        }
        // Never CSELECT_ERR: libcurl would fail the transfer for an error event that may be stale.
        // A read gives the true reason.
        var bits: Int32 = 0
        if !readiness.isDisjoint(with: [.read, .closed]) { bits |= CURL_CSELECT_IN }
        if readiness.contains(.write) {
            bits |= CURL_CSELECT_OUT
            transfer(on: descriptor)?.sending.socketIsWritable(now: loop.now)
            // An answer may have come since, and its vendor have gone: libcurl must read before it
            // sends, which would fail.
            if bits == CURL_CSELECT_OUT, lanes.isAnswered(descriptor) { bits |= CURL_CSELECT_IN }
        }
        act(on: descriptor, bits)
    }

    /// A tunnel that the kernel took no more from can go on.
    private func tunnelReady(_ tunnel: Transfer, _ readiness: Readiness) {
        if !readiness.isDisjoint(with: [.read, .closed]) {
            act(on: tunnel.descriptor, CURL_CSELECT_IN)
        }
        if tunnel.lane === self { sendAtOnce(tunnel) }
    }

    /// Lets libcurl send what a tunnel's upload has, without waiting for its socket to be writable,
    /// which it nearly always is.
    ///
    /// libcurl sends one buffer a call. It is called until the last buffer was not full, and then
    /// left as it is: it wants to write, and epoll is not asked for that. To have the upload rest
    /// after each frame costs libcurl a third more, and two system calls.
    func sendAtOnce(_ transfer: Transfer) {
        // Over TLS what a vendor has sent before it closed is lost where a send fails.
        var bits = CURL_CSELECT_OUT
        if !transfer.endpoint.isPlain, !transfer.isReceivingPaused { bits |= CURL_CSELECT_IN }
        var calls = 0
        var isOver = false
        repeat {
            transfer.upload.begin()
            transfer.upload.isSending = true
            act(on: transfer.descriptor, bits)
            transfer.upload.isSending = false
            guard transfer.lane === self else { return }
            isOver = transfer.isSendingPaused || transfer.upload.isShort && transfer.hasSentUpload
            bits = CURL_CSELECT_OUT
            calls += 1
        } while !isOver && transfer.hasSentUpload && calls < Self.sendingsAtOnceMax
        guard transfer.upload.isHeldUp == isOver else { return }
        transfer.upload.isHeldUp = !isOver
        lanes.want(transfer.descriptor, transfer.interest, self)
    }

    private func act(on descriptor: Int32, _ bits: Int32) {
        var running: Int32 = 0
        unsafe curl_multi_socket_action(multi, descriptor, bits, &running)
        if Int(running) < activeCount { drain() }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        lanes.markDue(self)
    }

    private func drain() {
        var code = CURLE_OK
        while let easy = unsafe ccurl_multi_next_done(multi, &code) {
            guard let transfer = unsafe Self.transfer(of: easy) else { continue }
            remove(transfer)
            lanes.ended(transfer, CurlCode(code))
        }
    }

    /// The transfer of a handle, through libcurl's private pointer; nil for handles of its own.
    private static func transfer(of easy: UnsafeMutableRawPointer) -> Transfer? {
        guard let context = unsafe ccurl_easy_private(easy) else { return nil }
        return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    func watchSocket(
        _ easy: UnsafeMutableRawPointer?, _ descriptor: Int32, _ what: Int32
    ) {
        let transfer = unsafe easy.flatMap { unsafe Self.transfer(of: $0) }
        assert(
            transfer.map { lanes.isOwn(descriptor, of: $0) || what == CURL_POLL_REMOVE } ?? true,
            "a transfer's connection is another than the one its request was sent on")
        if let transfer, what & CURL_POLL_IN == 0 { lanes.stoppedReading(transfer) }
        let interest: Interest
        switch what {
        case CURL_POLL_IN: interest = .read
        case CURL_POLL_OUT: interest = .write
        case CURL_POLL_INOUT: interest = [.read, .write]
        default:
            transfer?.wanted = []
            return lanes.release(
                descriptor, isPaused: transfer?.isReceivingPaused ?? false, self)
        }
        guard let transfer, transfer.isTunnel else {
            return lanes.want(descriptor, interest, self)
        }
        transfer.wanted = interest
        lanes.want(descriptor, transfer.interest, self)
    }

    func setTimer(_ milliseconds: Int) {
        guard let timer else { return }
        if milliseconds < 0 {
            loop.timers.disarm(timer)
        } else if milliseconds == 0 {
            loop.timers.disarm(timer)
            lanes.markDue(self)
        } else {
            loop.timers.arm(timer, at: loop.now + .milliseconds(Int64(milliseconds)))
        }
    }
}

// Called from inside libcurl: they note what it wants and never call it back. Both always return 0,
// since anything else would fail every transfer of the multi.

private func socketChanged(
    _ easy: UnsafeMutableRawPointer?, _ descriptor: curl_socket_t, _ what: Int32,
    _ context: UnsafeMutableRawPointer?, _ socketContext: UnsafeMutableRawPointer?
) -> Int32 {
    if let context = unsafe context {
        unsafe Unmanaged<Lane>.fromOpaque(context)._withUnsafeGuaranteedRef {
            unsafe $0.watchSocket(easy, descriptor, what)
        }
    }
    return 0
}

private func timerChanged(
    _ multi: UnsafeMutableRawPointer?, _ milliseconds: Int, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    if let context = unsafe context {
        unsafe Unmanaged<Lane>.fromOpaque(context)._withUnsafeGuaranteedRef {
            $0.setTimer(milliseconds)
        }
    }
    return 0
}
