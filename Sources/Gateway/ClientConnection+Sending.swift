import HTTP
import Primitives
import Reactor

// The output to the client, and what follows a response.
extension ClientConnection {
    /// Has the output sent at the end of this turn, together with whatever comes until then.
    func requestFlush() {
        guard !isAwaitingFlush, phase != .closed else { return }
        isAwaitingFlush = true
        worker.needsFlush(self)
    }

    /// Gives the kernel the first piece of a turn at once; what follows in the same turn is
    /// gathered.
    ///
    /// libcurl reads on for as long as the vendor sends, and handles the end of a response before
    /// it returns: the first piece would wait for both. This is called from inside libcurl, so
    /// ``flush()`` acts upon the result of the send; it always follows.
    func sendFirstOfTurn() {
        guard lastSentFirst != worker.loop.now else { return }
        lastSentFirst = worker.loop.now
        sendAhead()
    }

    /// Gives the kernel what it takes, and leaves it to ``flush()`` to act upon the result.
    func sendAhead() {
        exchange?.writeDeliveryAhead()
        if case .moved = socket.send(from: &output) {
            lastClientProgress = worker.loop.now
        }
    }

    /// Gives the kernel what it takes, once.
    func flush() {
        isAwaitingFlush = false
        guard phase != .closed else { return }
        let exchange = exchange
        if exchange?.tunnel?.isDrained ?? false { return clientGone() }
        exchange?.turnEnded()
        if !output.isEmpty {
            exchange?.writeDeliveryAhead()
            switch socket.send(from: &output) {
            case .moved: lastClientProgress = worker.loop.now
            case .wouldBlock: break
            case .closed, .failed: return clientGone()
            }
        }
        if output.isEmpty {
            worker.buffers.reclaim(&output)
            let interest = worker.loop.interest(of: socket.descriptor)
            if interest?.contains(.write) ?? false { updateInterest() }
            if isClockChanged {
                isClockChanged = false
                ensureClock()
            }
        } else {
            updateInterest()
            ensureClock()
            // Once the client has taken this, the vendor's clock runs again.
            isClockChanged = true
        }
        exchange?.attempt?.resumeReceivingIfTaken()
        if let exchange, exchange.writer.isComplete, output.isEmpty, !isAwaitingFlush {
            responseSent(exchange)
        }
    }

    /// The kernel has the whole response.
    private func responseSent(_ exchange: RequestExchange) {
        guard phase == .answering || phase == .body else { return }
        let writer = exchange.writer
        exchange.delivered()
        servedCount += 1
        if writer.isBrokenOff {
            // An HTTP/1.0 client takes the end of the connection for the end of the body, so it
            // must be a reset; the others see that the declared end is missing.
            if writer.framing == .close || writer.framing == .tunnel {
                socket.breakOff()
            }
            return close()
        }
        // The client may have sent more than its request, a stray line feed say. To close with
        // bytes unread would reset the connection, and the answer could be lost.
        if phase == .body || writer.closesAfterwards || worker.isDraining {
            return beginLingering()
        }
        nextRequest(after: exchange)
    }

    private func nextRequest(after exchange: RequestExchange) {
        exchange.returnBody()
        self.exchange = nil
        parser.next()
        if pending.isEmpty { parser.releaseMemoryIfLarge() }
        enter(.idle)
        // Reading may have been paused for the sake of an upload that ended early.
        resumeReading()
        if !pending.isEmpty { takePending() }
    }

    /// Closes our side and reads on for a while: to close both at once would reset the connection
    /// under a client that is still sending, and it would never see the answer.
    func beginLingering() {
        socket.finishSending()
        exchange = nil
        parser.releaseMemory()
        pending.release()
        lingerBytesLeft = max(Limits.lingerBytesMin, parser.bodyBytesMax)
        enter(.lingering)
        resumeReading()
    }

    func linger(_ readiness: Readiness) {
        var input = ByteBuffer()
        swap(&input, &worker.input)
        defer {
            input.removeAll()
            swap(&input, &worker.input)
        }
        switch socket.receive(into: &input) {
        case .moved(let count):
            lingerBytesLeft -= count
            // A drain does not wait for what is dropped.
            if !worker.isDraining { phaseBegan = worker.loop.now }
            if lingerBytesLeft <= 0 { close() }
        case .wouldBlock:
            break
        case .closed, .failed:
            close()
        }
    }
}
