import CCurl
public import ExchangeCore
import Primitives
public import Reactor

// DESIGN
//
// All of a worker's upstream: its lanes, its handles at rest, and what is known of the sockets that
// libcurl uses. Everything happens on the worker's thread. Calls that may enter libcurl are made
// from the top level of a loop turn, never from inside one of its callbacks.
//
// A socket stays registered with epoll when libcurl loses interest in it, because the next request
// on the connection would register it again: two system calls saved per request. The price is that
// an event may come for a connection at rest. It may be out of date when it is handled:
// earlier in the same turn another transfer may have taken the connection, or read it to its end.
// So an event alone ends nothing. A connection is at rest while no transfer holds it, which
// libcurl's own call before each request shows; and whether a resting one has bytes or an end to
// read is asked of the socket at that moment. If it has, it is emptied and shut down, so that
// libcurl finds it dead when it next looks at it. Left alone, libcurl 7.88 takes a TLS connection
// with an unread close_notify for a live one, and a plain one with surplus bytes, too.
//
// The same is asked once more right before a request goes out on a connection that has served
// another: bytes that came since the last event would be taken for this request's answer.

/// The libcurl multi handles of one worker.
@safe
public final class Lanes {
    /// Lanes without a transfer for this long lose their connections.
    private static let restMax = Interval.seconds(60)
    fileprivate static let sweepPeriod = Interval.seconds(15)

    /// The loop that serves this worker.
    public let loop: EventLoop
    let staleWindow: StaleWindow
    private var share: UnsafeMutableRawPointer?
    private(set) var lanes: ContiguousArray<Lane> = []
    /// Lanes that take no transfer any more, and what sessions their handles may hold.
    private var retiredLanes: ContiguousArray<Lane> = []
    private var mayCloseRetired = false
    private var retiredShares: [UnsafeMutableRawPointer?] = unsafe []
    private(set) var dueLanes: ContiguousArray<Lane> = []
    private var spareDueLanes: ContiguousArray<Lane> = []
    var sockets: ContiguousArray<SocketState> = []
    private var sweeper: Sweeper?
    private var wokenUploads: ContiguousArray<Transfer> = []
    private var filledTunnels: ContiguousArray<Transfer> = []
    private var closedTunnels: ContiguousArray<Transfer> = []

    /// Transfers in flight.
    public private(set) var activeCount = 0

    /// A worker's lanes.
    ///
    /// `staleWindow`: how soon a pooled connection must fail to be taken for one that was dead.
    public init(loop: EventLoop, staleWindow: StaleWindow = StaleWindow()) {
        self.staleWindow = staleWindow
        self.loop = loop
        unsafe share = Self.makeShare()
        sweeper = Sweeper(self)
    }

    /// Without a share 7.88 keeps TLS sessions per easy handle and resumes none of them.
    ///
    /// It is this thread's alone, so it needs no locks.
    private static func makeShare() -> UnsafeMutableRawPointer? {
        let share = unsafe curl_share_init()
        unsafe ccurl_share_set_long(
            share, CURLSHOPT_SHARE, Int(CURL_LOCK_DATA_SSL_SESSION.rawValue))
        return unsafe share
    }

    /// Closes all connections.
    ///
    /// No transfer may be in flight. The lanes are of no use afterwards.
    public func close(endpoints: [Endpoint]) {
        sweeper?.stop()
        sweeper = nil
        for lane in lanes + retiredLanes { lane.close() }
        lanes.removeAll()
        retiredLanes.removeAll()
        // Handles at rest hold the share.
        for endpoint in endpoints { endpoint.retire() }
        unsafe curl_share_cleanup(share)
        unsafe retiredShares.forEach { unsafe curl_share_cleanup($0) }
    }

    /// Replaces some endpoints by others; transfers in flight to the old ones go on.
    public func replace(_ endpoints: [Endpoint], by others: [Endpoint]) {
        for endpoint in endpoints { endpoint.retire() }
        let areTrusted = endpoints.allSatisfy { endpoint in
            endpoint.trust == nil
                || others.contains {
                    $0.origin == endpoint.origin && $0.trust === endpoint.trust
                }
        }
        if !areTrusted { renew() }
    }

    /// Gives up all connections and TLS sessions.
    ///
    /// They were verified by authorities that need not be trusted any more, and libcurl would not
    /// ask again: it does not compare what a callback installs, and a session that is resumed shows
    /// no certificate.
    private func renew() {
        for lane in lanes { lane.forbidReuse() }
        // A lane closes when it is empty; connections that rest in one that is not end here.
        for descriptor in sockets.indices where sockets[descriptor].isResting {
            retire(Int32(descriptor))
        }
        retiredLanes += lanes
        lanes.removeAll()
        unsafe retiredShares.append(share)
        unsafe share = Self.makeShare()
        closeRetired()
    }

