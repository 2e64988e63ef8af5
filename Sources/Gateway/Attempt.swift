import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers
import Translation

/// One try of an exchange against one target: its transfer, and its result.
final class Attempt {
    let exchange: RequestExchange
    // Held here, because a chunk that asks the exchange for it would count references.
    let worker: Worker
    let client: ClientConnection
    /// The exchange's attempts so far, this one included.
    let number: Int
    let route: RoutingTable.Route
    let vendor: SharedVendor
    /// The request in the vendor's dialect, where the client speaks another.
    let translated: TranslatedRequest?
    let began: Instant
    /// When the vendor last gave or took a byte.
    var lastVendorByte: Instant
    var recorder = ResponseRecorder()
    var pipeline: ResponsePipeline

    var transfer: Transfer?
    private(set) var isUsageInjected = false
    /// Whether the body that the client gets may have another length than the vendor's.
    var changesLength = false
    /// Relayed bytes that the counters of the vendor do not know of yet.
    var uncountedBytes = 0

    /// An attempt at the exchange's current target.
    init(_ exchange: RequestExchange, route: RoutingTable.Route) {
        self.exchange = exchange
        worker = exchange.worker
        client = exchange.client
        number = exchange.state.attempts
        self.route = route
        vendor = exchange.snapshot.routing.vendors[route.vendor]
        translated = exchange.translated
        began = exchange.worker.loop.now
        lastVendorByte = began
        pipeline = ResponsePipeline(dialect: route.dialect)
    }

    /// Whether the final head of the response is whole.
    var headIsComplete = false
    /// The status of the response.
    var status = 0
    /// The dialect in which the vendor answers.
    var answerDialect: Dialect { translated?.vendor.dialect ?? route.dialect }
    /// The status that the client is given.
    var clientStatus: Int { pipeline.translator?.clientStatus ?? status }
    /// What made the head unfit.
    var headViolation: StaticString?
    /// Whether libcurl began to send the request, also once the transfer is gone.
    var wasSent: Bool { sentBeforeEnd || transfer?.sentAt != nil }
    var sentBeforeEnd = false
    /// Whether the exchange is charged for it already: it failed, and may have been worked for.
    var isCharged = false
    var isReceivingPaused: Bool { transfer?.isReceivingPaused ?? false }
    /// Whether bytes of the response were passed on.
    var hasPassedBytes: Bool { pipeline.hasPassedBytes }

    // MARK: Transfer

    /// Sends the request.
    func start(onFreshConnection isFresh: Bool) {
        let isTunnel = exchange.tunnel != nil
        let endpoint = exchange.snapshot.endpoints[route.vendor]
        guard let transfer = worker.lanes.makeTransfer(to: endpoint, isTunnel: isTunnel) else {
            return exchange.ended(
                self,
                TransferResult(notStarted: .outOfMemory, detail: "no handle could be made"))
        }
        transfer.needsFreshConnection = isFresh
        let request = exchange.request
        let (body, isReplaced) = writeRequest(to: transfer, isTunnel: isTunnel)
        if worker.settings.server.forwarded == .append {
            let client = exchange.client
            ForwardedFields.write(
                request.head, client: client.address(), isTLS: client.socket.origin.identity != nil,
                vendor, into: transfer)
        }
        if isTunnel { OutboundRequest.writeHandshake(exchange, vendor, into: transfer) }
        exchange.recorder.writeBegin(
            of: self, model: isReplaced ? route.plan.targets[route.target].model ?? "" : "",
            isFresh: isFresh)
        exchange.recorder.writeTranslation(of: self)
        transfer.prepare(
            method: request.head.method, body: body, connectTimeout: route.clocks.connect)
        self.transfer = transfer
        if let result = worker.lanes.start(transfer, delegate: self) {
            self.transfer = nil
            exchange.ended(self, result)
        }
    }

