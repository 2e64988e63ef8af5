import Config
import ExchangeCore
import Primitives
import Routing

extension Deadlines.Exchange {
    /// The limits of an exchange's vendor; nil where no vendor is called.
    init?(_ exchange: RequestExchange) {
        guard exchange.state.isInFlight, let route = exchange.route else { return nil }
        self.init(clocks: route.clocks, requestEnded: exchange.requestEnded)
        // A direct call would wait, and no other target could do better.
        if clocks.firstContent > .zero, !route.plan.hasOwnFirstContent(route.target),
            !exchange.mayTryAnother
        {
            clocks.firstContent = .zero
        }
        resumeAt = exchange.resumeAt
        heartbeatAt = exchange.heartbeat?.due(exchange)
        guard let attempt = exchange.attempt else { return }
        attemptBegan = attempt.began
        lastVendorByte = attempt.lastVendorByte
        if exchange.tunnel != nil, !attempt.headIsComplete {
            handshakeUntil = attempt.began + Limits.handshakeTime
        }
        hasResponseBytes =
            attempt.hasPassedBytes || attempt.pipeline.translator?.awaitsEnd ?? false
        lastContent = attempt.pipeline.lastContent
        if let hold = attempt.pipeline.hold, !hold.awaitsEnd, route.plan.holdTime > .zero {
            holdUntil = hold.began + route.plan.holdTime
        }
    }
}
