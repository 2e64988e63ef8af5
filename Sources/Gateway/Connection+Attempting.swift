import Config
import Dialects
import HTTP
import Logging
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Route and attempt: the request goes to a vendor.
extension Connection {
    var vendor: Vendor? {
        route.map { worker.settings.routing.vendors[$0.vendor] }
    }

    /// Routes the request and makes the first attempt.
    func begin() {
        requestEnded = worker.loop.now
        lastVendorByte = requestEnded
        identifier = Identifier.next(using: &worker.random)
        do {
            let route = try chooseRoute()
            self.route = route
            worker.metrics.vendors[route.vendor].started.add()
            attempt(onFreshConnection: false)
        } catch {
            refuse(Self.failure(error), closing: phase == .body)
        }
        ensureClock()
    }

    private func chooseRoute() throws(RoutingTable.Refusal) -> RoutingTable.Route {
        if case .stream = bodyMode {
            // Of a body that is not kept nothing is known, its model least of all.
            let nothing = ByteBuffer()
            return try worker.settings.routing.route(parser.head, body: nothing.bytes)
        }
        return try parser.withBody { body throws(RoutingTable.Refusal) in
            try worker.settings.routing.route(parser.head, body: body.bytes)
        }
    }

    private static func failure(_ refusal: RoutingTable.Refusal) -> Failure {
        switch refusal {
        case .noVendor(let dialect):
            .refused(
                404, "no_vendor", "no vendor of dialect \(dialect.rawValue) is configured"
            )
        case .otherDialect(let chain, let vendor, let dialect):
            .refused(
                404, "no_target",
                "chain \(chain) has no target for this request: vendor \(vendor) does not speak "
                    + "\(dialect.rawValue), and requests are not translated"
            )
        }
    }

    /// Sends the request to the route's vendor.
    func attempt(onFreshConnection isFresh: Bool) {
        guard let route, let vendor else { return }
        exchange.attemptBegan()
        guard let transfer = worker.lanes.makeTransfer(to: worker.endpoints[route.vendor]) else {
            return ended(
                TransferResult(notStarted: .outOfMemory, detail: "no handle could be made"),
                headIsComplete: false, violation: nil
            )
        }
        transfer.needsFreshConnection = isFresh
        Attempt.write(parser.head, route: route, vendor: vendor, into: transfer)
        let body: RequestBody =
            switch bodyMode {
            case .stream(let length): .stream(length: length)
            case .keep: parser.head.hasBody ? .bytes : .none
            }
        unsafe transfer.prepare(
            method: parser.head.method, body: body, bytes: parser.body.pointer,
            connectTimeout: route.clocks.connect
        )
        self.transfer = transfer
        if let result = worker.lanes.start(transfer, delegate: self) {
            self.transfer = nil
            ended(result, headIsComplete: false, violation: nil)
        }
    }

    /// Carries out what the exchange decides about the end of a transfer.
    func ended(_ result: TransferResult, headIsComplete: Bool, violation: StaticString?) {
        guard let vendor else { return }
        var canRepeat = false
        if case .keep = bodyMode { canRepeat = true }
        let decision = exchange.transferEnded(
            result, vendor: vendor.name, headIsComplete: headIsComplete, violation: violation,
            canRepeat: canRepeat
        )
        switch decision {
        case .finish:
            finish()
        case .breakOff:
            breakOff()
        case .answer(let failure):
            logFailure(failure, result)
            answer(failure, closing: phase == .body)
        case .retryFresh:
            worker.metrics.vendors[route?.vendor ?? 0].staleRetries.add()
            attempt(onFreshConnection: true)
        case .nothing:
            break
        }
    }

    private func logFailure(_ failure: Failure, _ result: TransferResult) {
        worker.logger.warning(
            "a vendor gave no response",
            metadata: [
                "exchange": "\(identifier.map(\.description) ?? "")",
                "vendor": "\(vendor?.name ?? "")", "status": "\(failure.status)",
                "curl": "\(result.code.name)", "detail": "\(result.detail)",
                "sent": "\(result.wasSent)",
            ]
        )
    }
}

// What libcurl reports of the transfer. All but the last are called from inside it.
extension Connection: TransferDelegate {
    func transferReceivedHead(_ transfer: Transfer) {
        guard exchange.headReceived() == .relay else { return }
        relayHead(of: transfer)
    }

    func transfer(_ transfer: Transfer, received bytes: Span<UInt8>) {
        relay(bytes, of: transfer)
    }

    func transfer(_ transfer: Transfer, fill space: UnsafeMutableRawBufferPointer) -> UploadPiece {
        guard !parser.body.isEmpty else {
            return phase == .body ? .notYet : .end
        }
        let count = min(space.count, parser.body.count)
        unsafe space.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: parser.body.pointer[0..<count])
        )
        parser.body.consume(count)
        bodyBytes += count
        if isReadPaused, parser.body.count < Limits.uploadLowBytes { resumeReading() }
        return .bytes(count)
    }

    func transferEnded(_ transfer: Transfer, _ result: TransferResult) {
        self.transfer = nil
        ended(
            result, headIsComplete: transfer.head.isComplete, violation: transfer.head.violation
        )
    }
}
