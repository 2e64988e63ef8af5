import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry

// Settle: the end of an exchange. Every exchange comes here exactly once.
extension RequestExchange {
    /// Counts and records an exchange that has just been settled, and lets go of its parts.
    func settle() {
        guard let outcome = state.outcome else { return }
        worker.limitQueue.leave(self)
        tunnel?.settle(outcome)
        recorder.writeSettlement(self, outcome)
        Metering.settle(self, outcome)
        turnEnded()
        if let route {
            let metrics = snapshot.metrics[route.vendor]
            metrics.ended(outcome, status: (answeringAttempt ?? attempt)?.clientStatus ?? 0)
            metrics.requestBytes.add(intake.bytes(of: request.head))
            metrics.duration.record(nanoseconds: (worker.loop.now - requestEnded).nanoseconds)
        }
        if let detached {
            detached.end()
            worker.detachedEnded(self)
        }
        worker.roomQueue.leave(self)
        detached = nil
        tunnel = nil
        attempt = nil
        keptAttempt = nil
        answeringAttempt = nil
    }

    /// The kernel has the whole response.
    func delivered() {
        if state.delivered() { settle() }
    }

    /// Ends the exchange from outside of it: its client is gone, or given up.
    func end(as outcome: Outcome) {
        attempt?.cancel()
        if identifier == nil, state.outcome == nil { beginCutRequest() }
        if state.clientGone(as: outcome) { settle() }
    }

    /// Begins the record of an exchange whose request will never be whole.
    private func beginCutRequest() {
        EarlyRefusal.begin(self)
        recorder.rememberOwnAnswer(
            status: 0, code: "request_incomplete",
            explanation: "the client was gone before its request was whole")
    }

    /// The work of an exchange once a turn, before the output is sent.
    ///
    /// To reach a vendor's counter takes four references, which cost more than the addition.
    func turnEnded() {
        (answeringAttempt ?? attempt)?.countRelayedBytes()
        if state.isHolding { actOnHold() }
        // What was held could not follow a head of the gateway's, and no more of it is wanted.
        if writer.isBrokenOff, state.isCommitted { stop(state.overflowed(.slowBody)) }
    }

    /// Writes the delivery frame, once the waiting output completes the client's response.
    ///
    /// This comes before the kernel is given the last byte: a process that dies right after must
    /// not leave a client with a whole answer and a record without its end.
    func writeDeliveryAhead() {
        if ResponseWriter.hasLastByte(of: self) { recorder.writeDelivery(self) }
    }
}
