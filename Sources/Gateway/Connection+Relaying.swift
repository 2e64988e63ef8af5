import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Relay: the vendor's head and bytes into the client's output, in the turn in which they came.
// Called from inside libcurl: nothing here starts, ends or resumes a transfer.
extension Connection {
    /// Passes a head on: the commit of a response that is not held.
    func relayHead(of transfer: Transfer) {
        framing = responseFraming(of: transfer)
        if framing == .close || worker.isDraining { closesAfterResponse = true }
        worker.buffers.lend(to: &output)
        writeHead(of: transfer, framing: framing, to: &output)
        writeOwnFields(vendor: vendor?.name ?? "")
        committed(transfer, status: transfer.head.status)
        // A stream's first content may be long in coming, and libcurl looks for it before it
        // returns. A body of a known length comes with its head more often than not, and goes with
        // it.
        if framing == .chunked { sendAhead() }
        requestFlush()
    }

    /// Notes that from here the request is never sent again.
    func committed(_ transfer: Transfer, status: Int) {
        tee.status = status
        tee.answered = exchange.attempts
        guard let route else { return }
        isEventStream = transfer.head.mediaType == .eventStream
        // Nothing of ours can be written between the bytes of a content coding.
        isEncodedStream = isEventStream && transfer.head.isEncoded
        let now = worker.loop.now
        lastVendorByte = now
        if isEventStream, route.clocks.contentIdle > .zero {
            contents = ContentWatch(dialect: route.dialect, now: now)
        }
        noteHead(transfer, status: status, route)
        // The body goes as soon as the vendor has it all, which matters to long streams after long
        // prompts.
        let length = spliced.isEmpty ? parser.body.count : spliced.count
        // Of a body that streams, only what was not sent yet is here.
        if case .keep = bodyMode, transfer.hasSentBody(bytes: length) {
            parser.body.release()
            spliced.release()
        }
    }

    /// Counts a head, and its answer for or against its target: the last one of a chain may be a
    /// refusal all the same.
    func noteHead(_ transfer: Transfer, status: Int, _ route: RoutingTable.Route) {
        let metrics = edition.metrics[route.vendor]
        metrics.statusClasses[min(5, status / 100)].add()
        metrics.headLatency.record(nanoseconds: (worker.loop.now - requestEnded).nanoseconds)
        if status >= 400, let vendor {
            let failure = AttemptVerdict.failureClass(
                status: status, isOwnCredential: vendor.hasOwnCredential)
            if route.plan.policy.movesOn(from: failure) {
                return noteHealth(
                    failure,
                    RetryAdvice(transfer.head, now: Identifier.wallClockMilliseconds()), route,
                    isCertain: status != 403
                )
            }
        }
        edition.health.succeeded(
            route.plan.targets[route.target].health, attemptBegan: attemptBegan
        )
    }

    func responseFraming(of transfer: Transfer) -> ResponseFraming {
        // A stream that may have to be broken off for want of its marker is not told by its length:
        // with the last byte of that it would be whole.
        let contentLength = terminal == nil ? transfer.head.contentLength : nil
        return ResponseFraming(
            status: transfer.head.status, isHeadRequest: parser.head.method == .head,
            contentLength: contentLength, clientMinorVersion: parser.head.minorVersion
        )
    }

    /// Writes the status line, the vendor's fields and the framing; what is ours comes after.
    func writeHead(
        of transfer: Transfer, framing: ResponseFraming, to buffer: inout ByteBuffer
    ) {
        transfer.head.writeStatusLine(to: &buffer)
        // A page that may call by the gateway's word is not told otherwise by the vendor.
        transfer.head.writeFields(to: &buffer, withoutCORS: origin == .allowed)
        switch framing {
        case .length(let length):
            buffer.append("content-length: ")
            buffer.append(decimal: length)
            buffer.append("\r\n")
        case .chunked:
            buffer.append("transfer-encoding: chunked\r\n")
        case .none:
            // What a GET would have got is told to a HEAD; a 204 has no length at all.
            if let length = transfer.head.contentLength, transfer.head.status != 204 {
                buffer.append("content-length: ")
                buffer.append(decimal: length)
                buffer.append("\r\n")
            }
        case .close:
            break
        }
    }

    /// Ends a head in the output: the connection's fate, and who answered.
    func writeOwnFields(vendor: String) {
        writeConnectionField()
        output.append("x-weir-id: ")
        identifier?.write(to: &output)
        output.append("\r\nx-weir-vendor: ")
        output.append(text: vendor)
        output.append("\r\nx-weir-attempts: ")
        output.append(decimal: exchange.attempts)
        if origin == .allowed {
            output.append("\r\n")
            writeCORS()
            output.truncate(to: output.count - 2)
        }
        if parser.head.asksForTrace { writeTiming() }
        output.append("\r\n\r\n")
    }

    /// Writes what the time until this head went into, in milliseconds: earlier attempts, and the
    /// vendor that answered.
    private func writeTiming() {
        let now = worker.loop.now
        let lost = (attemptBegan - requestEnded).seconds * 1000
        let vendor = (now - attemptBegan).seconds * 1000
        output.append("\r\nserver-timing: failed;dur=")
        output.append(text: "\((lost * 10).rounded() / 10)")
        output.append(", vendor;dur=")
        output.append(text: "\((vendor * 10).rounded() / 10)")
    }

    func writeConnectionField() {
        if closesAfterResponse {
            output.append("connection: close\r\n")
        } else if parser.head.minorVersion == 0 {
            output.append("connection: keep-alive\r\n")
        }
    }

    func relay(_ bytes: Span<UInt8>, reads plain: Span<UInt8>, of transfer: Transfer) {
        if output.capacity == 0 { worker.buffers.lend(to: &output) }
        framing.write(bytes, to: &output)
        lastVendorByte = worker.loop.now
        if isEventStream {
            streamEnd.take(plain)
            contents?.take(plain, now: worker.loop.now)
        }
        if !hasResponseBytes {
            hasResponseBytes = true
            // The clock so far was armed for the first of these bytes; the one between bytes may be
            // much shorter, and nothing else would arm it.
            isClockChanged = true
        }
        uncountedBytes += bytes.count
        sendFirstOfTurn()
        if output.count > Limits.outputHighBytes { worker.lanes.pauseReceiving(transfer) }
        requestFlush()
    }

    /// Tells a client whose stream breaks off what happened, in the words its SDK raises an error
    /// for.
    ///
    /// Only between two events: in the middle of one it would be taken for the rest of that.
    func writeErrorEvent() {
        guard isEventStream, !isEncodedStream, hasResponseBytes, streamEnd.isBetweenEvents,
            let route, let vendor
        else { return }
        let failure = Failure.streamBroke(vendor: vendor.name)
        var event = ByteBuffer()
        route.dialect.errorEvent(
            DialectError(
                status: failure.status, code: failure.code, message: failure.message,
                identifier: identifier?.description ?? ""
            ),
            to: &event
        )
        worker.buffers.lend(to: &output)
        framing.write(event.bytes, to: &output)
    }
}

/// The last bytes of a stream: whether an event has just ended.
struct StreamEnd {
    private var last: UInt32 = 0x0A0A

    mutating func take(_ bytes: Span<UInt8>) {
        for index in max(0, bytes.count - 4)..<bytes.count {
            last = last << 8 | UInt32(bytes[index])
        }
    }

    /// Whether what comes next begins an event.
    var isBetweenEvents: Bool {
        last & 0xFFFF == 0x0A0A || last & 0xFFFF == 0x0D0D || last == 0x0D0A_0D0A
    }
}