    /// Closes what is retired and empty: at once, and as the rest ends.
    private func closeRetired() {
        retiredLanes.removeAll { lane in
            guard lane.activeCount == 0, !lane.isDue else { return false }
            lane.close()
            return true
        }
        mayCloseRetired = false
        // One that a handle still holds stays, and is asked again.
        unsafe retiredShares.removeAll { unsafe curl_share_cleanup($0) == CURLSHE_OK }
    }

    /// A handle configured for an endpoint, with nothing of an earlier exchange in it.
    public func makeTransfer(to endpoint: Endpoint, isTunnel: Bool = false) -> Transfer? {
        endpoint.takeResting(isTunnel: isTunnel) ?? Transfer(endpoint: endpoint)
    }

    /// Starts a prepared transfer.
    ///
    /// Returns its end when it could not even begin.
    public func start(
        _ transfer: Transfer, delegate: any TransferDelegate
    ) -> TransferResult? {
        guard transfer.endpoint.refreshAddresses() else {
            let reason = transfer.endpoint.addresses?.failure ?? "no addresses"
            return TransferResult(
                notStarted: .couldNotResolveHost,
                detail: "\(transfer.endpoint.connectHost): \(reason)"
            )
        }
        let isLate = transfer.endpoint.isRetired
        if isLate { transfer.needsFreshConnection = true }
        guard let lane = lane(for: transfer) else {
            return TransferResult(notStarted: .outOfMemory, detail: "no lane could be made")
        }
        transfer.follower = Follower(delegate)
        unsafe transfer.attach(
            to: lane, pool: lane.pool(for: transfer.endpoint), share: isLate ? nil : share)
        let code = lane.add(transfer)
        guard code == CURLM_OK else {
            transfer.clear()
            return TransferResult(
                notStarted: .outOfMemory,
                detail: unsafe String(cString: curl_multi_strerror(code))
            )
        }
        activeCount += 1
        return nil
    }

    /// Ends a transfer at once and closes its connection.
    ///
    /// Its delegate is not called. `isReset`: a tunnel's vendor sees that it was cut off.
    public func cancel(_ transfer: Transfer, isReset: Bool = false) {
        guard let lane = transfer.lane else { return }
        if isReset, transfer.isOpenTunnel, transfer.descriptor >= 0 {
            Socket.resetOnClose(transfer.descriptor)
        }
        lane.remove(transfer)
        activeCount -= 1
        mayCloseRetired = !retiredLanes.isEmpty
        // One that had ended already, unnoticed, leaves its connection open.
        letRest(transfer)
        let isTunnel = transfer.isTunnel
        transfer.clear()
        if isTunnel { transfer.endpoint.keep(transfer, isTunnel: true) }
    }

    /// Holds the response back: libcurl stops reading its socket.
    ///
    /// Also from inside a callback.
    public func pauseReceiving(_ transfer: Transfer) {
        guard !transfer.isReceivingPaused else { return }
        transfer.isReceivingPaused = true
        setPause(transfer)
    }

    /// Lets the response go on.
    ///
    /// libcurl may hand over bytes before this returns.
    public func resumeReceiving(_ transfer: Transfer) {
        guard transfer.isReceivingPaused else { return }
        transfer.isReceivingPaused = false
        setPause(transfer)
    }

    /// Lets a resting upload ask for bytes again; it may do so before this returns.
    ///
    /// An open tunnel asks at the end of the turn.
    public func resumeSending(_ transfer: Transfer) {
        if transfer.isOpenTunnel {
            guard !transfer.upload.isFilled else { return }
            transfer.upload.isFilled = true
            return filledTunnels.append(transfer)
        }
        guard transfer.isSendingPaused else { return }
        transfer.isSendingPaused = false
        setPause(transfer)
    }

    /// Whether some lane wants to be called before anything else happens.
    public var hasDueLanes: Bool {
        !dueLanes.isEmpty || !wokenUploads.isEmpty || !closedTunnels.isEmpty
            || !filledTunnels.isEmpty
    }

    /// Lets every lane that is due work.
    ///
    /// Called at the end of a turn, before anything is sent.
    public func runDueLanes() {
        wakeUploads()
        endClosedTunnels()
        sendFilledTunnels()
        // What becomes due meanwhile is run in the next round, so that one turn stays bounded.
        swap(&dueLanes, &spareDueLanes)
        for index in spareDueLanes.indices { spareDueLanes[index].runTimers() }
        spareDueLanes.removeAll(keepingCapacity: true)
        if mayCloseRetired { closeRetired() }
    }

    /// Marks that a vendor has answered a request whose upload rests.
    ///
    /// Where it has refused the request, libcurl stops sending, but a paused upload counts as
    /// unfinished work all the same, and the transfer would never end. It is resumed once out of
    /// the callback, and ends. Where it has opened a tunnel, the upload has bytes from now on.
    func wakeUpload(_ transfer: Transfer) {
        wokenUploads.append(transfer)
    }

    private func wakeUploads() {
        while let transfer = wokenUploads.popLast() { resumeSending(transfer) }
    }

