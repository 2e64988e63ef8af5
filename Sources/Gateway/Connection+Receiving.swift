import Config
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing
import Telemetry
import Transfers

// Receive: bytes of the client become a head and a body.
extension Connection {
    func receive() {
        // The worker's buffer is lent for the length of the call, so that a connection at rest
        // needs none of its own.
        var input = ByteBuffer()
        swap(&input, &worker.input)
        defer {
            input.removeAll()
            swap(&input, &worker.input)
        }
        let outcome = Socket.receive(descriptor, into: &input, room: Limits.receiveBytesPerTurn)
        switch outcome {
        case .moved:
            lastClientProgress = worker.loop.now
            take(input.bytes)
        case .wouldBlock:
            break
        case .closed, .failed:
            clientGone()
        }
    }

    /// Takes bytes as they come: parses them, or keeps them while a request is being served.
    private func take(_ bytes: Span<UInt8>) {
        guard phase != .answering, pending.isEmpty else {
            pending.append(bytes)
            if phase != .answering { return takePending() }
            if pending.count > Limits.pipelinedBytes { pauseReading() }
            return
        }
        let consumed = parse(bytes)
        if consumed < bytes.count, phase == .answering {
            pending.append(bytes.extracting(consumed..<bytes.count))
        }
    }

    /// Goes on with bytes that came while a request was being served.
    func takePending() {
        var held = ByteBuffer()
        swap(&held, &pending)
        let consumed = parse(held.bytes)
        guard phase != .closed, phase != .lingering else { return }
        held.consume(consumed)
        if held.isEmpty { held.release() }
        swap(&held, &pending)
        if phase != .answering || pending.count <= Limits.pipelinedBytes { resumeReading() }
    }

    /// Parses as far as the current request goes; returns the bytes used.
    private func parse(_ bytes: Span<UInt8>) -> Int {
        var offset = 0
        if phase == .idle { requestBegan = worker.loop.now }
        while phase == .idle || phase == .head || phase == .body {
            let (count, progress) = parser.parse(bytes.extracting(offset..<bytes.count))
            offset += count
            switch progress {
            case .incomplete:
                if phase == .idle, parser.headBytesReceived > 0 { enter(.head) }
                if phase == .body { bodyArrived() }
                return offset
            case .head:
                headArrived()
            case .message:
                bodyArrived()
                if phase == .body { requestArrived() }
                return offset
            case .malformed(let malformation):
                let failure = Failure.refused(
                    malformation.status, "malformed_request", malformation.reason
                )
                if case .stream = bodyMode, phase == .body {
                    refuseMidStream(failure)
                } else {
                    refuse(failure, closing: true)
                }
                return bytes.count
            }
        }
        return offset
    }

    private func headArrived() {
        // A clock reading of its own would be more exact, and a system call per request.
        closesAfterResponse = !parser.head.keepsAlive || worker.isDraining
        bodyBytes = 0
        bodyMode = .keep
        enter(.body)
        if let failure = admissionFailure() { return refuse(failure, closing: true) }
        let plan = Admission.plan(parser.head, worker.settings.server)
        if case .refuse(let failure) = plan { return refuse(failure, closing: true) }
        if parser.head.expectsContinue, parser.head.hasBody {
            worker.buffers.lend(to: &output)
            output.append("HTTP/1.1 100 Continue\r\n\r\n")
            requestFlush()
        }
        if plan == .stream {
            guard worker.responder == nil else {
                return refuse(
                    Admission.tooLarge(worker.settings.server.replayLimitBytes), closing: true)
            }
            // What decides the way of a body is read before it goes anywhere.
            if worker.edition.routing.needsModel(of: parser.head) {
                modelScanBytes = Limits.modelScanBytesMin
            } else {
                stream(length: parser.head.contentLength)
            }
        }
    }

    /// Why a request is not taken in, whatever it asks for; nil where it is.
    private func admissionFailure() -> Failure? {
        if worker.policy.refusesHost(of: parser.head) {
            return .refused(
                421, "unknown_host",
                "this listener is reached by names of loopback, and by those under hosts in "
                    + "[server]; the request asks for another")
        }
        origin = worker.policy.origin(of: parser.head)
        return nil
    }

    /// Begins to pass a body on that is too large to keep.
    private func stream(length: Int?) {
        bodyMode = .stream(length: length)
        begin()
    }

    /// Begins to pass a large body on once its beginning has told its model, or will not tell it.
    private func streamOnceModelIsKnown() {
        let replayLimit = worker.settings.server.replayLimitBytes
        guard parser.body.count >= min(modelScanBytes, replayLimit) else { return }
        let found = parser.withHead { head in
            parser.withBody { RequestContent(head, $0.bytes, isWhole: false) }
        }
        if case .named = found.model.finding {
            content = found
        } else if parser.body.count < replayLimit {
            // Twice as much each time: all of it is walked over twice at most.
            return modelScanBytes = 2 * parser.body.count
        }
        modelScanBytes = 0
        stream(length: parser.head.contentLength)
    }

    private func bodyArrived() {
        phaseBegan = worker.loop.now
        let server = worker.settings.server
        switch bodyMode {
        case .keep:
            guard parser.body.count <= server.maxBodyBytes else {
                return refuse(Admission.tooLarge(server.maxBodyBytes), closing: true)
            }
            if modelScanBytes > 0 { return streamOnceModelIsKnown() }
            guard parser.body.count > server.replayLimitBytes else { return }
            guard worker.responder == nil else {
                return refuse(Admission.tooLarge(server.replayLimitBytes), closing: true)
            }
            // Chunks without an announced length grew too large to keep: from here they stream.
            stream(length: nil)
        case .stream:
            guard exchange.isInFlight else {
                // The vendor has answered without wanting the rest.
                return parser.body.removeAll()
            }
            guard bodyBytes + parser.body.count <= server.maxBodyBytes else {
                return refuseMidStream(Admission.tooLarge(server.maxBodyBytes))
            }
            if let transfer { worker.lanes.resumeSending(transfer) }
            if parser.body.count > Limits.uploadHighBytes {
                pauseReading()
                ensureClock()
            }
        }
    }

    /// A body turned out too large, or malformed, after some of it was passed on.
    private func refuseMidStream(_ failure: Failure) {
        worker.metrics.refused.add()
        // What is still to come is no request; the vendor's answer, if there was one, stands.
        closesAfterResponse = true
        lingersAfterResponse = true
        stop(exchange.overflowed(failure))
        // Not another byte of it is parsed.
        if phase == .body { enter(.answering) }
    }

    private func requestArrived() {
        enter(.answering)
        if let responder = worker.responder {
            return respond(responder.respond(to: parser.head))
        }
        if origin == .allowed, parser.head.isPreflight { return respondToPreflight() }
        switch bodyMode {
        case .keep:
            begin()
        case .stream:
            if let transfer { worker.lanes.resumeSending(transfer) }
            // The vendor may have answered before the upload was complete.
            if isResponseComplete { requestFlush() }
        }
    }
}
