import Logging
import Primitives
import Reactor
import Telemetry

/// Takes clients in: accept, the first step of the way.
final class Listener: DescriptorHandler, TimerHandler {
    private unowned let worker: Worker
    private var descriptor: Int32
    /// Whether it has not been closed.
    var isOpen: Bool { descriptor >= 0 }
    private let origin: ClientSocket.Origin
    private var timer: TimerWheel.Timer?
    /// Whether another process accepts from the same socket instead.
    private var isResting = false
    /// Connections taken at most in this turn, and when some were last taken.
    ///
    /// They mostly come one by one, and to find that no other waits costs the kernel as much as to
    /// take one: it makes a socket for it first.
    private var share = 1
    private var lastReady: Instant

    init(_ worker: Worker, descriptor: Int32, origin: ClientSocket.Origin) {
        self.worker = worker
        self.origin = origin
        self.descriptor = descriptor
        lastReady = worker.loop.now
        // Another process may have opened it.
        Socket.setForClients(descriptor)
        timer = worker.loop.timers.create(self)
        worker.loop.watch(descriptor, for: .read, self)
    }

    func descriptorReady(_ descriptor: Int32, _ readiness: Readiness) {
        let isRush = worker.loop.now - lastReady < Limits.acceptPeriod
        share = isRush ? min(2 * share, Limits.acceptsPerTurn) : 1
        lastReady = worker.loop.now
        var mayMakeRoom = true
        var left = share
        while left > 0 {
            left -= 1
            switch Socket.accept(descriptor) {
            case .connection(let client):
                worker.accepted(client, from: origin)
            case .wouldBlock:
                return
            case .gone:
                continue
            case .exhausted(let code):
                guard mayMakeRoom, worker.closeResting() else { return pause(code) }
                mayMakeRoom = false
                left += 1
            }
        }
    }

    /// The waiting connection stays in the kernel's queue and would wake us every turn, so the
    /// listener is not watched until descriptors may have become free.
    private func pause(_ code: Int32) {
        guard let timer else { return }
        worker.metrics.acceptPauses.add()
        worker.logger.warning(
            "accepting pauses: no descriptors or memory left",
            metadata: ["error": "\(SystemError(call: "accept4", code: code))"]
        )
        worker.loop.unwatch(descriptor)
        worker.loop.timers.arm(timer, at: worker.loop.now + Limits.acceptPause)
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        if !isResting { worker.loop.watch(descriptor, for: .read, self) }
    }

    /// Leaves the connections that wait to another process that accepts from the same socket.
    func rest() {
        isResting = true
        worker.loop.unwatch(descriptor)
    }

    /// Accepts again.
    func resume() {
        isResting = false
        worker.loop.watch(descriptor, for: .read, self)
    }

    /// Accepts the connections that already wait, then stops listening: the kernel would reset
    /// them otherwise.
    func close() {
        guard descriptor >= 0 else { return }
        accepting: while !isResting {
            switch Socket.accept(descriptor) {
            case .connection(let client): worker.accepted(client, from: origin)
            case .gone: continue
            case .wouldBlock, .exhausted: break accepting
            }
        }
        // Where another process has the socket, too, the kernel would go on reporting it.
        worker.loop.unwatch(descriptor)
        Socket.close(descriptor)
        descriptor = -1
        if let timer { worker.loop.timers.destroy(timer) }
        timer = nil
    }
}
