import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry

// Answers of the gateway's own: refusals, failures, pages, preflights.
extension RequestExchange {
    /// Refuses the request before any attempt, or instead of one.
    func refuse(_ failure: Failure, closing: Bool) {
        worker.metrics.refused.add()
        if closing { writer.lingersAfterwards = true }
        state.refused(failure)
        answer(failure, closing: closing)
    }

    /// A body turned out too large, or malformed, after some of it was passed on.
    func refuseMidStream(_ failure: Failure) {
        worker.metrics.refused.add()
        // What is still to come is no request; the vendor's answer, if there was one, stands.
        writer.closesAfterwards = true
        writer.lingersAfterwards = true
        stop(state.overflowed(failure))
        // Not another byte of it is parsed.
        if client.phase == .body { client.enter(.answering) }
    }

    /// Answers with a failure that the state has taken note of, in the client's own dialect.
    func answer(_ failure: Failure, closing: Bool) {
        if closing { writer.closesAfterwards = true }
        // Of a head that was not understood nothing is known, not even the dialect.
        let dialect =
            route?.dialect
            ?? (isHeadKnown
                ? request.withHead { API(of: $0, path: $0.path) }?.dialect ?? .openai : .openai)
        recorder.noteOwnAnswer(
            status: failure.status, code: failure.code, explanation: failure.explanation)
        writer.answer(status: failure.status, contentType: "application/json", to: client) {
            writeOwnFields(to: &$0)
            writeAdvice(failure, to: &$0)
        } body: {
            dialect.errorBody(error(failure), to: &$0)
        }
        if client.phase != .answering { client.enter(.answering) }
    }

    /// A failure as a dialect tells it.
    func error(_ failure: Failure) -> DialectError {
        DialectError(
            status: failure.status, code: failure.code, message: failure.message,
            identifier: logName)
    }

    /// Answers with a page of the gateway's own.
    func answer(_ page: LocalResponse) {
        state.answeredHere()
        recorder.noteOwnAnswer(status: page.status, code: "", explanation: "")
        writer.answer(status: page.status, contentType: page.contentType, to: client) {
            writeOwnFields(to: &$0)
        } body: {
            $0.append(text: page.body)
        }
    }

    /// Answers a browser that asks whether a page may send a request.
    func answerPreflight() {
        state.answeredHere()
        writer.answer(status: 204, contentType: nil, to: client) { output in
            output.append(
                "access-control-allow-methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
            request.withHead { head in
                for field in head.fields {
                    let name = head.name(of: field)
                    if name.matchesIgnoringCase("access-control-request-headers") {
                        output.append("access-control-allow-headers: ")
                        output.append(head.value(of: field))
                        output.append("\r\n")
                    } else if name.matchesIgnoringCase("access-control-request-private-network") {
                        output.append("access-control-allow-private-network: true\r\n")
                    }
                }
            }
            output.append("access-control-max-age: 600\r\n")
        } body: { _ in
        }
    }

    private func writeOwnFields(to output: inout ByteBuffer) {
        if let identifier {
            output.append("x-weir-id: ")
            identifier.write(to: &output)
            output.append("\r\n")
        }
        if state.attempts > 0 {
            output.append("x-weir-attempts: ")
            output.append(decimal: state.attempts)
            output.append("\r\n")
        }
    }

    /// Tells an SDK whether to ask again, and when: both the truth as far as it is known here.
    private func writeAdvice(_ failure: Failure, to output: inout ByteBuffer) {
        guard failure.isWorthRetrying else { return output.append("x-should-retry: false\r\n") }
        output.append("x-should-retry: true\r\nretry-after: ")
        let wait = route.map { snapshot.health.untilAvailable($0.plan, now: worker.loop.now) }
        output.append(decimal: max(1, Int(((wait ?? .zero).seconds).rounded(.up))))
        output.append("\r\n")
    }
}