    /// Writes target and fields; returns the body, and whether it asks for another model than the
    /// client does.
    private func writeRequest(to transfer: Transfer, isTunnel: Bool) -> (RequestBody, Bool) {
        let request = exchange.request
        if let translated, let body = translated.body {
            let target = route.plan.targets[route.target]
            if target.isForeign {
                OutboundRequest.write(translated, request.head, vendor: vendor, into: transfer)
            } else {
                let change = OutboundRequest.BodyChange(
                    isChanged: true, isDecoded: request.head.isEncoded,
                    needsReadableAnswer: translated.changesForm)
                _ = OutboundRequest.write(
                    request.head, route: route, vendor: vendor, carrier: exchange.caller?.carrier,
                    forwarded: worker.settings.server.forwarded, change: change,
                    path: translated.changesForm ? translated.path : nil, into: transfer)
                if translated.changesForm {
                    transfer.headers.add(name: "accept-encoding", value: "identity")
                }
            }
            return (.bytes(body), target.model != nil)
        }
        let (body, change) = isTunnel ? (.tunnel, OutboundRequest.BodyChange()) : bodyForTarget()
        let isReplaced = OutboundRequest.write(
            request.head, route: route, vendor: vendor, carrier: exchange.caller?.carrier,
            forwarded: worker.settings.server.forwarded, change: change, into: transfer)
        return (body, isReplaced)
    }

    /// Takes the transfer back, wherever it is.
    func cancel() {
        guard let transfer else { return }
        sentBeforeEnd = wasSent
        self.transfer = nil
        worker.lanes.cancel(transfer, isReset: exchange.tunnel?.isReset ?? false)
    }

    /// The body for the target: the client's own, or another with the target's model in it, or
    /// one that asks for usage.
    private func bodyForTarget() -> (RequestBody, OutboundRequest.BodyChange) {
        var change = OutboundRequest.BodyChange()
        let request = exchange.request
        var written = ByteBuffer()
        if let model = route.plan.targets[route.target].model, let content = exchange.intake.content
        {
            change.isChanged = request.withHead { head in
                exchange.intake.withBody(of: request) {
                    content.write(head, $0.bytes, model: model, to: &written)
                }
            }
            change.isDecoded = change.isChanged && content.isEncoded
            change.hasOtherModel = change.isChanged
        }
        let mayAsk = vendor.includeUsage == .inject && route.dialect == .openai
        if mayAsk, !exchange.intake.isStreaming,
            request.withHead({ UsageInjection.applies(to: $0.path) })
        {
            var plain = ByteBuffer()
            swap(&plain, &written)
            isUsageInjected =
                change.isChanged
                ? UsageInjection.write(plain.bytes, to: &written)
                : exchange.intake.withBody(of: request) {
                    UsageInjection.write($0.bytes, to: &written)
                }
            if isUsageInjected { change.isChanged = true } else { swap(&plain, &written) }
        }
        change.needsReadableAnswer =
            isUsageInjected || exchange.heartbeat != nil || AnswerAddresses.areOfBatches(self)
        let body: RequestBody =
            change.isChanged
            ? .bytes(KeptBody(written, countedBy: worker.bodies))
            : exchange.intake.bodyToSend(of: request, spare: &client.spareBody)
        return (body, change)
    }

    /// Lets go of a body that the vendor has to its end; false where some may still be read.
    func releaseSentBody() -> Bool {
        // A streamed body is here only as far as it was not sent yet.
        guard !exchange.intake.isStreaming else { return false }
        return transfer?.releaseSentBody() ?? false
    }

    /// More of a streamed body is there to be sent.
    func resumeSending() {
        if let transfer { worker.lanes.resumeSending(transfer) }
    }

    /// Goes on with a response that was paused.
    func resumeReceiving() {
        guard let transfer, transfer.isReceivingPaused else { return }
        lastVendorByte = worker.loop.now
        worker.lanes.resumeReceiving(transfer)
    }

    /// Goes on with a response that was paused for its client, once that has taken enough.
    func resumeReceivingIfTaken() {
        guard isReceivingPaused, client.output.count <= Limits.outputLowBytes else { return }
        // The time that the client took does not count for the vendor's clock. libcurl may hand
        // over bytes before this returns: they are for the next turn.
        resumeReceiving()
    }

    // MARK: Response

