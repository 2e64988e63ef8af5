import Config
import HTTP
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Everything that may take too long, on one timer per connection. It is armed when a phase begins
// and never moved by traffic: when it goes off, the deadline is worked out anew from what happened
// since.
extension Connection {
    /// Arms the timer if the current deadline comes before the one it is armed for.
    func ensureClock() {
        guard let timer, let (deadline, _) = deadline(), deadline < armedAt else { return }
        armedAt = deadline
        worker.loop.timers.arm(timer, at: deadline)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        armedAt = .distantFuture
        guard let (deadline, clock) = deadline() else { return }
        if deadline > worker.loop.now { return ensureClock() }
        expired(clock)
        if phase != .closed { ensureClock() }
    }

    /// The next thing that may take too long, and when it will have.
    private func deadline() -> (Instant, Clock)? {
        let server = worker.settings.server
        switch phase {
        case .idle:
            if worker.isDraining { return (phaseBegan + Limits.drainGrace, .drainGrace) }
            return (phaseBegan + server.keepaliveTimeout, .keepalive)
        case .head:
            return (phaseBegan + server.headTimeout, .head)
        case .body where !output.isEmpty && (isResponseComplete || exchange.isCommitted):
            // The answer came before the request was complete, and the client does not take it.
            return (lastClientProgress + server.slowClientTimeout, .slowClient)
        case .body:
            // A client that is not read cannot be slow.
            let client =
                isReadPaused ? nil : (phaseBegan + server.slowClientTimeout, Clock.slowClient)
            return earlier(client, exchange.isInFlight ? exchangeDeadline() : nil)
        case .answering:
            if !output.isEmpty {
                return earlier(
                    (lastClientProgress + server.slowClientTimeout, .slowClient), totalDeadline()
                )
            }
            guard exchange.isInFlight else { return nil }
            if let resumeAt { return earlier((resumeAt, .backoff), totalDeadline()) }
            if let hold, let time = route?.plan.holdTime, time > .zero {
                return earlier((hold.began + time, .hold), exchangeDeadline())
            }
            return exchangeDeadline()
        case .lingering:
            return (phaseBegan + Limits.lingerTime, .linger)
        case .unheard:
            return (unheardDeadline(), .unheard)
        case .closed:
            return nil
        }
    }

    /// What the vendor may take.
    private func exchangeDeadline() -> (Instant, Clock)? {
        guard let clocks = route?.clocks else { return nil }
        if phase == .body, isReadPaused, clocks.idle > .zero {
            // The client is held up because the vendor does not take the upload.
            return earlier((lastVendorByte + clocks.idle, .idle), totalDeadline())
        }
        if !hasResponseBytes {
            // A vendor may wait for the end of an upload, which is the client's time.
            guard clocks.firstContent > .zero, phase == .answering else { return totalDeadline() }
            let began = max(attemptBegan, phaseBegan)
            return earlier((began + clocks.firstContent, .firstContent), totalDeadline())
        }
        let idle = clocks.idle > .zero ? (lastVendorByte + clocks.idle, Clock.idle) : nil
        let content = contents.map { ($0.last + clocks.contentIdle, Clock.contentIdle) }
        return earlier(earlier(idle, content), totalDeadline())
    }

    private func totalDeadline() -> (Instant, Clock)? {
        guard let total = route?.clocks.total, total > .zero, exchange.isInFlight else {
            return nil
        }
        return (requestEnded + total, .total)
    }

    private func earlier(
        _ left: (Instant, Clock)?, _ right: (Instant, Clock)?
    ) -> (Instant, Clock)? {
        guard let left else { return right }
        guard let right else { return left }
        return left.0 <= right.0 ? left : right
    }

    private func expired(_ clock: Clock) {
        switch clock {
        case .keepalive, .drainGrace, .linger:
            close()
        case .unheard:
            stopUnheard()
        case .head:
            refuse(
                .refused(408, "request_timeout", "the request head did not arrive in time"),
                closing: true)
        case .hold:
            releaseHold(of: transfer)
        case .backoff:
            resumeAttempts()
        case .slowClient where phase == .answering || isResponseComplete || exchange.isCommitted:
            giveUpClient()
        case .slowClient, .firstContent, .idle, .contentIdle, .total:
            exchangeExpired(clock)
        }
    }

    private func exchangeExpired(_ clock: Clock) {
        let decision = exchange.clockExpired(
            clock, vendor: vendor?.name ?? "", after: allowance(of: clock)
        )
        if decision != .nothing {
            worker.logger.warning(
                "an exchange ran out of time",
                metadata: [
                    "exchange": "\(identifier.map(\.description) ?? "")",
                    "vendor": "\(vendor?.name ?? "")", "clock": "\(clock.outcome.name)",
                    "committed": "\(decision == .breakOff(clock.outcome))",
                ]
            )
        }
        if case .answer = decision, clock == .total, let route, exchange.attempts > 0 {
            // The attempt that was under way came to nothing, and no other follows.
            countFailure(.timeout, route)
        }
        stop(decision)
    }

    /// Ends the transfer and carries out what the exchange decided about being stopped.
    func stop(_ decision: Exchange.StopDecision) {
        if let transfer { worker.lanes.cancel(transfer) }
        transfer = nil
        resumeAt = nil
        switch decision {
        case .answer(let failure):
            let isUploading = phase == .body
            if isUploading { lingersAfterResponse = true }
            answer(failure, closing: isUploading)
        case .failed(let failureClass, let failure):
            hold = nil
            attemptFailed(failureClass, failure)
        case .breakOff:
            breakOff()
        case .nothing:
            break
        }
    }

    private func allowance(of clock: Clock) -> Interval {
        switch clock {
        case .firstContent: route?.clocks.firstContent ?? .zero
        case .idle: route?.clocks.idle ?? .zero
        case .contentIdle: route?.clocks.contentIdle ?? .zero
        case .total: route?.clocks.total ?? .zero
        default: worker.settings.server.slowClientTimeout
        }
    }
}
