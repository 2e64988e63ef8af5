import Cryptography
import Primitives
import Reactor
import Telemetry

// What comes before the first request: the header of PROXY protocol, and the handshake of TLS.
extension ClientSocket {
    /// The first byte of a client's greeting in TLS; in HTTP it begins no request.
    static let greeting: UInt8 = 0x16

    /// What follows a step of a handshake.
    enum Step {
        /// Requests can be read.
        case ready
        /// It has begun just now, and goes on when the socket is ready again.
        case begun
        /// It goes on when the socket is ready again.
        case waiting
        /// The client speaks plain HTTP, and can be answered so.
        case plain
        /// The connection is of no use any more.
        case over
    }

    /// Takes the beginning of the connection as far as it goes in this turn.
    mutating func advance(of worker: Worker) -> Step {
        let isNew = !isOpening
        switch readProxyHeader() {
        case .waiting: return isNew && isOpening ? .begun : .waiting
        case .failed: return .over
        case .whole: break
        }
        guard takeSeat(of: worker.settings.admission.addresses) else {
            worker.metrics.turnedAway.add()
            breakOff()
            return .over
        }
        return isReady ? .ready : advanceHandshake(of: worker, isNew)
    }

    private mutating func advanceHandshake(of worker: Worker, _ isNew: Bool) -> Step {
        // A step costs up to a millisecond, which the streams of this worker wait. The kernel
        // reports the descriptor again in the next turn; a greeting costs nothing until then.
        guard worker.handshakes.hasStep else { return .waiting }
        if !isHandshaking {
            let step = begin(of: worker)
            guard case .begun = step else { return step }
        }
        worker.handshakes.takeStep()
        switch handshake() {
        case .moved:
            worker.handshakes.ended()
            worker.metrics.handshakes.add()
            if isResumed { worker.metrics.handshakesResumed.add() }
            return .ready
        case .wouldBlock:
            return isNew ? .begun : .waiting
        case .closed, .failed:
            worker.metrics.handshakesFailed.add()
            return .over
        }
    }

    /// Counts the end of a connection: of its handshake if that was under way, and of one that
    /// was flooded.
    func countEnd(in worker: Worker) {
        if isHandshaking { worker.handshakes.ended() }
        if isFlooded { worker.metrics.handshakeFloods.add() }
    }

    /// Looks at the first byte, which says whether a handshake begins.
    private mutating func begin(of worker: Worker) -> Step {
        var byte: UInt8 = 0
        switch Socket.peek(descriptor, &byte) {
        case .wouldBlock: return .waiting
        case .closed, .failed: return .over
        case .moved: break
        }
        guard byte == Self.greeting else {
            worker.metrics.plainOnTLS.add()
            speakPlainly()
            return .plain
        }
        guard worker.handshakes.begin() else {
            // At the level of TCP: an alert would need what there is no room for.
            worker.metrics.handshakesFailed.add()
            breakOff()
            return .over
        }
        guard makeSession() else {
            worker.handshakes.ended()
            breakOff()
            return .over
        }
        return .begun
    }
}
