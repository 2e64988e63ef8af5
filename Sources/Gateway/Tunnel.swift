import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Telemetry
import Transfers

// DESIGN
//
// A WebSocket is an ordinary transfer of libcurl's: an upload without an end whose answer has none
// either. Until the vendor has switched protocols it is an attempt like any other, and another may
// follow. From then on one client's connection is one vendor's connection, and bytes pass as they
// came. Each direction has one bounded buffer: `output` towards the client, `pending` towards the
// vendor. A side is not read while the buffer of the other is full, and neither direction waits for
// the other. A side's end is passed on once what it sent before has gone; a reset at once.

/// A WebSocket that a request asks for, and the bytes of its client once it is open.
final class Tunnel {
    private let exchange: RequestExchange
    private var client: ClientConnection { exchange.client }

    /// The model that the handshake names; empty where it names none.
    let model: String
    /// Whether the vendor has switched protocols, and has not ended since.
    private(set) var isOpen = false
    /// When the client had no more to send.
    private(set) var clientEndedAt: Instant?
    /// Whether libcurl has sent all that a client sent before its end.
    private(set) var isDrained = false
    /// Whether the client is cut off, or has cut the connection itself: the vendor sees a reset.
    private(set) var isReset = false
    /// Looks at the frames; nil before the vendor has switched protocols.
    private var observer: TunnelObserver?

    init(_ exchange: RequestExchange) {
        self.exchange = exchange
        model = exchange.request.withHead { SessionModel.name(in: $0.pathAndQuery) ?? "" }
    }

    /// What the handshake says of its model, for a route that depends on it.
    var modelFinding: RequestModel.Finding {
        model.isEmpty ? .unreadable("it is named only once the WebSocket is open") : .named(model)
    }

    // MARK: Course

    /// The vendor has switched protocols.
    ///
    /// Called from inside libcurl.
    func open(_ head: borrowing ResponseHead) {
        isOpen = true
        let client = client
        client.worker.metrics.tunnels.add()
        let observer = TunnelObserver(
            exchange, model: model, extensions: head.webSocketExtensions)
        self.observer = observer
        // Some clients do not wait for the answer.
        observer.clientSent(client.pending, last: client.pending.count)
        client.enter(.tunnel)
        // From here another end of the client's counts than while a response is due.
        client.updateInterest()
    }

    /// The transfer has ended; returns whether the vendor closed an open tunnel without a word.
    func vendorEnded() -> Bool {
        guard isOpen else { return false }
        isOpen = false
        client.pending.removeAll()
        client.enter(.answering)
        client.updateInterest()
        exchange.recorder.explanation = observer?.explanation ?? ""
        return !(observer?.sawClose ?? false)
    }

    /// The client is gone, or its last bytes have been sent; returns how the exchange ends with it.
    func clientGone() -> Outcome {
        guard let observer else { return .clientCancelled }
        exchange.recorder.explanation = observer.explanation
        return observer.sawClose ? .complete : .clientCancelled
    }

    /// A tunnel whose caller's key is revoked ends: on it a client would go on to ask for answers.
    ///
    /// An answer in flight, as opposed to a tunnel, is one call, and is let to its end.
    func endIfRevoked() {
        guard isOpen, CallerCheck.isRevoked(exchange) else { return }
        exchange.recorder.explanation = "the key that opened it is revoked, or no key any more"
        client.abandon()
    }

    /// The gateway ends an open tunnel: its client sees an end, or a reset where it has not taken
    /// all that the vendor sent.
    func end(as outcome: Outcome) {
        let client = client
        if !client.output.isEmpty { client.socket.breakOff() }
        client.worker.metrics.undeliveredBytes.add(client.output.count)
        exchange.end(as: outcome)
        client.close()
    }

    /// The exchange has ended.
    func settle(_ outcome: Outcome) {
        isOpen = false
        observer?.settle(outcome)
        observer = nil
    }

    // MARK: Towards the client

    /// Bytes of the vendor's are about to be passed on.
    ///
    /// Called from inside libcurl.
    func vendorSent(_ bytes: Span<UInt8>) {
        observer?.vendorSent(bytes)
    }

    // MARK: Towards the vendor

    /// The client's socket has an event.
    func clientReady(_ readiness: Readiness) {
        let client = client
        if client.isReadPaused {
            // While it is not read, only a connection that is gone altogether has one.
            return readiness.isDisjoint(with: .closed) ? () : clientReset()
        }
        let room = BufferPool.pieceBytes - client.pending.count
        guard room > 0 else { return client.pauseReading() }
        client.worker.buffers.lend(to: &client.pending)
        switch client.socket.receive(into: &client.pending, room: room) {
        case .moved(let count):
            observer?.clientSent(client.pending, last: count)
            client.lastClientProgress = client.worker.loop.now
            if client.pending.count >= BufferPool.pieceBytes { client.pauseReading() }
            exchange.attempt?.resumeSending()
        case .wouldBlock:
            break
        case .closed:
            clientEnded()
        case .failed:
            clientReset()
        }
    }

    private func clientReset() {
        breakOff()
        client.clientGone()
    }

    /// The client's end is none in order, and is to be none for the vendor.
    func breakOff() {
        isReset = true
    }

    /// The client has no more to send.
    private func clientEnded() {
        clientEndedAt = client.worker.loop.now
        // Its end would be reported every turn.
        client.pauseReading()
        client.ensureClock()
        // libcurl asks for more once it has sent all that it was given.
        let isSent = exchange.attempt?.transfer?.isSendingPaused ?? true
        if isSent, client.pending.isEmpty { return client.clientGone() }
        exchange.attempt?.resumeSending()
    }

    /// Gives libcurl bytes of the client's.
    ///
    /// Called from inside libcurl.
    func fill(_ space: UnsafeMutableRawBufferPointer, of attempt: Attempt) -> UploadPiece {
        // A vendor that does not switch protocols gets no byte: the request is over.
        guard isOpen else { return attempt.headIsComplete ? .end : .notYet }
        guard !client.pending.isEmpty else {
            client.worker.buffers.reclaim(&client.pending)
            if clientEndedAt != nil {
                isDrained = true
                client.requestFlush()
            }
            return .notYet
        }
        let count = min(space.count, client.pending.count)
        unsafe space.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: client.pending.pointer[0..<count]))
        client.pending.consume(count)
        exchange.intake.passedBytes += count
        attempt.lastVendorByte = client.worker.loop.now
        if clientEndedAt == nil, client.pending.count <= BufferPool.pieceBytes / 2 {
            client.resumeReading()
        }
        return .bytes(count)
    }
}
