import ExchangeCore
import HTTP
import Primitives
import Reactor
import Telemetry

// The clocks of a connection, on one timer. It is armed when a phase begins and never moved by
// traffic: when it goes off, the deadline is computed anew from what happened since.
extension ClientConnection {
    /// Arms the timer if the current deadline comes before the one it is armed for.
    func ensureClock() {
        // Only once for all events that one piece of a request causes.
        if isReceiving { return isClockDue = true }
        guard let timer, let deadline = deadline(), deadline.at < armedAt else { return }
        armedAt = deadline.at
        worker.loop.timers.arm(timer, at: deadline.at)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        armedAt = .distantFuture
        guard let deadline = deadline() else { return }
        if deadline.at > worker.loop.now { return ensureClock() }
        expired(deadline.clock)
        if phase != .closed { ensureClock() }
    }

    private func deadline() -> Deadline? {
        let stage: Deadlines.Stage
        switch phase {
        case .idle where socket.isOpening: stage = .head
        case .idle: stage = .nextRequest(isDraining: worker.isDraining || isTurnedAway)
        case .head: stage = .head
        case .body: stage = .body(isPaused: isReadPaused)
        case .answering: stage = .response
        case .tunnel: stage = .tunnel(ended: exchange?.tunnel?.clientEndedAt)
        case .lingering: stage = .lingering
        case .closed: return nil
        }
        var upload = exchange?.upload
        upload?.isStreamed = exchange?.intake.isStreaming ?? false
        let connection = Deadlines.Connection(
            stage: stage, stageBegan: phaseBegan, lastClientProgress: lastClientProgress,
            hasOutput: !output.isEmpty, isAnswering: exchange?.isAnswering ?? false,
            upload: upload, waitsUntil: exchange?.limitWait?.until)
        return Deadlines.next(
            connection, exchange.flatMap { Deadlines.Exchange($0) }, worker.serverLimits)
    }

    private func expired(_ clock: Clock) {
        switch clock {
        case .keepalive, .drainGrace, .linger:
            close()
        case .head where socket.isOpening:
            if socket.isHandshaking { worker.metrics.handshakesFailed.add() }
            close()
        case .head:
            parser.findPathOfIncompleteHead()
            currentExchange().refuse(
                .refused(408, "request_timeout", "the request head did not arrive in time"),
                closing: true)
        case .hold:
            exchange?.releaseHold()
        case .backoff:
            exchange?.resumeAttempts()
        case .heartbeat:
            if let exchange { exchange.heartbeat?.beat(exchange) }
        case .tunnelEnd:
            clientGone()
        case .slowClient where phase == .answering || exchange?.isAnswering ?? false:
            giveUpClient()
        case .room:
            if let exchange { worker.roomQueue.clockExpired(exchange) }
        case .limit: if let exchange { worker.limitQueue.clockExpired(exchange) }
        case .body, .pace, .slowClient, .firstContent, .idle, .contentIdle, .total, .handshake,
            .tunnelIdle:
            exchange?.clockExpired(clock)
        case .detached:
            break
        }
    }
}
