import ExchangeCore
import Primitives
import Reactor
import Telemetry

// The end of a connection, and what its end means for the exchange on it.
extension ClientConnection {
    /// The client is gone: what is in flight for it ends in this turn, or goes on detached.
    func clientGone() {
        if let exchange, DetachedAnswer.begin(exchange) { return }
        end(as: exchange?.tunnel?.clientGone() ?? .clientCancelled)
        close()
    }

    private func end(as outcome: Outcome) {
        worker.metrics.undeliveredBytes.add(output.count)
        if outcome == .slowClient || outcome == .truncated { exchange?.tunnel?.breakOff() }
        exchange?.end(as: outcome)
    }

    /// A client that takes nothing for too long is reset: nothing of what waits would reach it.
    func giveUpClient() {
        end(as: .slowClient)
        socket.breakOff()
        close()
    }

    /// The gateway stops at once.
    func abandon() {
        guard phase != .closed else { return }
        // A response that is not delivered must not look whole: not one that goes on, nor one that
        // is complete here while its last bytes wait for the client.
        let isUndelivered = exchange != nil || !output.isEmpty
        end(as: .truncated)
        if isUndelivered { socket.breakOff() }
        close()
    }

    /// The gateway drains: a connection at rest is closed, any other after its response.
    func drain() {
        exchange?.writer.closesAfterwards = true
        guard phase == .idle else { return }
        // A request may have come that this turn has not read yet: it is served still. A client
        // that has just connected gets a moment to send its first.
        receive()
        if phase == .idle, servedCount > 0 { return close() }
        ensureClock()
    }

    /// Closes a connection at rest for the sake of others.
    ///
    /// Returns false where a request has come that this turn has not read yet: it is served.
    func giveWay() -> Bool {
        receive()
        guard phase == .idle else { return phase == .closed }
        close()
        return true
    }

    /// Closes the connection; `successor` is the detached exchange that keeps its seat.
    func close(leaving successor: RequestExchange? = nil) {
        guard phase != .closed else { return }
        socket.countEnd(in: worker)
        let isAtRest = phase == .idle
        phase = .closed
        exchange = nil
        if let timer { worker.loop.timers.destroy(timer) }
        timer = nil
        output.removeAll()
        worker.buffers.reclaim(&output)
        pending.release()
        socket.close(on: worker.loop, inOrder: isAtRest)
        worker.closed(self, leaving: successor)
    }
}
