import Codings
import Config
import Dialects
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Hold: a response that may yet turn out to be a failure is kept until it is known to be an answer.
extension Connection {
    /// What is to be held of a response with this head; nil when it is passed on at once.
    func holdKind(_ head: borrowing ResponseHead) -> Hold.Kind? {
        guard let route, let vendor, canFollow(route) else { return nil }
        if head.status >= 400 {
            let failure = failureClass(status: head.status, vendor: vendor)
            if route.plan.policy.movesOn(from: failure) { return .refusal(failure) }
            return mayBeCredential(head.status, vendor, route) ? .suspicion : nil
        }
        guard head.status < 300, route.plan.policy.movesOn(from: .streamError) else { return nil }
        switch head.mediaType {
        // An unknown coding hides what is waited for.
        case .eventStream: return isReadable(head) ? .stream : nil
        // A model's answer is no page: this is somebody's error between us and the vendor.
        case .html: return .refusal(.streamError)
        case .json, .other:
            guard head.status == 200, parser.head.method == .post else { return nil }
            if head.contentLength == 0 { return .refusal(.streamError) }
            return head.contentLength == nil || head.isEncoded ? .answer : nil
        }
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

    /// Whether an answer that looks like the client's fault may be about a credential of ours: a
    /// spent balance and an invalid key come as 400 from some.
    private func mayBeCredential(
        _ status: Int, _ vendor: SharedVendor, _ route: RoutingTable.Route
    ) -> Bool {
        guard case .own = vendor.credential, route.plan.policy.movesOn(from: .credential) else {
            return false
        }
        return status == 400 || status == 403 || status == 429
    }

    /// The class of an answer with this status.
    func failureClass(status: Int, vendor: SharedVendor) -> FailureClass {
        switch status {
        case 401, 402, 403:
            if case .own = vendor.credential { return .credential }
            return .status(status)
        default:
            return .status(status)
        }
    }

    /// Keeps a head.
    ///
    /// Called from inside libcurl.
    func beginHold(_ kind: Hold.Kind, of transfer: Transfer) {
        guard let route else { return }
        let framing = responseFraming(of: transfer)
        let hold = Hold(
            kind: kind, vendor: vendor?.name ?? "", attempt: exchange.attempts,
            status: transfer.head.status,
            framing: framing, closes: framing == .close, advice: RetryAdvice(transfer.head),
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
        guard let hold, hold.finding == .failed, exchange.heldFailed() else { return }
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
        keepAnswer()
        switch hold.kind {
        case .stream where hold.finding == .release && lacksTerminal:
            let what = "a stream without its terminal marker"
            attemptFailed(
                .streamError, .noAnswer(vendor: hold.vendor, what), hold.advice, result: result)
        case .stream where hold.finding == .release, .answer where hold.finding == .release:
            passOn(hold)
        case .answer:
            let failure = Failure.noAnswer(vendor: hold.vendor, "nothing of a model's")
            attemptFailed(.streamError, failure, hold.advice)
        case .stream:
            let what = hold.finding == .failed ? "an error event" : hold.emptiness
            attemptFailed(
                ofCredential(hold) ? .credential : .streamError,
                .noAnswer(vendor: hold.vendor, what), hold.advice
            )
        case .refusal(let failure):
            let what = failure == .streamError ? "nothing of a model's" : "status \(hold.status)"
            let isCredential = ofCredential(hold)
            attemptFailed(
                isCredential ? .credential : failure, .noAnswer(vendor: hold.vendor, what),
                hold.advice,
                // A 403 may be about one model, or one region, as well.
                isCertain: isCredential || hold.status != 403
            )
        case .suspicion where ofCredential(hold):
            let what = "status \(hold.status) for our credential"
            attemptFailed(.credential, .noAnswer(vendor: hold.vendor, what), hold.advice)
        case .suspicion:
            // It was the client's fault after all.
            passOn(hold)
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
        let decision = exchange.attemptFailed(
            .noAnswer(vendor: hold.vendor, ""), Exchange.Sequel(hasVendorsAnswer: true),
            attemptsMax: 0
        )
        if decision == .vendorsAnswer { deliverLastAnswer() }
    }

    /// Whether an error is about a credential of ours.
    private func ofCredential(_ hold: Hold) -> Bool {
        guard case .own? = vendor?.credential, let route else { return false }
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
