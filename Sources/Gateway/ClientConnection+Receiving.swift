import ExchangeCore
import HTTP
import Primitives
import Reactor

// Receive: bytes of the client become a head and a body.
extension ClientConnection {
    /// Takes a handshake of TLS as far as it goes; returns whether requests can be read.
    private func advanceHandshake() -> Bool {
        if socket.isBeforeHandshake { worker.makeRoomForHandshake() }
        switch socket.advance(of: worker) {
        case .ready, .begun:
            // The handshake is a part of the head's time, from its first byte.
            enter(.idle)
            updateInterest()
        case .waiting:
            updateInterest()
        case .plain:
            PlainRefusal.wantsTLS(self)
        case .over:
            close()
        }
        return socket.isReady && phase == .idle
    }

    func receive() {
        guard socket.isReady || advanceHandshake() else { return }
        // The worker's buffer is lent, so that a connection at rest needs none of its own.
        var input = ByteBuffer()
        swap(&input, &worker.input)
        defer {
            input.removeAll()
            swap(&input, &worker.input)
        }
        let outcome = socket.receive(into: &input)
        switch outcome {
        case .moved:
            lastClientProgress = worker.loop.now
            isReceiving = true
            take(input.bytes)
            isReceiving = false
            guard isClockDue else { return }
            isClockDue = false
            ensureClock()
        case .wouldBlock:
            break
        case .closed, .failed:
            clientGone()
        }
    }

    /// Takes bytes as they come: parses them, or keeps them while a request is being served.
    private func take(_ bytes: Span<UInt8>) {
        if servedCount == 0, phase == .idle, PlainRefusal.refusesTLS(self, bytes[0]) { return }
        if phase == .idle, socket.isOutdated { return close() }  // Its client comes again.
        guard phase != .answering, pending.isEmpty else {
            pending.append(bytes)
            // What follows a handshake is no request, whatever becomes of the handshake.
            if exchange?.tunnel != nil { exchange?.writer.closesAfterwards = true }
            if phase != .answering { return takePending() }
            if pending.count > Limits.pipelinedBytes { pauseReading() }
            return
        }
        let consumed = parse(bytes)
        if consumed < bytes.count, phase == .answering {
            if exchange?.tunnel != nil { exchange?.writer.closesAfterwards = true }
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
        if exchange?.upload.awaitsRoomSince != nil { return }
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
                if phase == .body { bodyArrived(bytes.count, isWhole: false) }
                return offset
            case .head:
                headArrived()
            case .message:
                bodyArrived(bytes.count, isWhole: true)
                if phase == .body { requestArrived() }
                return offset
            case .malformed(let malformation):
                refuseMalformed(malformation)
                return bytes.count
            }
        }
        return offset
    }

    /// The exchange of the request that is coming in, whether or not its head was understood.
    func currentExchange() -> RequestExchange {
        if let exchange { return exchange }
        let exchange = RequestExchange(self)
        self.exchange = exchange
        return exchange
    }

    private func refuseMalformed(_ malformation: Malformation) {
        let failure = Failure.malformed(malformation, bodyBytesMax: parser.bodyBytesMax)
        parser.findPathOfIncompleteHead()
        let exchange = currentExchange()
        if exchange.intake.isStreaming, phase == .body {
            exchange.refuseMidStream(failure)
        } else {
            exchange.refuse(failure, closing: true)
        }
    }

    private func headArrived() {
        let exchange = currentExchange()
        // A clock reading of its own would be more exact, and a system call per request.
        enter(.body)
        exchange.headArrived()
    }

    private func bodyArrived(_ bytesRead: Int, isWhole: Bool) {
        phaseBegan = worker.loop.now
        exchange?.bodyArrived(bytesRead, isWhole: isWhole)
    }

    private func requestArrived() {
        enter(.answering)
        exchange?.requestArrived()
    }
}
