import Primitives
import Reactor

/// What is known of one of libcurl's sockets.
struct SocketState {
    /// The connections it is one of; nil for descriptors that libcurl opened without asking, such
    /// as its resolver's.
    var pool: ConnectionPool?
    /// The transfer it was opened for, until its first request is about to be sent: it may be
    /// connecting still, or be gone.
    var opener: ObjectIdentifier?
    /// The transfer that uses the connection: from right before its request is sent to its end.
    var holder: ObjectIdentifier?
    /// When it was opened.
    var openedAt = Instant.distantFuture
    /// How long it took from there to the first request, name lookup excluded.
    var connectTime = Interval.zero
    /// The local port; 0 until it was asked for.
    var localPort = 0
    /// Whether libcurl waits for something on it.
    var isWanted = false
    /// Whether a transfer on it has ended.
    var hasServed = false
    /// Whether it was shut down at rest, and libcurl has not looked at it since.
    var isRetired = false

    /// Whether the connection waits for its next request.
    var isResting: Bool { holder == nil && hasServed && !isWanted && !isRetired }
}

// Which transfer holds which socket, and what libcurl wants of it.
extension Lanes {
    func socketOpened(_ descriptor: Int32, _ pool: ConnectionPool, for transfer: Transfer) {
        let index = Int(descriptor)
        // libcurl may have closed a socket of this number a moment ago without a call to us. It
        // then asks for nothing if it wants the same of this one, but epoll has forgotten both.
        if loop.isWatched(descriptor, by: pool.lane), let interest = loop.interest(of: descriptor) {
            loop.forget(descriptor)
            loop.watch(descriptor, for: interest, pool.lane)
        }
        while index >= sockets.count {
            sockets.append(contentsOf: repeatElement(SocketState(), count: max(64, sockets.count)))
        }
        sockets[index] = SocketState(
            pool: pool, opener: ObjectIdentifier(transfer), openedAt: loop.now)
        transfer.connecting.append(descriptor)
    }

    func socketClosing(_ descriptor: Int32, _ pool: ConnectionPool) {
        loop.forget(descriptor)
        guard Int(descriptor) < sockets.count else { return }
        // Under a request: libcurl is about to send that again, and asks first.
        if sockets[Int(descriptor)].holder != nil {
            pool.lane.transfer(on: descriptor)?.sending.connectionEndedAt = loop.now
        }
        if sockets[Int(descriptor)].isRetired { pool.retiredCount -= 1 }
        sockets[Int(descriptor)] = SocketState()
    }

    func want(_ descriptor: Int32, _ interest: Interest, _ lane: Lane) {
        if Int(descriptor) < sockets.count { sockets[Int(descriptor)].isWanted = true }
        // A connection that is gone would have an event every turn.
        if interest.isEmpty { return loop.unwatch(descriptor) }
        loop.watch(descriptor, for: interest, lane)
    }

    func release(_ descriptor: Int32, isPaused: Bool, _ lane: Lane) {
        let index = Int(descriptor)
        // The resolver's and other internal descriptors are closed behind our back.
        guard index < sockets.count, let pool = sockets[index].pool else {
            return loop.unwatch(descriptor)
        }
        guard sockets[index].opener == nil else { return lost(descriptor, pool) }
        sockets[index].isWanted = false
        // A paused connection has bytes waiting that would wake us every turn.
        if isPaused { return loop.unwatch(descriptor) }
        loop.watch(descriptor, for: .read, lane)
    }

    /// Forgets a socket that never became a connection.
    ///
    /// It lost the race of two addresses, was refused, or its transfer was ended first. libcurl
    /// 7.88 closes some of these without calling its close function, and by now the number may be a
    /// client's.
    private func lost(_ descriptor: Int32, _ pool: ConnectionPool) {
        pool.lost(descriptor)
        sockets[Int(descriptor)] = SocketState()
        if loop.isWatched(descriptor, by: pool.lane) { loop.unwatch(descriptor) }
    }

    private func loseConnecting(of transfer: Transfer) {
        for descriptor in transfer.connecting {
            // By now the number may be another connection's.
            guard let pool = sockets[Int(descriptor)].pool,
                sockets[Int(descriptor)].opener == ObjectIdentifier(transfer)
            else { continue }
            lost(descriptor, pool)
        }
        transfer.connecting.removeAll()
    }

