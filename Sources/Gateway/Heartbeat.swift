import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing

/// Signs of life for the client of a stream whose vendor is silent.
///
/// The first one may come before any vendor has answered. Then the gateway writes a head of its
/// own, and the exchange is not committed by it: other targets are tried as before. Whatever cannot
/// follow that head, a vendor's refusal or a failure of all, becomes an event of an error.
struct Heartbeat {
    private let interval: Interval
    private var last: Instant

    /// Signs of life for an exchange that has been routed; nil where its chain wants none, or its
    /// client could not bear them.
    init?(_ exchange: RequestExchange) {
        guard let plan = exchange.route?.plan, plan.heartbeat > .zero,
            exchange.request.head.method == .post, exchange.request.head.minorVersion == 1,
            exchange.tunnel == nil, !exchange.intake.isStreaming,
            !exchange.request.head.isEncoded,
            exchange.request.withHead({ Dialect.mayStream($0.path) }),
            exchange.request.withBody({ Dialect.asksForStream($0.bytes) })
        else { return nil }
        interval = plan.heartbeat
        last = exchange.worker.loop.now
    }

    /// How long a translated stream is silent before its client gets a sign of life.
    ///
    /// The vendor's own ones are another dialect's, and a call that waits for an earlier one is
    /// silent while its bytes come.
    private static let translatedInterval = Interval.seconds(15)

    /// Signs of life for the client of a translated stream whose head has gone; nil for one that
    /// bears none.
    init?(translating exchange: RequestExchange) {
        guard let dialect = exchange.route?.dialect, dialect != .gemini else { return nil }
        interval = Self.translatedInterval
        last = exchange.worker.loop.now
    }

    /// When the next one is due.
    func due(_ exchange: RequestExchange) -> Instant? {
        var since = last
        if exchange.state.isCommitted, let attempt = exchange.answeringAttempt {
            guard attempt.pipeline.bearsHeartbeats else { return nil }
            since = max(
                since, attempt.pipeline.translator?.lastOutput ?? attempt.lastVendorByte)
        }
        return since + interval
    }

    /// Writes one.
    mutating func beat(_ exchange: RequestExchange) {
        last = exchange.worker.loop.now
        guard let route = exchange.route, exchange.state.isInFlight else { return }
        if exchange.state.isCommitted,
            !(exchange.answeringAttempt?.pipeline.isBetweenEvents ?? false)
        {
            return
        }
        if !exchange.writer.hasHead { Self.writeHead(exchange) }
        var text = ByteBuffer()
        route.dialect.heartbeat(to: &text)
        exchange.writer.piece(text.bytes, to: exchange.client)
        // While it waits for the client only the client's clock runs; then the vendor's does again.
        exchange.client.isClockChanged = true
        exchange.client.requestFlush()
    }

    private static func writeHead(_ exchange: RequestExchange) {
        exchange.writer.head(.chunked, to: exchange.client) {
            $0.append("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
            $0.append("cache-control: no-cache\r\ntransfer-encoding: chunked\r\n")
        } own: {
            $0.append("x-weir-id: ")
            exchange.identifier?.write(to: &$0)
            $0.append("\r\n")
        }
    }

    /// Ends a response whose head is the gateway's with an event of an error.
    static func end(_ exchange: RequestExchange, with failure: Failure) {
        exchange.writer.breakOff(to: exchange.client) { output in
            OwnAnswer.dialect(of: exchange).errorEvent(
                OwnAnswer.error(failure, exchange), to: &output)
        }
    }

    /// Ends it where the vendor's answer cannot follow the gateway's head: in the vendor's own
    /// words where it is an error, because clients act on them.
    static func end(_ exchange: RequestExchange, instead hold: Hold, vendor: String) {
        exchange.writer.breakOff(to: exchange.client) { output in
            let dialect = OwnAnswer.dialect(of: exchange)
            if hold.writeErrorEvent(dialect, to: &output) { return }
            let failure = Failure.noAnswer(vendor: vendor, "status \(hold.status)")
            dialect.errorEvent(OwnAnswer.error(failure, exchange), to: &output)
        }
    }
}
