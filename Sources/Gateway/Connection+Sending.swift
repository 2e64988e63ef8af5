import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// The output to the client, and what follows a response.
extension Connection {
    /// Has the output sent at the end of this turn, together with whatever comes until then.
    func requestFlush() {
        guard !isAwaitingFlush, phase != .closed else { return }
        isAwaitingFlush = true
        worker.needsFlush(self)
    }

    /// Gives the kernel the first piece of a turn at once; what follows in the same turn is
    /// gathered.
    ///
    /// libcurl goes on reading for as long as the vendor goes on sending, and has the end of a
    /// response to see to before it returns: the first piece would wait for both. It is called from
    /// inside libcurl, so whatever the sending comes to is acted upon by ``flush()``, which comes
    /// in any case.
    func sendFirstOfTurn() {
        guard lastSentFirst != worker.loop.now else { return }
        lastSentFirst = worker.loop.now
        sendAhead()
    }

    /// Gives the kernel what it takes, and leaves it to ``flush()`` to act upon what came of it.
    func sendAhead() {
        if isLastByteInOutput { teeDelivery() }
        if case .moved = Socket.send(descriptor, from: &output) {
            lastClientProgress = worker.loop.now
        }
    }

    /// Whether the client has all of the response once it has what waits for it, though the
    /// transfer's end is not known yet.
    private var isLastByteInOutput: Bool {
        guard exchange.isCommitted else { return false }
        guard case .length(let length) = framing else { return framing == .none }
        return tee.responseBytes >= length
    }

    /// Gives the kernel what it takes, once.
    func flush() {
        isAwaitingFlush = false
        guard phase != .closed else { return }
        if phase == .unheard { return unheardBytesLeft < 0 ? stopUnheard() : () }
        countRelayedBytes()
        actOnHold()
        if !output.isEmpty {
            if isResponseComplete || isLastByteInOutput { teeDelivery() }
            switch Socket.send(descriptor, from: &output) {
            case .moved: lastClientProgress = worker.loop.now
            case .wouldBlock: break
            case .closed, .failed: return clientGone()
            }
        }
        if output.isEmpty {
            worker.buffers.reclaim(&output)
            if worker.loop.interest(of: descriptor)?.contains(.write) ?? false { updateInterest() }
            if isClockChanged {
                isClockChanged = false
                ensureClock()
            }
        } else {
            updateInterest()
            ensureClock()
            // Once the client has taken this, time runs against the vendor again.
            isClockChanged = true
        }
        if let transfer, transfer.isReceivingPaused, output.count <= Limits.outputLowBytes {
            // The time the client took was not the vendor's.
            lastVendorByte = worker.loop.now
            // libcurl may hand over bytes before this returns: they are for the next turn.
            worker.lanes.resumeReceiving(transfer)
        }
        if isResponseComplete, output.isEmpty, !isAwaitingFlush { responseSent() }
    }

    /// Writes an answer of the gateway's own.
    func respond(_ response: LocalResponse) {
        exchange.answeredHere()
        writeLocal(status: response.status, contentType: response.contentType) { body in
            body.append(text: response.body)
        }
    }

    /// Answers with a failure that the exchange has taken note of, in the client's own dialect.
    func answer(_ failure: Failure, closing: Bool) {
        if closing { closesAfterResponse = true }
        // Of a head that was not understood nothing is known, not even the dialect.
        let dialect =
            route?.dialect
            ?? (phase == .head || phase == .idle
                ? .openai : parser.withHead { API(of: $0, path: $0.path) }?.dialect ?? .openai)
        let error = DialectError(
            status: failure.status, code: failure.code, message: failure.message,
            identifier: identifier?.description ?? ""
        )
        writeLocal(status: failure.status, contentType: "application/json", failure) { body in
            dialect.errorBody(error, to: &body)
        }
        if phase != .answering { enter(.answering) }
    }

    /// Refuses the request before any attempt, or instead of one.
    func refuse(_ failure: Failure, closing: Bool) {
        worker.metrics.refused.add()
        if closing { lingersAfterResponse = true }
        exchange.refused(failure)
        answer(failure, closing: closing)
    }

