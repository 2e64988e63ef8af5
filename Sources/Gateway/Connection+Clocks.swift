import Config
import ExchangeCore
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
        let stage: Deadlines.Stage
        switch phase {
        case .idle: stage = .nextRequest(isDraining: worker.isDraining)
        case .head: stage = .head
        case .body: stage = .body(isPaused: isReadPaused)
        case .answering: stage = .response
        case .lingering: stage = .lingering
        case .unheard: return (unheardDeadline(), .detached)
        case .closed: return nil
        }
        let connection = Deadlines.Connection(
            stage: stage, stageBegan: phaseBegan, lastClientProgress: lastClientProgress,
            hasOutput: !output.isEmpty, isAnswering: isResponseComplete || exchange.isCommitted)
        let next = Deadlines.next(
            connection, exchange.isInFlight ? exchangeTimes : nil, worker.serverLimits)
        return next.map { ($0.at, $0.clock) }
    }

    private var exchangeTimes: Deadlines.Exchange? {
        guard let route else { return nil }
        var times = Deadlines.Exchange(clocks: route.clocks, requestEnded: requestEnded)
        times.attemptBegan = attemptBegan
        times.lastVendorByte = lastVendorByte
        times.hasResponseBytes = hasResponseBytes
        times.lastContent = contents?.last
        times.resumeAt = resumeAt
        if let hold, route.plan.holdTime > .zero {
            times.holdUntil = hold.began + route.plan.holdTime
        }
        return times
    }

    /// When an answer that nobody waits for has gone on for long enough.
    private func unheardDeadline() -> Instant {
        guard let exchangeTimes else { return phaseBegan + worker.settings.unheard.time }
        return Deadlines.detached(
            exchangeTimes, since: phaseBegan, atMost: worker.settings.unheard.time,
            hasHead: transfer?.head.isComplete ?? false
        ).at
    }

    private func expired(_ clock: Clock) {
        switch clock {
        case .keepalive, .drainGrace, .linger:
            close()
        case .detached:
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
    func stop(_ decision: ExchangeState.StopDecision) {
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
