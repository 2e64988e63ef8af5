import Codings
import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Hold: a response that may yet turn out to be a failure is kept until it is known to be an answer.
extension Connection {
    /// What is to be held of a response with this head; nil when it is passed on at once.
    func holdKind(_ head: borrowing ResponseHead) -> AttemptVerdict.HoldReason? {
        guard let route, let vendor, canFollow(route) else { return nil }
        let facts = AttemptVerdict.Head(
            status: head.status, mediaType: head.mediaType, contentLength: head.contentLength,
            isEncoded: head.isEncoded, isReadable: isReadable(head))
        return AttemptVerdict.holdReason(
            facts, isPost: parser.head.method == .post,
            isOwnCredential: vendor.hasOwnCredential, route.plan.policy)
    }

    /// What looks for the terminal marker of a response with this head; nil where none is due.
    ///
    /// Called from inside libcurl.
    func terminalWatch(_ head: borrowing ResponseHead) -> TerminalWatch? {
        guard let route, let vendor, vendor.terminal == .strict, head.mediaType == .eventStream,
            isReadable(head), head.status < 300, head.status != 204, parser.head.method != .head
        else { return nil }
        let isDue = parser.withHead { route.dialect.marksStreamEnds(target: $0.pathAndQuery) }
        return isDue ? TerminalWatch(dialect: route.dialect) : nil
    }

    /// Whether the bytes of a response with this head can be looked into.
    private func isReadable(_ head: borrowing ResponseHead) -> Bool {
        !head.isEncoded || ContentDecoder(head.codings.span) != nil
    }

    /// What undoes the content coding of a response with this head; nil where it has none, or none
    /// that is known, or where nothing looks into it.
    ///
    /// Called from inside libcurl.
    func decoder(for head: borrowing ResponseHead, isHeld: Bool) -> ContentDecoder? {
        guard head.isEncoded else { return nil }
        let watchesContents =
            head.mediaType == .eventStream && route?.clocks.contentIdle ?? .zero > .zero
        guard isHeld || terminal != nil || watchesContents || masksBodies else { return nil }
        return ContentDecoder(head.codings.span)
    }

    /// Whether another attempt could follow the current one.
    private func canFollow(_ route: RoutingTable.Route) -> Bool {
        guard route.plan.hasAlternatives, exchange.countedAttempts < route.plan.attemptsMax
        else {
            return false
        }
        // A body that was streamed away cannot be sent again.
        if case .stream = bodyMode { return false }
        if exchange.retries < route.plan.retriesMax { return true }
        for index in route.plan.targets.indices
        where index != route.target && !tried.contains(index) { return true }
        return false
    }

    /// Keeps a head.
    ///
    /// Called from inside libcurl.
    func beginHold(_ kind: AttemptVerdict.HoldReason, of transfer: Transfer) {
        guard let route else { return }
        let framing = responseFraming(of: transfer)
        let hold = Hold(
            kind: kind, vendor: vendor?.name ?? "", attempt: exchange.attempts,
            status: transfer.head.status,
            framing: framing, closes: framing == .close,
            advice: RetryAdvice(transfer.head, now: Identifier.wallClockMilliseconds()),
            dialect: route.dialect, bytesMax: route.plan.holdBytesMax, now: worker.loop.now
        )
        writeHead(of: transfer, framing: framing, to: &hold.head)
        self.hold = hold
        isClockChanged = true
        requestFlush()
    }

    /// Keeps a piece of a body, and lets everything go once it is an answer.
    ///
    /// Called from inside libcurl; what else there is to do is done by ``actOnHold()``.
    func hold(
        _ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool, in hold: Hold,
        of transfer: Transfer
    ) {
        lastVendorByte = worker.loop.now
        switch hold.take(bytes, reads: plain, isReadable: isReadable) {
        case .waiting:
            break
        case .failed:
            requestFlush()
        case .release:
            releaseHold(of: transfer)
            sendFirstOfTurn()
        }
    }

    /// Lets what was held go out, unchanged and in one write: the commit.
    func releaseHold(of transfer: Transfer?) {
        // A failure that was found in this very turn is acted upon at its end.
        guard let hold, hold.finding != .failed, exchange.committed() else { return }
        self.hold = nil
        lastAnswer = nil
        streamEnd = hold.streamEnd
        // Let go for want of time, a response has shown no content yet, and its clock goes on.
        hasResponseBytes = hold.finding == .release
        isClockChanged = true
        if let route {
            let metrics = edition.metrics[route.vendor]
            metrics.responseBytes.add(hold.bodyBytes)
            metrics.held.record(nanoseconds: (worker.loop.now - hold.began).nanoseconds)
        }
        deliver(hold)
        if let transfer { committed(transfer, status: hold.status) }
    }

