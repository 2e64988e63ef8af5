import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing

/// The wait of the first clients that ask which models there are, while vendors are asked.
///
/// Bounded by less than the shortest patience that is known of a client, 3 seconds.
final class ModelListWait: TimerHandler {
    private static let time = Interval.seconds(2)
    private static let interval = Interval.milliseconds(10)

    /// Held weakly: a client that goes away leaves a timer that nothing is written by.
    private weak var exchange: RequestExchange?
    private let worker: Worker
    private let end: Instant

    private init(_ exchange: RequestExchange) {
        self.exchange = exchange
        worker = exchange.worker
        end = exchange.worker.loop.now + Self.time
    }

    /// Answers a question as soon as all vendors have answered, or at the end of the time.
    static func begin(_ exchange: RequestExchange) {
        let wait = ModelListWait(exchange)
        let timer = wait.worker.loop.timers.create(wait)
        wait.worker.loop.timers.arm(timer, at: wait.worker.loop.now + interval)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        guard let exchange, exchange.client.exchange === exchange,
            exchange.client.phase == .answering
        else { return worker.loop.timers.destroy(timer) }
        if worker.loop.now < end, exchange.snapshot.routing.models.isAwaited() {
            return worker.loop.timers.arm(timer, at: worker.loop.now + Self.interval)
        }
        worker.loop.timers.destroy(timer)
        OwnModelList.answerAfterWait(exchange)
    }
}
