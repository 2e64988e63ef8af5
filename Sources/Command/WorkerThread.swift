import Cryptography
import Gateway
import Logging
import Primitives
import Reactor
import Telemetry

/// A worker's thread, and the mailbox for orders to it.
struct WorkerThread {
    /// What a worker is made of.
    struct Parts: Sendable {
        let settings: WorkerSettings
        let metrics: WorkerMetrics
        let sockets: [ListeningSockets.Socket]
        let identity: ServerIdentity?
        let journal: @Sendable () -> WorkerJournal?
    }

    let thread: Reactor.Thread
    let mailbox: Mailbox<WorkerOrder>

    /// Starts a worker; `ended` is called on its thread when that ends.
    init(
        _ index: Int, _ parts: Parts, _ first: SnapshotPlan, ended: @escaping @Sendable () -> Void
    ) throws {
        let snapshot = Handover(first)
        let slot = LoopOwned<Worker>()
        let mailbox = try Mailbox<WorkerOrder> { slot.value?.obey($0) }
        self.mailbox = mailbox
        thread = try Reactor.Thread(name: "weir-worker-\(index)", standing: .prompt) {
            defer { ended() }
            do {
                let loop = try EventLoop()
                mailbox.open(on: loop)
                guard let worker = Self.makeWorker(parts, loop, snapshot) else { return }
                slot.value = worker
                for socket in parts.sockets {
                    worker.listen(
                        on: socket.descriptor, onLoopback: socket.isOnLoopback,
                        identity: parts.identity)
                }
                // Only this reference holds the worker: its loop, listener and mailbox do not.
                withExtendedLifetime(worker) { loop.run() }
            } catch {
                parts.settings.logger.critical(
                    "a worker cannot run", metadata: ["error": "\(error)"])
            }
        }
    }

    // Not a part of the thread's closure, which would hold the plan until the loop ends.
    @inline(never)
    private static func makeWorker(
        _ parts: Parts, _ loop: EventLoop, _ snapshot: Handover<SnapshotPlan>
    ) -> Worker? {
        snapshot.take().map {
            Worker(
                settings: parts.settings, metrics: parts.metrics, loop: loop, snapshot: $0,
                journal: parts.journal())
        }
    }
}
