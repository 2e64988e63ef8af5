import Codings
import Config
import Dialects
import ExchangeCore
import HTTP
import JSON
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Attempt: the request goes to a vendor.
extension Connection {
    var vendor: SharedVendor? {
        route.map { edition.routing.vendors[$0.vendor] }
    }

    /// Sends the request to the route's current target.
    func attempt(onFreshConnection isFresh: Bool) {
        guard let route, let vendor else { return }
        exchange.attemptBegan()
        attemptBegan = worker.loop.now
        edition.metrics[route.vendor].attempts.add()
        guard let transfer = worker.lanes.makeTransfer(to: edition.endpoints[route.vendor]) else {
            return ended(
                TransferResult(notStarted: .outOfMemory, detail: "no handle could be made"),
                headIsComplete: false, violation: nil
            )
        }
        transfer.needsFreshConnection = isFresh
        let (bytes, change) = unsafe bodyForTarget(route, vendor)
        let isReplaced = Attempt.write(
            parser.head, route: route, vendor: vendor, change: change, into: transfer)
        teeAttemptBegan(
            model: isReplaced ? route.plan.targets[route.target].model ?? "" : "", isFresh: isFresh)
        let body: RequestBody =
            switch bodyMode {
            case .stream(let length): .stream(length: length)
            case .keep: parser.head.hasBody ? .bytes : .none
            }
        unsafe transfer.prepare(
            method: parser.head.method, body: body, bytes: bytes,
            connectTimeout: route.clocks.connect
        )
        self.transfer = transfer
        if let result = worker.lanes.start(transfer, delegate: self) {
            self.transfer = nil
            ended(result, headIsComplete: false, violation: nil)
        }
    }

    /// The kept body as the current target wants it: the client's own bytes, or a copy with the
    /// target's model in it, or with usage asked for.
    ///
    /// It stays where it is until the transfer has ended.
    private func bodyForTarget(
        _ route: RoutingTable.Route, _ vendor: SharedVendor
    ) -> (UnsafeRawBufferPointer, Attempt.BodyChange) {
        spliced.removeAll()
        usageFilter = nil
        isUsageInjected = false
        var change = Attempt.BodyChange()
        if let model = route.plan.targets[route.target].model, let content {
            change.isChanged = parser.withHead { head in
                parser.withBody { body in
                    content.write(head, body.bytes, model: model, to: &spliced)
                }
            }
            change.isDecoded = change.isChanged && content.isEncoded
            change.hasOtherModel = change.isChanged
        }
        let mayAsk = vendor.includeUsage == .inject && route.dialect == .openai
        if mayAsk, case .keep = bodyMode,
            parser.withHead({ UsageInjection.applies(to: $0.path) })
        {
            var plain = ByteBuffer()
            swap(&plain, &spliced)
            isUsageInjected =
                change.isChanged
                ? UsageInjection.write(plain.bytes, to: &spliced)
                : parser.withBody { UsageInjection.write($0.bytes, to: &spliced) }
            if isUsageInjected { change.isChanged = true } else { swap(&plain, &spliced) }
        }
        change.needsReadableAnswer = isUsageInjected
        return unsafe (change.isChanged ? spliced.pointer : parser.body.pointer, change)
    }

    /// Carries out what the exchange decides about the end of a transfer.
    func ended(_ result: TransferResult, headIsComplete: Bool, violation: StaticString?) {
        guard let vendor else { return }
        if hold?.finding == .failed, exchange.isHolding {
            return endedWhileHeldFailed(isWhole: result.code == .ok && headIsComplete)
        }
        var canRepeat = false
        if case .keep = bodyMode { canRepeat = true }
        let lacksTerminal = terminal?.lacksTerminal() ?? false
        let decision = exchange.transferEnded(
            result, vendor: vendor.name, headIsComplete: headIsComplete, violation: violation,
            canRepeat: canRepeat, lacksTerminal: lacksTerminal
        )
        switch decision {
        case .finish:
            finish()
        case .breakOff(let outcome):
            let reason: String? =
                result.code == .ok && lacksTerminal
                ? "the stream ended without its terminal marker" : nil
            logBreak(outcome, result, reason)
            tee.explanation = reason ?? "\(result.code.name): \(result.detail)"
            breakOff()
        case .failed(let failureClass, let failure):
            hold = nil
            attemptFailed(failureClass, failure, result: result)
        case .heldWhole:
            heldWhole(result, lacksTerminal: lacksTerminal)
        case .retryFresh:
            edition.metrics[route?.vendor ?? 0].staleRetries.add()
            teeAttemptFailed(
                "stale", result, status: 0, reason: "a pooled connection was dead")
            attempt(onFreshConnection: true)
        case .readOut:
            heardOut(result, headIsComplete: headIsComplete)
        case .nothing:
            break
        }
    }

