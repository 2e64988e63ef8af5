import Access
import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// What libcurl reports of the transfer. All but the last are called from inside it.
extension Attempt: TransferDelegate {
    func transferReceivedHead(_ transfer: Transfer) {
        headIsComplete = transfer.head.isComplete
        status = transfer.head.status
        let addresses = AnswerAddresses(self)
        // The record has the addresses as they came, and that they did not stay so.
        addresses?.declare(in: transfer)
        exchange.recorder.writeHead(transfer.head, of: self)
        addresses?.apply(to: transfer)
        let ownAddress = addresses?.filter(transfer.head)
        changesLength = ownAddress != nil
        if exchange.state.isDetached { return DetachedAnswer.headReceived(self, transfer.head) }
        if let translated, translated.changesForm {
            return TranslatedAnswer.begin(self, transfer.head, translated)
        }
        let demands = ResponsePipeline.Demands(
            filtersUsage: isUsageInjected, awaitsTerminal: awaitsTerminal(transfer.head),
            watchesContent: route.clocks.contentIdle > .zero, masksBodies: worker.masksBodies,
            observesFrames: transfer.head.switchesProtocol,
            readsUsage: exchange.caller?.reservation?.demand.isWork ?? false,
            addresses: ownAddress)
        let hold = holdReason(transfer.head).map {
            makeHold($0, transfer.head)
        }
        pipeline.begin(transfer.head, demands, hold: hold, now: worker.loop.now)
        exchange.headReceived(self)
    }

    /// Whether a stream with this head must end in its dialect's marker.
    private func awaitsTerminal(_ head: borrowing ResponseHead) -> Bool {
        guard vendor.terminal == .strict, head.mediaType == .eventStream,
            ResponsePipeline.isReadable(head), head.status < 300, head.status != 204,
            exchange.request.head.method != .head
        else { return false }
        return exchange.request.withHead { route.dialect.marksStreamEnds(target: $0.pathAndQuery) }
    }

    /// What a response with this head is held for; nil when it is passed on at once.
    private func holdReason(_ head: borrowing ResponseHead) -> AttemptVerdict.HoldReason? {
        // What cannot follow the gateway's own head is read to its end, whatever it is.
        let followsHead = head.status == 200 && head.mediaType == .eventStream && !head.isEncoded
        if exchange.writer.hasHead, !followsHead {
            let failure = AttemptVerdict.failureClass(
                status: head.status, isOwnCredential: vendor.hasOwnCredential)
            let movesOn = head.status >= 400 && route.plan.policy.movesOn(from: failure)
            return movesOn ? .refusal(failure) : .suspicion
        }
        guard exchange.mayTryAnother else { return nil }
        let facts = AttemptVerdict.Head(
            status: head.status, mediaType: head.mediaType, contentLength: head.contentLength,
            isEncoded: head.isEncoded, isReadable: ResponsePipeline.isReadable(head),
            bytesMax: route.plan.holdBytesMax)
        return AttemptVerdict.holdReason(
            facts, isPost: exchange.request.head.method == .post,
            isWork: exchange.request.withHead { head in
                RequestWork.isBilled(method: head.method.name, target: head.pathAndQuery.text)
            },
            isOwnCredential: vendor.hasOwnCredential, route.plan.policy)
    }

    /// What a response that was held to its end is.
    func verdict(on hold: Hold, lacksTerminal: Bool) -> AttemptVerdict {
        hold.isWhole = !lacksTerminal
        pipeline.readHeldToEnd()
        return AttemptVerdict.whole(
            AttemptVerdict.Held(
                hold.reason, status: hold.status, showsContent: pipeline.showsContent,
                showsError: pipeline.showsError || hold.answerBody == .error,
                emptiness: pipeline.emptiness,
                lacksTerminal: lacksTerminal, isAboutCredential: showsRefusedCredential))
    }

