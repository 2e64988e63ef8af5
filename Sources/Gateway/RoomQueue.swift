import ExchangeCore
import Primitives
import Reactor
import Transfers

/// The requests whose bodies wait for memory, in the order in which they came.
final class RoomQueue: TimerHandler {
    private unowned let worker: Worker
    private var waiting: ContiguousArray<RequestExchange> = []
    /// How many of them wait no more: they were refused, or their clients are gone.
    private var goneCount = 0
    private var timer: TimerWheel.Timer?

    init(_ worker: Worker) {
        self.worker = worker
    }

    /// Upload bytes waiting for a vendor at which a client is not read.
    var uploadHighBytes: Int {
        worker.bodies.room == .free ? Limits.uploadHighBytes : Limits.uploadLowBytes
    }

    /// Has a request wait, whose client is not read meanwhile.
    func append(_ exchange: RequestExchange) {
        guard exchange.upload.awaitsRoomSince == nil else { return }
        exchange.upload.awaitRoom(now: worker.loop.now)
        waiting.append(exchange)
        arm()
        exchange.client.pauseReading()
        exchange.client.ensureClock()
    }

    /// There was no memory for a body in time.
    ///
    /// Of those that have waited as long, each looks once more: the one before may have made room.
    func clockExpired(_ exchange: RequestExchange) {
        if worker.bodies.room == .free {
            readOn(exchange)
            return countGone()
        }
        leave(exchange)
        exchange.refuse(.noRoomForBody, closing: true)
    }

    /// A request ends, and waits no more if it did.
    func leave(_ exchange: RequestExchange) {
        guard exchange.upload.awaitsRoomSince != nil else { return }
        exchange.upload.stopAwaitingRoom(now: worker.loop.now)
        exchange.intake.dropBody(of: exchange.request)
        countGone()
    }

    private func readOn(_ exchange: RequestExchange) {
        exchange.upload.stopAwaitingRoom(now: worker.loop.now)
        exchange.client.resumeReading()
    }

    // Those that wait no more are taken out together, once they are half of all, so that each costs
    // the same.
    private func countGone() {
        goneCount += 1
        guard 2 * goneCount > waiting.count else { return }
        waiting.removeAll { $0.upload.awaitsRoomSince == nil }
        goneCount = 0
    }

    /// Reads on from as many of them as there is room for.
    ///
    /// Their bytes come in a later turn, so that the room is counted off here already.
    func turnEnded() {
        guard !waiting.isEmpty else { return }
        var left = worker.bodies.bytesLeft
        var index = 0
        while index < waiting.count, left > 0 {
            let exchange = waiting[index]
            index += 1
            guard exchange.upload.awaitsRoomSince != nil else {
                goneCount -= 1
                continue
            }
            left -= Limits.receiveBytesPerTurn
            readOn(exchange)
        }
        if index > 0 { waiting.removeFirst(index) }
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        // The turn ends after this, and looks for room.
        if !waiting.isEmpty { arm() }
    }

    private func arm() {
        let timer = timer ?? worker.loop.timers.create(self)
        self.timer = timer
        guard !worker.loop.timers.isArmed(timer) else { return }
        worker.loop.timers.arm(timer, at: worker.loop.now + Limits.roomInterval)
    }
}