    /// Whether a transfer may use a socket: it has none yet, this is its connection, or libcurl
    /// wants to send its request again, which is refused.
    func isOwn(_ descriptor: Int32, of transfer: Transfer) -> Bool {
        let index = Int(descriptor)
        return transfer.sendings == 0 || transfer.descriptor == descriptor
            || index < sockets.count && sockets[index].opener == ObjectIdentifier(transfer)
    }

    func isWanted(_ descriptor: Int32) -> Bool {
        let index = Int(descriptor)
        return index >= sockets.count || sockets[index].pool == nil || sockets[index].isWanted
    }

    /// Whether there is something to read on a socket on which a request is being sent.
    func isAnswered(_ descriptor: Int32) -> Bool {
        let index = Int(descriptor)
        return index < sockets.count && sockets[index].holder != nil
            && Socket.hasInput(descriptor)
    }

    /// Looks at a socket that has an event libcurl did not ask for.
    func unwantedEvent(_ descriptor: Int32) {
        guard sockets[Int(descriptor)].isResting else {
            // A transfer holds it and reads on by itself, or will ask for it: only the event, which
            // would come again every turn, is of no use now.
            return loop.unwatch(descriptor)
        }
        if Socket.hasInput(descriptor) { retire(descriptor) }
    }

    /// Makes sure that no request goes out on a resting connection any more.
    func retire(_ descriptor: Int32) {
        loop.unwatch(descriptor)
        sockets[Int(descriptor)].isRetired = true
        sockets[Int(descriptor)].pool?.retiredCount += 1
        Socket.discardInput(descriptor)
        Socket.shutDown(descriptor)
    }

    /// Marks the connection on which a transfer is about to send its request.
    ///
    /// Called from inside libcurl. Returns false when the connection served another request and
    /// has bytes or an end to read: they would pass for the answer to this one.
    func hold(_ transfer: Transfer, localPort: Int, peer: () -> String) -> Bool {
        guard
            let descriptor = onlyOpened(for: transfer)
                ?? transfer.pool?.descriptor(localPort: localPort, peer: peer, of: self)
        else {
            // Nothing could be asked of it before its next request.
            assertionFailure("libcurl sends on a connection that is none of its pool's")
            transfer.forbidReuse()
            return true
        }
        let index = Int(descriptor)
        transfer.descriptor = descriptor
        sockets[index].localPort = localPort
        if sockets[index].opener != nil {
            sockets[index].connectTime = loop.now - sockets[index].openedAt
        }
        transfer.sending.connectTime = sockets[index].connectTime
        let tried = transfer.triedAddresses.connected(on: descriptor)
        transfer.endpoint.addresses?.learn(tried, now: loop.now)
        sockets[index].opener = nil
        // Those that lost against this one are closed by now.
        if !transfer.connecting.isEmpty { loseConnecting(of: transfer) }
        // libcurl may have ended the transfer before this one in the same call, and its end is not
        // reported yet: the connection is this one's from here on.
        if sockets[index].holder != nil { sockets[index].hasServed = true }
        sockets[index].holder = ObjectIdentifier(transfer)
        transfer.sending.isOnPooled = sockets[index].hasServed
        return !sockets[index].hasServed || !Socket.hasInput(descriptor)
    }

    /// The socket of a transfer for which libcurl has opened one and no other: the kernel need not
    /// be asked which it is.
    private func onlyOpened(for transfer: Transfer) -> Int32? {
        guard transfer.connecting.count == 1, let descriptor = transfer.connecting.first,
            sockets[Int(descriptor)].pool === transfer.pool,
            sockets[Int(descriptor)].opener == ObjectIdentifier(transfer)
        else { return nil }
        return descriptor
    }

    /// Marks that a transfer has let go of its connection, which may have been closed by now.
    func letRest(_ transfer: Transfer) {
        if !transfer.connecting.isEmpty { loseConnecting(of: transfer) }
        let index = Int(transfer.descriptor)
        // By now the number may be another connection's.
        guard index >= 0, index < sockets.count,
            sockets[index].holder == ObjectIdentifier(transfer), let pool = sockets[index].pool
        else { return }
        sockets[index].holder = nil
        sockets[index].hasServed = true
        // It was not watched while it was held; without this its vendor's close would go unnoticed.
        if sockets[index].isResting { loop.watch(transfer.descriptor, for: .read, pool.lane) }
    }
}
