import Config
import ExchangeCore
import HTTP
import Journal
import Primitives
import Reactor
import Routing
import Transfers

/// The tee: writes an exchange to the worker's journal, and knows how much was written.
///
/// What happens is written as it happens. Nothing here waits, fails, or changes what the client
/// gets; a chunk costs one copy and a checksum. Credentials are left out before anything is
/// written. Each method is lent the exchange that it writes about, and changes only itself and the
/// attempt's ``ResponseRecorder``.
struct ExchangeRecorder: ~Copyable {
    /// The exchange's number there; nil where nothing is written of it.
    var number: UInt64?
    var droppedFrames = 0
    /// Whether it was written how the exchange ends if nothing more is.
    private(set) var isDeliveryWritten = false

    /// Bytes of the request's body so far, and those of them that the journal was given.
    var requestBytes = 0
    var writtenRequestBytes = 0
    /// A body with a hole in it would be taken for another: after the first piece that found no
    /// room nothing more of it is written.
    var isRequestWhole = true
    /// The body on its way through a redactor; empty where there is none.
    var gatheredRequest = ByteBuffer()
    var isRequestWritten = false
    /// The body's last bytes, kept back because they may begin a secret of the gateway's.
    var heldRequest = ByteBuffer()

    /// Looks for the model where the journal's reader cannot; nil where it can.
    var modelSearch: ModelSearch?

    /// The status of an answer of the gateway's own, its code, and why there is no vendor's.
    private var ownStatus = 0
    private var failureCode = ""
    var explanation = ""

    /// Remembers an answer of the gateway's own.
    mutating func rememberOwnAnswer(status: Int, code: String, explanation: String) {
        ownStatus = status
        failureCode = code
        self.explanation = explanation
    }

    /// The tag of a frame: its exchange and attempt.
    func tag(_ exchange: RequestExchange, attempt: Int) -> JournalWriter.FrameTag {
        JournalWriter.FrameTag(
            exchange: number ?? 0, attempt: attempt, time: exchange.worker.loop.now)
    }

    // MARK: The end

    /// Writes how the exchange ends if nothing more is written of it.
    mutating func writeDelivery(_ exchange: RequestExchange) {
        guard number != nil, !isDeliveryWritten, let journal = exchange.worker.journal else {
            return
        }
        isDeliveryWritten = true
        writeRest(exchange, journal)
        prepareSettlement(exchange, exchange.state.outcomeToBe ?? .complete, journal)
        journal.writer.appendDelivery(
            tag(exchange, attempt: exchange.state.attempts), journal.scratch.bytes)
    }

    /// Writes how the exchange ended.
    mutating func writeSettlement(_ exchange: RequestExchange, _ outcome: Outcome) {
        guard number != nil, let journal = exchange.worker.journal else { return }
        writeRest(exchange, journal)
        prepareSettlement(exchange, outcome, journal)
        journal.writer.settle(
            tag(exchange, attempt: exchange.state.attempts), isDeliveryWritten: isDeliveryWritten,
            journal.scratch.bytes)
        number = nil
    }

    /// Writes what was kept back of the bodies, which are at their end.
    private mutating func writeRest(_ exchange: RequestExchange, _ journal: WorkerJournal) {
        writeGatheredRequest(exchange)
        writeHeldRequest(exchange, journal)
        if let answering = exchange.answeringAttempt {
            writeRest(of: answering, journal)
            writeAnswerLosses(of: answering)
        }
        if let attempt = exchange.attempt, attempt !== exchange.answeringAttempt {
            writeRest(of: attempt, journal)
        }
    }

    private mutating func writeRest(of attempt: Attempt, _ journal: WorkerJournal) {
        writeGatheredResponse(of: attempt)
        writeHeldResponse(of: attempt, journal)
    }

    private func prepareSettlement(
        _ exchange: RequestExchange, _ outcome: Outcome, _ journal: WorkerJournal
    ) {
        if exchange.client.phase != .body { modelSearch?.end() }
        guard let identifier = exchange.identifier else { return }
        let now = exchange.worker.loop.now
        func since(_ instant: Instant?) -> Int {
            instant.map { Int(($0 - exchange.requestEnded).nanoseconds) } ?? -1
        }
        let answering = exchange.answeringAttempt
        let response = answering ?? exchange.attempt
        let payload = SettlementPayload(
            identifier: identifier,
            wallMicroseconds: Int(identifier.high >> 16) * 1000 + since(now) / 1000,
            outcome: outcome.rawValue,
            // The status that the client was given: none where it had gone before.
            status: exchange.writer.hasHead ? answering?.clientStatus ?? ownStatus : 0,
            attempts: exchange.state.attempts, answered: answering?.number ?? 0,
            durationNanoseconds: since(now), headNanoseconds: since(response?.recorder.headAt),
            lastByteNanoseconds: answering.map { since($0.lastVendorByte) } ?? -1,
            requestBytes: max(exchange.intake.passedBytes, requestBytes),
            responseBytes: response?.recorder.bytes ?? 0,
            droppedFrames: droppedFrames, isRequestCaptured: isRequestWhole,
            isResponseCaptured: response?.recorder.isWhole ?? true,
            vendor: answering?.vendor.name ?? exchange.vendor?.name ?? "",
            failureCode: failureCode, explanation: explanation,
            model: modelSearch?.name ?? "", caller: Metering.charged(exchange, outcome))
        journal.scratch.removeAll()
        payload.write(to: &journal.scratch)
        journal.hideSecrets()
    }
}
