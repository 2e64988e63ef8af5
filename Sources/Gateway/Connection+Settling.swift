import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Settle: the end of an exchange, and of the connection. Every exchange comes here exactly once.
extension Connection {
    /// Counts an exchange that has just been settled.
    func settle() {
        guard let outcome = exchange.outcome else { return }
        teeSettlement(outcome)
        countRelayedBytes()
        guard let route else { return }
        let metrics = edition.metrics[route.vendor]
        metrics.outcomes[outcome.rawValue].add()
        metrics.requestBytes.add(bodyBytes > 0 ? bodyBytes : parser.head.contentLength ?? 0)
        metrics.duration.record(nanoseconds: (worker.loop.now - requestEnded).nanoseconds)
    }

    /// Tells the vendor's counters of relayed bytes.
    ///
    /// Once a turn: the way to a counter takes four references, which costs more than the adding.
    func countRelayedBytes() {
        guard uncountedBytes > 0, let route else { return }
        edition.metrics[route.vendor].responseBytes.add(uncountedBytes)
        uncountedBytes = 0
    }

    /// The client closed or reset its connection: whatever is in flight for it ends in this turn,
    /// or goes on unheard where the vendor's configuration says so.
    func clientGone() {
        if goUnheard() { return }
        end(as: .clientCancelled)
        close()
    }

    /// A client that takes nothing for too long is reset: nothing of what waits would reach it.
    func giveUpClient() {
        end(as: .slowClient)
        Socket.resetOnClose(descriptor)
        close()
    }

    /// The gateway stops at once.
    func abandon() {
        guard phase != .closed else { return }
        let looksWhole = exchange.isCommitted && framing == .close
        end(as: .truncated)
        if looksWhole { Socket.resetOnClose(descriptor) }
        close()
    }

    private func end(as outcome: Outcome) {
        if let transfer { worker.lanes.cancel(transfer) }
        transfer = nil
        worker.metrics.undeliveredBytes.add(output.count)
        if exchange.clientGone(as: outcome) { settle() }
    }

    /// The gateway drains: a connection at rest is closed, any other after its response.
    func drain() {
        closesAfterResponse = true
        guard phase == .idle else { return }
        // A request may have come that this turn has not read yet: it is served still. A client
        // that has just connected gets a moment to send its first.
        receive()
        if phase == .idle, servedCount > 0 { return close() }
        ensureClock()
    }

    func close() {
        guard phase != .closed else { return }
        precondition(transfer == nil, "a connection closes with a transfer in flight")
        if phase == .unheard { worker.unheardCount -= 1 }
        phase = .closed
        if let timer { worker.loop.timers.destroy(timer) }
        timer = nil
        output.removeAll()
        worker.buffers.reclaim(&output)
        releaseDescriptor()
        worker.closed(self)
    }

    /// Closes the client's socket, once.
    func releaseDescriptor() {
        guard hasDescriptor else { return }
        hasDescriptor = false
        worker.loop.forget(descriptor)
        Socket.close(descriptor)
    }
}
