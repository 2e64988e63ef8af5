import Config
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

/// The bounds of a detached answer in time and bytes.
///
/// It holds its exchange, and the exchange holds it, until ``end()``.
final class DetachedAnswer: TimerHandler {
    private let exchange: RequestExchange
    private let began: Instant
    private var timer: TimerWheel.Timer?
    private var bytesLeft: Int

    init(_ exchange: RequestExchange) {
        self.exchange = exchange
        began = exchange.worker.loop.now
        bytesLeft = exchange.worker.settings.detached.bytes
    }

    /// Arms the timer for the first deadline.
    func arm() {
        guard let deadline else { return }
        let loop = exchange.worker.loop
        let timer = timer ?? loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: deadline.at)
    }

    /// Destroys the timer.
    func end() {
        if let timer { exchange.worker.loop.timers.destroy(timer) }
        timer = nil
    }

    /// Counts bytes of the detached answer.
    ///
    /// Called from inside libcurl, where no transfer may end: the end of the turn does that.
    func drop(_ count: Int) {
        exchange.worker.metrics.undeliveredBytes.add(count)
        bytesLeft -= count
        if bytesLeft < 0 { exchange.worker.needsStop(exchange) }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        guard let deadline else { return }
        if deadline.at > exchange.worker.loop.now { return arm() }
        Self.stop(exchange)
    }

    /// The answer is at its end.
    static func ended(_ attempt: Attempt, _ result: TransferResult) {
        let exchange = attempt.exchange
        if result.code != .ok || !attempt.headIsComplete {
            exchange.recorder.explanation =
                "after the client had gone: \(result.code.name): \(result.detail)"
        }
        guard !attempt.headIsComplete else { return }
        attempt.countFailure(result.failureClass)
        exchange.recorder.writeFailure(
            of: attempt, result.failureClass.name, result, status: 0,
            reason: "after the client had gone")
        attempt.countAgainstHealth(result.failureClass, RetryAdvice(), isCertain: true)
    }

    private var deadline: Deadline? {
        guard let attempt = exchange.attempt else { return nil }
        var times = Deadlines.Exchange(
            clocks: attempt.route.clocks, requestEnded: exchange.requestEnded)
        times.attemptBegan = attempt.began
        times.lastVendorByte = attempt.lastVendorByte
        return Deadlines.detached(
            times, since: began, atMost: exchange.worker.settings.detached.time,
            hasHead: attempt.headIsComplete)
    }
}
