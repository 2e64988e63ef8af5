import Config
import Dialects
import HTTP
import JSON
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Route and attempt: the request goes to a vendor.
extension Connection {
    var vendor: SharedVendor? {
        route.map { edition.routing.vendors[$0.vendor] }
    }

    /// Routes the request and makes the first attempt.
    func begin() {
        requestEnded = worker.loop.now
        lastVendorByte = requestEnded
        edition = worker.edition
        identifier = Identifier.next(using: &worker.random)
        do {
            var route = try chooseRoute()
            if route.plan.targets.count > 1 {
                route.target =
                    edition.health.next(of: route.plan, excluding: tried, now: worker.loop.now) ?? 0
            }
            self.route = route
            teeBegin()
            edition.metrics[route.vendor].started.add()
            attempt(onFreshConnection: false)
        } catch {
            teeBegin()
            refuse(Self.failure(error), closing: phase == .body)
        }
        ensureClock()
    }

    private func chooseRoute() throws(RoutingTable.Refusal) -> RoutingTable.Route {
        if case .stream = bodyMode {
            // Of a body that is not kept nothing is known, its model least of all.
            let nothing = ByteBuffer()
            return try edition.routing.route(parser.head, body: nothing.bytes)
        }
        return try parser.withBody { body throws(RoutingTable.Refusal) in
            try edition.routing.route(parser.head, body: body.bytes)
        }
    }

    private static func failure(_ refusal: RoutingTable.Refusal) -> Failure {
        switch refusal {
        case .noVendor(let dialect):
            .refused(
                404, "no_vendor", "no vendor of dialect \(dialect.rawValue) is configured"
            )
        case .noTarget(let chain, let dialect, let skipped):
            .refused(
                404, "no_target",
                "chain \(chain) has no target for a request in the dialect \(dialect.rawValue): "
                    + skipped.map { "\($0.vendor): \($0.reason)" }.joined(separator: "; ")
            )
        }
    }

    /// Sends the request to the route's current target.
    func attempt(onFreshConnection isFresh: Bool) {
        guard let route, let vendor else { return }
        exchange.attemptBegan()
        attemptBegan = worker.loop.now
        edition.metrics[route.vendor].attempts.add()
        teeAttemptBegan(isFresh: isFresh)
        guard let transfer = worker.lanes.makeTransfer(to: edition.endpoints[route.vendor]) else {
            return ended(
                TransferResult(notStarted: .outOfMemory, detail: "no handle could be made"),
                headIsComplete: false, violation: nil
            )
        }
        transfer.needsFreshConnection = isFresh
        let bytes = unsafe bodyForTarget(route, vendor)
        Attempt.write(
            parser.head, route: route, vendor: vendor, mustBeReadable: isUsageInjected,
            into: transfer)
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
    /// target's model spliced in, or with usage asked for.
    ///
    /// It stays where it is until the transfer has ended.
    private func bodyForTarget(
        _ route: RoutingTable.Route, _ vendor: SharedVendor
    ) -> UnsafeRawBufferPointer {
        spliced.removeAll()
        usageFilter = nil
        isUsageInjected = false
        var isSpliced = false
        if let model = route.plan.targets[route.target].model, route.dialect != .gemini {
            isSpliced = parser.withBody { body in
                JSONSplice.replace("model", in: body.bytes, with: model, to: &spliced)
            }
        }
        let mayAsk = vendor.includeUsage == .inject && route.dialect == .openai
        if mayAsk, case .keep = bodyMode,
            parser.withHead({ UsageInjection.applies(to: $0.path) })
        {
            var plain = ByteBuffer()
            swap(&plain, &spliced)
            isUsageInjected =
                isSpliced
                ? UsageInjection.write(plain.bytes, to: &spliced)
                : parser.withBody { UsageInjection.write($0.bytes, to: &spliced) }
            if isUsageInjected { isSpliced = true } else { swap(&plain, &spliced) }
        }
        return unsafe isSpliced ? spliced.pointer : parser.body.pointer
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
        case .heardOut:
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
        if exchange.isUnheard { return noteUnheardHead(transfer) }
        terminal = terminalWatch(transfer.head)
        if isUsageInjected, transfer.head.mediaType == .eventStream, !transfer.head.isEncoded,
            transfer.head.contentLength == nil
        {
            usageFilter = UsageFilter()
        }
        let kind = holdKind(transfer.head)
        switch exchange.headReceived(mayFollow: kind != nil) {
        case .relay: relayHead(of: transfer)
        case .hold: if let kind { beginHold(kind, of: transfer) }
        case .ignore: break
        }
    }

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        teeChunk(bytes)
        terminal?.take(bytes)
        guard var filter = usageFilter.take() else { return passOn(bytes, of: transfer) }
        var passed = ByteBuffer()
        filter.take(bytes, to: &passed)
        usageFilter = consume filter
        if !passed.isEmpty { passOn(passed.bytes, of: transfer) }
    }

    private func passOn(_ bytes: Span<UInt8>, of transfer: Transfer) {
        if let hold { return self.hold(bytes, in: hold, of: transfer) }
        // Without a head that was passed on there is no framing for them.
        guard exchange.isCommitted else { return dropUnheard(bytes.count) }
        relay(bytes, of: transfer)
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
            if !rest.isEmpty { passOn(rest.bytes, of: transfer) }
        }
        self.transfer = nil
        ended(
            result, headIsComplete: transfer.head.isComplete, violation: transfer.head.violation
        )
    }
}