    /// Passes a head on: the commit of a response that is not held.
    func relayHead() {
        guard let transfer else { return }
        // The gateway's own head has gone before.
        guard !exchange.writer.hasHead else { return }
        let framing = framing(of: transfer.head)
        exchange.writer.head(framing, to: client) {
            writeHead(transfer.head, framing, to: &$0)
        } own: {
            writeOwnFields(to: &$0)
        }
        client.isClockChanged = true
        // The first content of a stream may be long in coming, and libcurl looks for it before it
        // returns. A body of a known length comes with its head more often than not, and goes with
        // it.
        if framing == .chunked || framing == .tunnel { client.sendAhead() }
        if framing == .tunnel { exchange.tunnel?.open(transfer.head) }
    }

    /// The hold that keeps a response until it is known to be an answer.
    func makeHold(
        _ reason: AttemptVerdict.HoldReason, _ head: borrowing ResponseHead
    ) -> Hold {
        let framing = framing(of: head)
        let hold = Hold(
            reason, status: head.status, framing: framing,
            advice: RetryAdvice(head, now: Identifier.wallClockMilliseconds()),
            bytesMax: route.plan.holdBytesMax, now: worker.loop.now)
        writeHead(head, framing, to: &hold.head)
        client.isClockChanged = true
        client.requestFlush()
        return hold
    }

    /// Passes on what was held, in one write.
    func relay(_ hold: Hold) {
        guard !exchange.writer.hasHead else { return relayBehindOwnHead(hold) }
        exchange.writer.head(hold.framing, to: client) {
            hold.writeHead(to: &$0)
        } own: {
            writeOwnFields(to: &$0)
        }
        exchange.writer.pieces(of: hold, to: client)
        hold.release()
    }

    /// Passes on what was held behind a head of the gateway's own, where it can follow that.
    private func relayBehindOwnHead(_ hold: Hold) {
        if hold.status == 200, pipeline.bearsHeartbeats {
            exchange.writer.pieces(of: hold, to: client)
        } else {
            Heartbeat.end(exchange, instead: hold, vendor: vendor.name)
        }
        hold.release()
    }

    private func framing(of head: borrowing ResponseHead) -> ResponseFraming {
        // A stream may have to be broken off, and its usage may be taken out. With a length in its
        // head it would be whole with the last byte of that, whatever was missing.
        let isOpen = head.mediaType == .eventStream || changesLength
        let contentLength = isOpen ? nil : head.contentLength
        let request = exchange.request
        return ResponseFraming(
            status: head.status, isHeadRequest: request.head.method == .head,
            contentLength: contentLength, clientMinorVersion: request.head.minorVersion)
    }

    /// Writes the status line, the vendor's fields and the framing; what is ours comes after.
    private func writeHead(
        _ head: borrowing ResponseHead, _ framing: ResponseFraming, to output: inout ByteBuffer
    ) {
        head.writeStatusLine(to: &output)
        // The gateway has allowed this page; the vendor's CORS fields must not deny it.
        head.writeFields(to: &output, withoutCORS: exchange.origin == .allowed)
        if framing == .tunnel { head.writeSwitch(to: &output) }
        let hasLength = head.status != 204 && !changesLength
        framing.writeField(withheldBytes: hasLength ? head.contentLength : nil, to: &output)
    }

    private func writeOwnFields(to output: inout ByteBuffer) {
        output.append("x-weir-id: ")
        exchange.identifier?.write(to: &output)
        output.append("\r\nx-weir-vendor: ")
        output.append(text: vendor.name)
        output.append("\r\nx-weir-attempts: ")
        output.append(decimal: exchange.state.attempts)
        output.append("\r\n")
        if let translated {
            TranslatedHead.writeLosses(translated, pipeline.translator, to: &output)
        }
        if exchange.request.head.asksForTrace { writeTiming(to: &output) }
    }

    /// Writes how the time until this head was spent, in milliseconds: in vain, and at the vendor.
    private func writeTiming(to output: inout ByteBuffer) {
        let lost = (began - exchange.requestEnded).seconds * 1000
        let vendor = (worker.loop.now - began).seconds * 1000
        output.append("server-timing: failed;dur=")
        output.append(text: "\((lost * 10).rounded() / 10)")
        output.append(", vendor;dur=")
        output.append(text: "\((vendor * 10).rounded() / 10)")
        output.append("\r\n")
    }
}