    /// Writes a response that was held into the output.
    private func deliver(_ hold: Hold) {
        tee.status = hold.status
        tee.answered = hold.attempt
        if let told = hold.told {
            // Another attempt may have been made since, and have had a head and bytes of its own.
            tee.answeringVendor = hold.vendor
            tee.responseBytes = told.bytes
            tee.isResponseWhole = told.isWhole
            tee.headAt = told.headAt
            lastVendorByte = told.lastByteAt
        }
        framing = hold.framing
        if hold.closes || isBrokenOff || worker.isDraining { closesAfterResponse = true }
        worker.buffers.lend(to: &output)
        output.append(hold.head.bytes)
        writeOwnFields(vendor: hold.vendor)
        output.append(hold.body.bytes)
        hold.body.release()
        requestFlush()
    }

    /// Ends a transfer whose held events say that the vendor failed.
    ///
    /// From the top level of a turn.
    func actOnHold() {
        guard let hold, hold.finding == .failed, exchange.heldIsFailure() else { return }
        if let transfer { worker.lanes.cancel(transfer) }
        transfer = nil
        keepAnswer()
        let failure = Failure.noAnswer(vendor: hold.vendor, "an error event")
        attemptFailed(ofCredential(hold) ? .credential : .streamError, failure, hold.advice)
    }

    /// The transfer of a held response ended in the turn that found its failure.
    func endedWhileHeldFailed(isWhole: Bool) {
        guard let hold else { return }
        if isWhole {
            hold.framing.writeEnd(to: &hold.body)
            hold.isWhole = true
        }
        actOnHold()
    }

    /// The held response is at its end, and nothing of it has shown to be an answer so far.
    ///
    /// `lacksTerminal`: it is a stream that had to end in a marker, and did not, so that it is not
    /// whole whatever it holds.
    func heldWhole(_ result: TransferResult, lacksTerminal: Bool) {
        guard let hold else { return }
        if !lacksTerminal {
            hold.framing.writeEnd(to: &hold.body)
            hold.isWhole = true
        }
        hold.endStream()
        hold.readBody()
        let verdict = AttemptVerdict.whole(
            AttemptVerdict.Held(
                hold.kind, status: hold.status, showsContent: hold.finding == .release,
                showsError: hold.finding == .failed, emptiness: hold.emptiness,
                lacksTerminal: lacksTerminal, isAboutCredential: ofCredential(hold)))
        keepAnswer()
        switch verdict {
        case .answer:
            passOn(hold)
        case .failed(let failureClass, let what, let isCertain):
            guard exchange.heldIsFailure() else { return }
            attemptFailed(
                failureClass, .noAnswer(vendor: hold.vendor, what), hold.advice,
                isCertain: isCertain, result: lacksTerminal ? result : nil)
        }
    }

    /// Passes a response on that was held to its end and is an answer.
    private func passOn(_ hold: Hold) {
        guard let route else { return }
        let metrics = edition.metrics[route.vendor]
        metrics.statusClasses[min(5, hold.status / 100)].add()
        metrics.responseBytes.add(hold.bodyBytes)
        edition.health.succeeded(
            route.plan.targets[route.target].health, attemptBegan: attemptBegan
        )
        if exchange.heldIsAnswer() { deliverLastAnswer() }
    }

    /// Whether an error is about a credential of ours.
    private func ofCredential(_ hold: Hold) -> Bool {
        guard vendor?.hasOwnCredential ?? false, let route else { return false }
        return hold.facts.isCredential && route.plan.policy.movesOn(from: .credential)
    }

    /// Keeps the vendor's answer, to be passed on if no other target does better.
    private func keepAnswer() {
        if let hold {
            hold.told = ToldResponse(
                bytes: tee.responseBytes, isWhole: tee.isResponseWhole, headAt: tee.headAt,
                lastByteAt: lastVendorByte)
            lastAnswer = hold
        }
        hold = nil
    }

    /// Passes the last vendor's answer on as it was.
    func deliverLastAnswer() {
        guard let answer = lastAnswer else { return }
        lastAnswer = nil
        // An answer that was cut short by us is not whole, and must not look it.
        isBrokenOff = !answer.isWhole
        deliver(answer)
        isResponseComplete = true
        if phase != .answering { enter(.answering) }
    }
}
