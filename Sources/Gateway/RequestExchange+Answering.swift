import ExchangeCore
import HTTP
import Primitives
import Telemetry

// Answers of the gateway's own: refusals, failures, pages, preflights.
extension RequestExchange {
    /// Refuses the request before any attempt, or instead of one.
    func refuse(_ failure: Failure, closing: Bool) {
        worker.metrics.refused.add()
        state.refused(failure)
        // What has come of the body is in the record.
        EarlyRefusal.begin(self)
        intake.dropBody(of: request)
        answer(failure, closing: closing)
        ExchangeLog.refused(self, failure)
    }

    /// A body turned out too large, or malformed, after some of it was passed on.
    func refuseMidStream(_ failure: Failure) {
        worker.metrics.refused.add()
        // What is still to come is no request; the vendor's answer, if there was one, stands.
        writer.closesAfterwards = true
        stop(state.overflowed(failure))
        ExchangeLog.refused(self, failure)
        // Not another byte of it is parsed.
        if client.phase == .body { client.enter(.answering) }
    }

    /// Answers with a failure that the state knows of.
    func answer(_ failure: Failure, closing: Bool) {
        if closing { writer.closesAfterwards = true }
        EarlyRefusal.begin(self)
        OwnAnswer.write(failure, to: self)
        if client.phase != .answering { client.enter(.answering) }
    }

    /// Answers without a vendor: with a page for operators, or a preflight where there is none.
    func answerHere(_ page: LocalResponse?) {
        state.answeredHere()
        if let page { OwnAnswer.write(page, to: self) } else { OwnAnswer.writePreflight(to: self) }
    }
}
