import Config
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Unheard: with `on_client_disconnect = "drain"` an answer goes on after its client has gone, so
// that the record has all of it, its usage above all. The client's socket is closed at once; what
// comes is told to the journal and dropped. What the vendor does counts for and against it as ever.
extension Connection {
    /// Lets the transfer of a client that has just gone run to its end; false where it is not
    /// wanted, or there is none.
    ///
    /// A request of which the vendor has not seen anything need not reach it: nothing is paid for
    /// nobody. One that it is being sent goes on if all of it is here.
    func goUnheard() -> Bool {
        let wasCommitted = exchange.isCommitted
        guard phase == .answering, let transfer, vendor?.onClientDisconnect == .drain,
            transfer.sentAt != nil, isUploadComplete, exchange.detached()
        else { return false }
        worker.metrics.unheard.add()
        worker.metrics.undeliveredBytes.add(output.count + (hold?.bodyBytes ?? 0))
        output.removeAll()
        worker.buffers.reclaim(&output)
        pending.release()
        hold = nil
        lastAnswer = nil
        contents = nil
        terminal = nil
        usageFilter = nil
        releaseDescriptor()
        unheardBytesLeft = worker.settings.unheard.bytes
        worker.unheardCount += 1
        // The time a client took was not the vendor's.
        if transfer.isReceivingPaused { lastVendorByte = worker.loop.now }
        // The clocks so far were for a client that waits.
        armedAt = .distantFuture
        enter(.unheard)
        if !wasCommitted, transfer.head.isComplete { noteUnheardHead(transfer) }
        // libcurl may hand over bytes before this returns.
        if transfer.isReceivingPaused { worker.lanes.resumeReceiving(transfer) }
        return true
    }

    /// Whether the vendor has, or libcurl can give it, all of the request.
    private var isUploadComplete: Bool {
        if case .stream = bodyMode { return parser.body.isEmpty }
        return true
    }

    /// Counts a head that nobody is given, and notes whose answer the record is of.
    ///
    /// Called from inside libcurl, too.
    func noteUnheardHead(_ transfer: Transfer) {
        guard let route else { return }
        tee.answered = exchange.attempts
        lastVendorByte = worker.loop.now
        noteHead(transfer, status: transfer.head.status, route)
        // From here the clock between bytes runs, which may be due before the one so far.
        ensureClock()
    }

    /// Counts bytes that nobody waits for.
    ///
    /// Called from inside libcurl, where nothing is ended: that is left to ``flush()``.
    func dropUnheard(_ count: Int) {
        guard phase == .unheard else { return }
        lastVendorByte = worker.loop.now
        worker.metrics.undeliveredBytes.add(count)
        unheardBytesLeft -= count
        if unheardBytesLeft < 0 { requestFlush() }
    }

    /// Ends what has gone on for long enough.
    func stopUnheard() {
        tee.explanation = "the client had gone, and the answer was not read to its end"
        clientGone()
    }

    /// The answer nobody waited for is at its end.
    func heardOut(_ result: TransferResult, headIsComplete: Bool) {
        if result.code != .ok || !headIsComplete {
            tee.explanation = "after the client had gone: \(result.code.name): \(result.detail)"
        }
        if !headIsComplete, let route {
            countFailure(result.failureClass, route)
            teeAttemptFailed(
                result.failureClass.name, result, status: 0, reason: "after the client had gone")
            noteHealth(result.failureClass, RetryAdvice(), route, isCertain: true)
        }
        settle()
        close()
    }
}