    private func writeLocal(
        status: Int, contentType: String, _ failure: Failure? = nil,
        _ writeBody: (inout ByteBuffer) -> Void
    ) {
        tee.status = status
        tee.failureCode = failure?.code ?? ""
        tee.explanation = failure?.explanation ?? ""
        var body = ByteBuffer()
        writeBody(&body)
        worker.buffers.lend(to: &output)
        output.append("HTTP/1.1 ")
        output.append(decimal: status)
        output.append(byte: 0x20)
        output.append(reasonPhrase(status))
        output.append("\r\ncontent-type: ")
        output.append(text: contentType)
        output.append("\r\ncontent-length: ")
        output.append(decimal: body.count)
        output.append("\r\n")
        writeConnectionField()
        if let identifier {
            output.append("x-weir-id: ")
            identifier.write(to: &output)
            output.append("\r\n")
        }
        if exchange.attempts > 0 {
            output.append("x-weir-attempts: ")
            output.append(decimal: exchange.attempts)
            output.append("\r\n")
        }
        if let failure { writeAdvice(failure) }
        if status == 405 {
            output.append("allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n")
        }
        if origin == .allowed { writeCORS() }
        output.append("\r\n")
        if parser.head.method != .head { output.append(body.bytes) }
        isResponseComplete = true
        requestFlush()
    }

    /// Tells an SDK whether to ask again, and when: both the truth as far as it is known here.
    private func writeAdvice(_ failure: Failure) {
        guard failure.isWorthRetrying else { return output.append("x-should-retry: false\r\n") }
        output.append("x-should-retry: true\r\nretry-after: ")
        let wait = route.map { edition.health.untilAvailable($0.plan, now: worker.loop.now) }
        output.append(decimal: max(1, Int(((wait ?? .zero).seconds).rounded(.up))))
        output.append("\r\n")
    }

    /// The vendor's response is whole.
    func finish() {
        framing.writeEnd(to: &output)
        isResponseComplete = true
        requestFlush()
    }

    /// The vendor's response will never be whole: what came is sent, and the framing left open.
    func breakOff() {
        isBrokenOff = true
        closesAfterResponse = true
        writeErrorEvent()
        isResponseComplete = true
        requestFlush()
    }

    /// The kernel has the whole response.
    private func responseSent() {
        guard phase == .answering || phase == .body else { return }
        if exchange.delivered() { settle() }
        servedCount += 1
        if isBrokenOff {
            // An HTTP/1.0 client takes the end of the connection for the end of the body, so it
            // must be a reset; the others see that the announced end is missing.
            if framing == .close { Socket.resetOnClose(descriptor) }
            return close()
        }
        if phase == .body || lingersAfterResponse { return beginLingering() }
        if closesAfterResponse || worker.isDraining { return close() }
        nextRequest()
    }

    private func nextRequest() {
        parser.next()
        exchange = ExchangeState()
        identifier = nil
        route = nil
        content = nil
        modelScanBytes = 0
        origin = .none
        edition = worker.edition
        tried.removeAll()
        tee = Tee()
        hold = nil
        lastAnswer = nil
        spliced.release()
        usageFilter = nil
        isUsageInjected = false
        isEventStream = false
        isEncodedStream = false
        answerDecoder = nil
        streamEnd = StreamEnd()
        contents = nil
        terminal = nil
        isResponseComplete = false
        hasResponseBytes = false
        if pending.isEmpty { parser.releaseMemoryIfLarge() }
        enter(.idle)
        // Reading may have been paused for the sake of an upload that ended early.
        resumeReading()
        if !pending.isEmpty { takePending() }
    }

    /// Closes our side and reads on for a while: to close both at once would reset the connection
    /// under a client that is still sending, and it would never see the answer.
    private func beginLingering() {
        Socket.shutDownWriting(descriptor)
        parser.releaseMemory()
        pending.release()
        enter(.lingering)
        resumeReading()
    }

    func linger(_ readiness: Readiness) {
        var input = ByteBuffer()
        swap(&input, &worker.input)
        defer {
            input.removeAll()
            swap(&input, &worker.input)
        }
        switch Socket.receive(descriptor, into: &input, room: Limits.receiveBytesPerTurn) {
        case .moved(let count):
            lingerBytesLeft -= count
            if lingerBytesLeft <= 0 { close() }
        case .wouldBlock:
            break
        case .closed, .failed:
            close()
        }
    }
}