    /// Whether the vendor refused a credential of the gateway's, and the chain moves on from that.
    var showsRefusedCredential: Bool {
        guard let hold = pipeline.hold else { return false }
        return vendor.hasOwnCredential && hold.facts.isCredential
            && route.plan.policy.movesOn(from: .credential)
    }

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        lastVendorByte = worker.loop.now
        guard pipeline.isPlain else { return takeThroughStages(bytes, of: transfer) }
        exchange.recorder.write(bytes, of: self, reads: bytes, isReadable: true)
        pass(bytes, of: transfer)
    }

    /// Passes a piece on to the client.
    @inline(__always)
    private func pass(_ bytes: Span<UInt8>, of transfer: Transfer) {
        // Without a head that was passed on there is no framing for it.
        guard exchange.state.isCommitted else { return exchange.detached?.drop(bytes.count) ?? () }
        // It could not follow a head of the gateway's, and has ended for the client.
        guard !exchange.writer.isComplete else { return }
        pipeline.pass(bytes, client)
        uncountedBytes += bytes.count
        exchange.writer.piece(bytes, to: client)
        client.sendFirstOfTurn()
        if client.output.count > Limits.outputHighBytes { worker.lanes.pauseReceiving(transfer) }
        client.requestFlush()
    }

    private func takeThroughStages(_ bytes: Span<UInt8>, of transfer: Transfer) {
        if pipeline.isTunnel {
            exchange.recorder.write(bytes, of: self, reads: bytes, isReadable: true)
            exchange.tunnel?.vendorSent(bytes)
            return pass(bytes, of: transfer)
        }
        if pipeline.translator != nil { return TranslatedAnswer.take(bytes, of: self, transfer) }
        var plain = ByteBuffer()
        swap(&plain, &worker.plain)
        if let isReadable = pipeline.decode(bytes, to: &plain) {
            pipeline.observe(plain.bytes, isReadable: isReadable, now: worker.loop.now)
            exchange.recorder.write(bytes, of: self, reads: plain.bytes, isReadable: isReadable)
            advance(bytes, reads: plain.bytes, isReadable: isReadable, of: transfer)
        } else {
            // What a filter takes out is counted, too.
            pipeline.observe(bytes, isReadable: true, now: worker.loop.now)
            exchange.recorder.write(bytes, of: self, reads: bytes, isReadable: true)
            if pipeline.filter(bytes, to: &plain) {
                if !plain.isEmpty {
                    advance(plain.bytes, reads: plain.bytes, isReadable: true, of: transfer)
                }
            } else {
                advance(bytes, reads: bytes, isReadable: true, of: transfer)
            }
        }
        plain.removeAll()
        swap(&plain, &worker.plain)
    }

    /// Takes a piece that was filtered through inspection and hold to the client.
    ///
    /// Called from inside libcurl; a failure is handled at the end of the turn.
    func advance(
        _ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool, of transfer: Transfer
    ) {
        pipeline.take(bytes, reads: plain, isReadable: isReadable, now: worker.loop.now)
        guard let hold = pipeline.hold else { return pass(bytes, of: transfer) }
        switch hold.finding {
        case .waiting: break
        case .failed: client.requestFlush()
        case .release:
            exchange.releaseHold()
            client.sendFirstOfTurn()
        }
    }

    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece {
        if let tunnel = exchange.tunnel { return unsafe tunnel.fill(space, of: self) }
        let isUploading = client.phase == .body
        // A request that broke off must not be ended: the vendor would take it for whole.
        // One whose client has gone is whole.
        guard
            exchange.state.isDetached
                || exchange.state.isInFlight && (isUploading || client.phase == .answering)
        else { return .abort }
        let request = exchange.request
        guard !request.body.isEmpty else { return isUploading ? .notYet : .end }
        let count = min(space.count, request.body.count)
        unsafe space.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: request.body.pointer[0..<count]))
        request.withBody { exchange.recorder.writeRequest($0.bytes(0..<count), of: exchange) }
        request.body.consume(count)
        exchange.intake.passedBytes += count
        lastVendorByte = worker.loop.now
        if client.isReadPaused, request.body.count < Limits.uploadLowBytes {
            client.resumeReading()
        }
        return .bytes(count)
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        headIsComplete = transfer.head.isComplete
        headViolation = transfer.head.violation
        let isWhole = result.code == .ok && headIsComplete
        if pipeline.translator != nil {
            TranslatedAnswer.end(self, transfer, isWhole: isWhole)
        } else {
            // A last event without its blank line still waits in the filter.
            var rest = ByteBuffer()
            pipeline.endFilter(to: &rest, isWhole: isWhole)
            if !rest.isEmpty {
                advance(rest.bytes, reads: rest.bytes, isReadable: true, of: transfer)
            }
        }
        sentBeforeEnd = wasSent
        self.transfer = nil
        // A client at rest gives way, so that the next request finds a descriptor.
        if result.isStarved { _ = worker.closeResting() }
        exchange.ended(self, result)
    }
}