    /// Says that nothing came of the last attempt.
    ///
    /// Where another follows, the line that says so is the only one.
    func logFailure(_ failure: Failure, _ result: TransferResult) {
        var metadata = logMetadata(result)
        metadata["status"] = "\(failure.status)"
        metadata["sent"] = "\(result.wasSent)"
        worker.logger.warning("a vendor gave no response", metadata: metadata)
    }

    /// `reason`: why, where libcurl saw nothing wrong.
    private func logBreak(_ outcome: Outcome, _ result: TransferResult, _ reason: String?) {
        var metadata = logMetadata(result)
        metadata["outcome"] = "\(outcome.name)"
        if let reason { metadata["reason"] = "\(reason)" }
        worker.logger.warning("a response broke off", metadata: metadata)
    }

    private func logMetadata(_ result: TransferResult) -> Logger.Metadata {
        [
            "exchange": "\(identifier.map(\.description) ?? "")",
            "vendor": "\(vendor?.name ?? "")", "curl": "\(result.code.name)",
            "detail": "\(result.detail)",
        ]
    }
}

// What libcurl reports of the transfer. All but the last are called from inside it.
extension Connection: TransferDelegate {
    func transferReceivedHead(_ transfer: Transfer) {
        teeHead(of: transfer)
        answerDecoder = nil
        if exchange.isDetached { return noteUnheardHead(transfer) }
        terminal = terminalWatch(transfer.head)
        if isUsageInjected, transfer.head.mediaType == .eventStream, !transfer.head.isEncoded,
            transfer.head.contentLength == nil
        {
            usageFilter = UsageFilter()
        }
        let kind = holdKind(transfer.head)
        answerDecoder = decoder(for: transfer.head, isHeld: kind != nil)
        switch exchange.headReceived(holds: kind != nil) {
        case .relay: relayHead(of: transfer)
        case .hold: if let kind { beginHold(kind, of: transfer) }
        case .ignore: break
        }
    }

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        guard let answerDecoder else { return take(bytes, reads: bytes, of: transfer) }
        var plain = ByteBuffer()
        swap(&plain, &worker.plain)
        let isReadable = answerDecoder.decode(bytes) { plain.append($0) }
        // What cannot be read any more is not guessed at.
        if !isReadable { self.answerDecoder = nil }
        take(bytes, reads: plain.bytes, isReadable: isReadable, of: transfer)
        plain.removeAll()
        swap(&plain, &worker.plain)
    }

    /// Takes a piece of a response, which reads as `plain` once its content coding is undone.
    @inline(__always)
    private func take(
        _ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool = true,
        of transfer: Transfer
    ) {
        teeChunk(bytes, reads: plain, isReadable: isReadable)
        if isReadable { terminal?.take(plain) } else { terminal = nil }
        guard var filter = usageFilter.take() else {
            return passOn(bytes, reads: plain, isReadable: isReadable, of: transfer)
        }
        var passed = ByteBuffer()
        filter.take(bytes, to: &passed)
        usageFilter = consume filter
        if !passed.isEmpty { passOn(passed.bytes, reads: passed.bytes, of: transfer) }
    }

    @inline(__always)
    private func passOn(
        _ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool = true,
        of transfer: Transfer
    ) {
        if let hold {
            return self.hold(bytes, reads: plain, isReadable: isReadable, in: hold, of: transfer)
        }
        // Without a head that was passed on there is no framing for them.
        guard exchange.isCommitted else { return dropUnheard(bytes.count) }
        relay(bytes, reads: plain, of: transfer)
    }

    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece {
        // A request that broke off must not be told its end: the vendor would take it for whole.
        // One whose client has gone is whole.
        guard phase == .unheard || exchange.isInFlight && (phase == .body || phase == .answering)
        else { return .abort }
        guard !parser.body.isEmpty else {
            return phase == .body ? .notYet : .end
        }
        let count = min(space.count, parser.body.count)
        unsafe space.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: parser.body.pointer[0..<count])
        )
        parser.withBody { teeRequestBody($0.bytes(0..<count)) }
        parser.body.consume(count)
        bodyBytes += count
        lastVendorByte = worker.loop.now
        if isReadPaused, parser.body.count < Limits.uploadLowBytes { resumeReading() }
        return .bytes(count)
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        if var filter = usageFilter.take() {
            // A last event without its blank line was still waited for.
            var rest = ByteBuffer()
            filter.endStream(to: &rest)
            if !rest.isEmpty { passOn(rest.bytes, reads: rest.bytes, of: transfer) }
        }
        self.transfer = nil
        ended(
            result, headIsComplete: transfer.head.isComplete, violation: transfer.head.violation
        )
    }
}
