import Codings
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
            if failure.status == 415 { writeCodings(to: &$0) }
        } body: {
            dialect.errorBody(error, to: &$0)
        }
    }

    /// Answers with a page for operators.
    static func write(_ page: LocalResponse, to exchange: RequestExchange) {
        exchange.recorder.rememberOwnAnswer(status: page.status, code: "", explanation: "")
        exchange.writer.answer(
            status: page.status, contentType: page.status == 304 ? nil : page.contentType,
            to: exchange.client
        ) {
            writeFields(exchange, to: &$0)
            write(page.fields, to: &$0)
            guard !page.entityTag.isEmpty else { return }
            $0.append("etag: ")
            $0.append(text: page.entityTag)
            $0.append("\r\n")
        } body: {
            $0.append(page.body.span)
        }
    }

    /// Writes in which codings a body can be read.
    private static func writeCodings(to output: inout ByteBuffer) {
        output.append("accept-encoding: ")
        output.append(text: ContentDecoder.accepted)
        output.append("\r\n")
    }

    private static func write(_ fields: [LocalResponse.Field], to output: inout ByteBuffer) {
        for field in fields {
            output.append(text: field.name)
            output.append(": ")
            output.append(text: field.value)
            output.append("\r\n")
        }
    }

    /// Begins a page that comes in pieces.
    static func begin(_ page: LocalResponse, to exchange: RequestExchange) {
        let framing = ResponseFraming(
            status: page.status, isHeadRequest: exchange.request.head.method == .head,
            contentLength: nil, clientMinorVersion: exchange.request.head.minorVersion)
        exchange.writer.head(framing, to: exchange.client) {
            $0.append("HTTP/1.1 ")
            $0.append(decimal: page.status)
            $0.append(" OK\r\ncontent-type: ")
            $0.append(text: page.contentType)
            $0.append("\r\n")
            framing.writeField(withheldBytes: nil, to: &$0)
        } own: {
            write(page.fields, to: &$0)
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
            identifier: exchange.logName, limit: failure.limit,
            isForCodex: failure.limit != nil && exchange.request.withHead { isCodex($0) })
    }

    /// The dialect that the client expects: that of its path, as far as it is known.
    static func dialect(of exchange: RequestExchange) -> Dialect {
        if let route = exchange.route { return route.dialect }
        return exchange.request.withHead { exchange.snapshot.routing.dialect(of: $0) } ?? .openai
    }

    /// Whether a client says that it is Codex.
    private static func isCodex(_ head: borrowing RequestHead) -> Bool {
        for field in head.fields where field.name == .other {
            let name = head.name(of: field)
            guard name.matchesIgnoringCase("originator") || name.matchesIgnoringCase("user-agent")
            else { continue }
            if head.value(of: field).hasPrefix("codex") { return true }
        }
        return false
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
        if let limit = failure.limit { return write(limit, to: &output) }
        if failure.status == 401 { output.append("www-authenticate: Bearer realm=\"weir\"\r\n") }
        guard failure.isWorthRetrying else { return output.append("x-should-retry: false\r\n") }
        output.append("x-should-retry: true\r\nretry-after: ")
        let wait = exchange.route.map {
            exchange.snapshot.health.askedWait($0.plan, now: exchange.worker.loop.now)
        }
        output.append(decimal: max(1, Int(((wait ?? .zero).seconds).rounded(.up))))
        output.append("\r\n")
    }

    /// Writes when a limit lets the request pass: for SDKs, and in the words of IETF's draft.
    private static func write(_ limit: LimitNotice, to output: inout ByteBuffer) {
        output.append("x-should-retry: ")
        output.append(limit.isWorthRetrying ? "true\r\n" : "false\r\n")
        guard let seconds = limit.retryAfter else { return }
        output.append("retry-after: ")
        output.append(decimal: seconds)
        output.append("\r\nratelimit-policy: \"")
        output.append(text: limit.bucket)
        output.append("\";q=")
        output.append(decimal: limit.limit)
        if !limit.unit.isEmpty {
            output.append(";qu=\"")
            output.append(text: limit.unit)
            output.append("\"")
        }
        if limit.window > 0 {
            output.append(";w=")
            output.append(decimal: limit.window)
        }
        output.append("\r\nratelimit: \"")
        output.append(text: limit.bucket)
        output.append("\";r=0;t=")
        output.append(decimal: seconds)
        output.append("\r\n")
    }
}
