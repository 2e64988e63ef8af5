import Config
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Unheard: with `on_client_disconnect = "drain"` an answer goes on after its client has gone, so
// that the record has all of it, its usage above all. The client's socket is closed at once; what
// comes is told to the journal and dropped.
extension Connection {
    /// Lets the transfer of a client that has just gone run to its end; false where it is not
    /// wanted, or there is none.
    ///
    /// What the vendor has not been sent yet it need not be: nothing is paid for nobody.
    func goUnheard() -> Bool {
        guard phase == .answering, let transfer, vendor?.onClientDisconnect == .drain,
            transfer.sentAt != nil, isUploadComplete, exchange.clientGoneUnheard()
        else { return false }
        worker.metrics.unheard.add()
        worker.metrics.undeliveredBytes.add(output.count)
        output.removeAll()
        worker.buffers.reclaim(&output)
        pending.release()
        hold = nil
        lastAnswer = nil
        contents = nil
        usageFilter = nil
        releaseDescriptor()
        noteUnheardHead(transfer)
        unheardBytesLeft = worker.settings.unheard.bytes
        // Its clocks were for a client that waits.
        armedAt = .distantFuture
        enter(.unheard)
        // libcurl may hand over bytes before this returns.
        if transfer.isReceivingPaused { worker.lanes.resumeReceiving(transfer) }
        return true
    }

    /// Whether the vendor has, or libcurl can give it, all of the request.
    private var isUploadComplete: Bool {
        if case .stream = bodyMode { return parser.body.isEmpty }
        return true
    }

    /// Notes which response the record is of.
    ///
    /// Called from inside libcurl, too.
    func noteUnheardHead(_ transfer: Transfer) {
        guard exchange.isUnheard, transfer.head.isComplete else { return }
        tee.status = transfer.head.status
        tee.answered = exchange.attempts
    }

    /// Counts bytes that nobody waits for.
    ///
    /// Called from inside libcurl, where nothing is ended: that is left to ``flush()``.
    func dropUnheard(_ count: Int) {
        guard phase == .unheard else { return }
        lastVendorByte = worker.loop.now
        uncountedBytes += count
        unheardBytesLeft -= count
        if unheardBytesLeft < 0 { requestFlush() }
    }

    /// Ends what has gone on for long enough.
    func stopUnheard() {
        tee.explanation = "the client had gone, and the answer went on beyond the bounds of a drain"
        clientGone()
    }

    /// The answer nobody waited for is at its end.
    func heardOut(_ result: TransferResult, isWhole: Bool) {
        if !isWhole {
            tee.explanation = "after the client had gone: \(result.code.name): \(result.detail)"
        }
        settle()
        close()
    }
}