    /// Marks that libcurl reads a transfer's socket no more, or not now.
    ///
    /// A tunnel that is not paused has come to its vendor's end then, open or not. libcurl reports
    /// no end of its own while bytes may still be sent.
    func stoppedReading(_ transfer: Transfer) {
        guard transfer.isOpenTunnel || transfer.isAskedTunnel, !transfer.isReceivingPaused
        else { return }
        transfer.upload.isOver = true
        closedTunnels.append(transfer)
    }

    private func endClosedTunnels() {
        while let transfer = closedTunnels.popLast() {
            // It may have ended by itself, or been cancelled, and serve another by now.
            guard let lane = transfer.lane, transfer.upload.isOver else { continue }
            if !transfer.isOpenTunnel { transfer.sending.connectionEndedAt = loop.now }
            lane.remove(transfer)
            ended(transfer, transfer.isOpenTunnel ? .ok : .gotNothing)
        }
    }

    private func sendFilledTunnels() {
        while let transfer = filledTunnels.popLast() {
            transfer.upload.isFilled = false
            // It may have ended. One that is held up goes on when its socket can be written.
            guard let lane = transfer.lane, transfer.isOpenTunnel, !transfer.upload.isHeldUp
            else { continue }
            if transfer.isSendingPaused {
                transfer.isSendingPaused = false
                setPause(transfer)
            }
            lane.sendAtOnce(transfer)
        }
    }

    private func setPause(_ transfer: Transfer) {
        let mask =
            (transfer.isReceivingPaused ? CURLPAUSE_RECV : 0)
            | (transfer.isSendingPaused ? CURLPAUSE_SEND : 0)
        // A handle without a connection answers CURLE_BAD_FUNCTION_ARGUMENT, and needs no pause.
        unsafe curl_easy_pause(transfer.easy, mask)
    }

    func ended(_ transfer: Transfer, _ code: CurlCode) {
        activeCount -= 1
        mayCloseRetired = !retiredLanes.isEmpty
        letRest(transfer)
        let result = transfer.result(transfer.takeUnread(code))
        if transfer.sendings == 0 {
            let tried = transfer.triedAddresses.notConnected(result.code)
            transfer.endpoint.addresses?.learn(tried, now: loop.now)
        }
        let delegate = transfer.follower.delegate
        // The delegate reads the head still; the handle rests only afterwards.
        transfer.lane = nil
        delegate?.transferEnded(transfer, result)
        let isClean = code == .ok && transfer.isReusable && transfer.sendings == 1
        let isTunnel = transfer.isTunnel
        transfer.clear()
        if isTunnel || isClean { transfer.endpoint.keep(transfer, isTunnel: isTunnel) }
    }

    // A lane with an idle connection to the endpoint first, else the least busy one, else a new
    // one.
    private func lane(for transfer: Transfer) -> Lane? {
        var leastBusy: Lane?
        if !transfer.needsFreshConnection {
            for lane in lanes where lane.activeCount < Lane.transfersMax {
                if lane.idleCount(for: transfer.endpoint) > 0 { return lane }
                if lane.activeCount < leastBusy?.activeCount ?? Lane.transfersMax {
                    leastBusy = lane
                }
            }
        } else {
            leastBusy = lanes.first { $0.activeCount < Lane.transfersMax }
        }
        if let leastBusy { return leastBusy }
        guard let lane = Lane(lanes: self) else { return nil }
        lanes.append(lane)
        return lane
    }

    func markDue(_ lane: Lane) {
        guard !lane.isDue else { return }
        lane.isDue = true
        dueLanes.append(lane)
    }

    /// Lanes that rested long lose their connections: it would go unnoticed otherwise that the
    /// vendors have closed them, and the descriptors would stay.
    func sweep(at now: Instant) {
        closeRetired()
        let before = lanes.count
        defer {
            // A busy hour's memory goes back to the system when it is over, not while streams run:
            // the trimming walks the whole heap.
            if lanes.count < before, activeCount == 0 { Resources.returnFreeMemory() }
        }
        lanes.removeAll { lane in
            guard lane.activeCount == 0, !lane.isDue, now - lane.lastUsed > Self.restMax else {
                return false
            }
            lane.close()
            return true
        }
    }
}

/// Wakes a worker's lanes up for their sweep.
private final class Sweeper: TimerHandler {
    private unowned let lanes: Lanes
    private var timer: TimerWheel.Timer?

    init(_ lanes: Lanes) {
        self.lanes = lanes
        let timer = lanes.loop.timers.create(self)
        self.timer = timer
        lanes.loop.timers.arm(timer, at: lanes.loop.now + Lanes.sweepPeriod)
    }

    func stop() {
        if let timer { lanes.loop.timers.destroy(timer) }
        timer = nil
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        lanes.sweep(at: lanes.loop.now)
        lanes.loop.timers.arm(timer, at: lanes.loop.now + Lanes.sweepPeriod)
    }
}

@available(*, unavailable)
extension Lanes: Sendable {}
