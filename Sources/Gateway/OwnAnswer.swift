import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing

/// An answer of the gateway's own: a failure in the client's dialect, a page, a preflight.
enum OwnAnswer {
    /// Answers with a failure.
    static func write(_ failure: Failure, to exchange: RequestExchange) {
        let isBehindHead = exchange.writer.hasHead
        exchange.recorder.rememberOwnAnswer(
            status: isBehindHead ? 200 : failure.status, code: failure.code,
            explanation: failure.explanation)
        if isBehindHead { return Heartbeat.end(exchange, with: failure) }
        let dialect = dialect(of: exchange)
        let error = error(failure, exchange)
        exchange.writer.answer(
            status: failure.status, contentType: "application/json", to: exchange.client
        ) {
            writeFields(exchange, to: &$0)
            writeAdvice(failure, exchange, to: &$0)
            // A 426 names what to speak, and the connection that this is about is this one.
            if failure.status == 426 { $0.append("connection: upgrade\r\nupgrade: HTTP/1.1\r\n") }
        } body: {
            dialect.errorBody(error, to: &$0)
        }
    }

    /// Answers with a page for operators.
    static func write(_ page: LocalResponse, to exchange: RequestExchange) {
        exchange.recorder.rememberOwnAnswer(status: page.status, code: "", explanation: "")
        exchange.writer.answer(
            status: page.status, contentType: page.contentType, to: exchange.client
        ) {
            writeFields(exchange, to: &$0)
            guard !page.entityTag.isEmpty else { return }
            $0.append("etag: ")
            $0.append(text: page.entityTag)
            $0.append("\r\n")
        } body: {
            $0.append(text: page.body)
        }
    }

    /// Answers a browser that asks whether a page may send a request.
    static func writePreflight(to exchange: RequestExchange) {
        exchange.writer.answer(status: 204, contentType: nil, to: exchange.client) { output in
            exchange.request.withHead { CallerPolicy.writePreflight($0, to: &output) }
        } body: { _ in
        }
    }

    /// A failure in a dialect's words.
    static func error(_ failure: Failure, _ exchange: RequestExchange) -> DialectError {
        DialectError(
            status: failure.status, code: failure.code, message: failure.message,
            identifier: exchange.logName)
    }

    /// The dialect that the client expects: that of its path, as far as it is known.
    static func dialect(of exchange: RequestExchange) -> Dialect {
        if let route = exchange.route { return route.dialect }
        return exchange.request.withHead { exchange.snapshot.routing.dialect(of: $0) } ?? .openai
    }

    private static func writeFields(_ exchange: RequestExchange, to output: inout ByteBuffer) {
        if let identifier = exchange.identifier {
            output.append("x-weir-id: ")
            identifier.write(to: &output)
            output.append("\r\n")
        }
        if exchange.state.attempts > 0 {
            output.append("x-weir-attempts: ")
            output.append(decimal: exchange.state.attempts)
            output.append("\r\n")
        }
    }

    /// Writes for an SDK whether to try again, and when, as far as it is known here.
    private static func writeAdvice(
        _ failure: Failure, _ exchange: RequestExchange, to output: inout ByteBuffer
    ) {
        guard failure.isWorthRetrying else { return output.append("x-should-retry: false\r\n") }
        output.append("x-should-retry: true\r\nretry-after: ")
        let wait = exchange.route.map {
            exchange.snapshot.health.askedWait($0.plan, now: exchange.worker.loop.now)
        }
        output.append(decimal: max(1, Int(((wait ?? .zero).seconds).rounded(.up))))
        output.append("\r\n")
    }
}
