import Config
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Relay: the vendor's head and bytes into the client's output, in the turn in which they came.
// Called from inside libcurl: nothing here starts, ends or resumes a transfer.
extension Connection {
    func relayHead(of transfer: Transfer) {
        guard let route, let vendor else { return }
        framing = ResponseFraming(
            status: transfer.head.status, isHeadRequest: parser.head.method == .head,
            contentLength: transfer.head.contentLength, clientMinorVersion: parser.head.minorVersion
        )
        if framing == .close { closesAfterResponse = true }
        if worker.isDraining { closesAfterResponse = true }
        worker.buffers.lend(to: &output)
        transfer.head.writeStatusLine(to: &output)
        transfer.head.writeFields(to: &output)
        writeFraming(contentLength: transfer.head.contentLength, status: transfer.head.status)
        output.append("x-weir-id: ")
        identifier?.write(to: &output)
        output.append("\r\nx-weir-vendor: ")
        output.append(text: vendor.name)
        output.append("\r\nx-weir-attempts: ")
        output.append(decimal: exchange.attempts)
        output.append("\r\n\r\n")
        let now = worker.loop.now
        lastVendorByte = now
        let metrics = worker.metrics.vendors[route.vendor]
        metrics.statusClasses[min(5, transfer.head.status / 100)].add()
        metrics.headLatency.record(nanoseconds: (now - requestEnded).nanoseconds)
        // From here the request is never sent again. Its body goes as soon as the vendor has it all,
        // which matters to long streams after long prompts.
        if transfer.hasSentBody(bytes: parser.body.count) { parser.body.release() }
        requestFlush()
    }

    private func writeFraming(contentLength: Int?, status: Int) {
        switch framing {
        case .length(let length):
            output.append("content-length: ")
            output.append(decimal: length)
            output.append("\r\n")
        case .chunked:
            output.append("transfer-encoding: chunked\r\n")
        case .none:
            // What a GET would have got is told to a HEAD; a 204 has no length at all.
            if let contentLength, status != 204 {
                output.append("content-length: ")
                output.append(decimal: contentLength)
                output.append("\r\n")
            }
        case .close:
            break
        }
        writeConnectionField()
    }

    func writeConnectionField() {
        if closesAfterResponse {
            output.append("connection: close\r\n")
        } else if parser.head.minorVersion == 0 {
            output.append("connection: keep-alive\r\n")
        }
    }

    func relay(_ bytes: Span<UInt8>, of transfer: Transfer) {
        worker.buffers.lend(to: &output)
        framing.write(bytes, to: &output)
        lastVendorByte = worker.loop.now
        hasResponseBytes = true
        if let route { worker.metrics.vendors[route.vendor].responseBytes.add(bytes.count) }
        if output.count > Limits.outputHighBytes { worker.lanes.pauseReceiving(transfer) }
        requestFlush()
    }
}
