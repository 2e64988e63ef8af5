import Access
import ExchangeCore
import Primitives
import Reactor

/// This worker's requests that wait for a limit: the ledger has their order, and calls for each
/// once it is admitted.
///
/// Only what needs no look into the future waits here: a request whose body is passed on as it
/// comes is refused at once, because its client would be read on.
final class LimitQueue: TimerHandler {
    /// How often room is looked for that time alone makes.
    private static let interval = Interval.milliseconds(20)

    /// A request whose wait ended.
    private struct Ended: Sendable {
        let ticket: Ticket
        let end: WaitEnd
    }

    private unowned let worker: Worker
    private var waiting: [Ticket: RequestExchange] = [:]
    private var mailbox: Mailbox<Ended>?
    /// The ledger of those that wait: one for the life of a process.
    private var ledger: Ledger?
    private var timer: TimerWheel.Timer?

    init(_ worker: Worker) {
        self.worker = worker
    }

    /// What a ledger calls when the wait of a request ends; nil where no request may wait, because
    /// no descriptor is left to wake this worker with.
    func receiver(for exchange: RequestExchange) -> WaitEnd.Receiver? {
        guard !exchange.intake.isStreaming, let mailbox = openMailbox() else { return nil }
        return { mailbox.post(Ended(ticket: $0, end: $1)) }
    }

    private func openMailbox() -> Mailbox<Ended>? {
        if let mailbox { return mailbox }
        let owner = Owner(self)
        guard
            let made = try? Mailbox<Ended>(receive: { message in
                owner.queue?.ended(message)
            })
        else { return nil }
        made.open(on: worker.loop)
        mailbox = made
        return made
    }

    /// Written and read on the worker's thread alone.
    private final class Owner: @unchecked Sendable {
        weak var queue: LimitQueue?

        init(_ queue: LimitQueue) {
            self.queue = queue
        }
    }

    /// Has a request wait, at most so many milliseconds.
    func append(_ exchange: RequestExchange, _ ticket: Ticket, atMost wait: Int, _ ledger: Ledger) {
        self.ledger = ledger
        waiting[ticket] = exchange
        exchange.limitWait = LimitWait(
            ticket: ticket, until: worker.loop.now + .milliseconds(Int64(wait)))
        exchange.client.ensureClock()
        arm()
    }

    /// A request has waited for as long as it may.
    func clockExpired(_ exchange: RequestExchange) {
        guard let ticket = exchange.limitWait?.ticket, let ledger else { return }
        let now = Int(Identifier.wallClockMilliseconds())
        guard let refusal = ledger.giveUp(ticket, now: now) else {
            // Its wait ended just now: the message is on its way.
            exchange.limitWait?.until = .distantFuture
            return
        }
        forget(exchange)
        RequestStart.goOn(exchange, refusal: .limited(refusal, now: now))
    }

    /// A request ends, and waits no more if it did.
    func leave(_ exchange: RequestExchange) {
        guard let ticket = exchange.limitWait?.ticket else { return }
        forget(exchange)
        // One that was admitted meanwhile is settled when its message comes.
        _ = ledger?.leave(ticket, now: Int(Identifier.wallClockMilliseconds()))
        exchange.recorder.writeBegin(exchange)
    }

    private func forget(_ exchange: RequestExchange) {
        if let ticket = exchange.limitWait?.ticket { waiting[ticket] = nil }
        exchange.limitWait = nil
    }

    private func ended(_ message: Ended) {
        let now = Int(Identifier.wallClockMilliseconds())
        guard let exchange = waiting[message.ticket] else {
            if case .admitted(let reservation) = message.end {
                ledger?.settle(reservation, .unasked, now: now)
            }
            return
        }
        forget(exchange)
        switch message.end {
        case .admitted(let reservation): admitted(exchange, reservation)
        case .displaced(let refusal):
            RequestStart.goOn(exchange, refusal: .limited(refusal, now: now))
        }
    }

    private func admitted(_ exchange: RequestExchange, _ reservation: Reservation) {
        exchange.caller?.admitted(reservation)
        exchange.requestEnded = worker.loop.now
        // What it is charged counts for the moment of its admission, by its name as by its limits.
        exchange.identifier = Identifier.next(
            using: &worker.random, milliseconds: UInt64(max(0, reservation.began)))
        // A key may have been revoked meanwhile, and from then on lets in no request.
        RequestStart.goOn(exchange, refusal: CallerCheck.refusalAfterWait(of: exchange))
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        guard !waiting.isEmpty else { return }
        ledger?.admitWaiting(now: Int(Identifier.wallClockMilliseconds()))
        arm()
    }

    private func arm() {
        let timer = timer ?? worker.loop.timers.create(self)
        self.timer = timer
        guard !worker.loop.timers.isArmed(timer) else { return }
        worker.loop.timers.arm(timer, at: worker.loop.now + Self.interval)
    }
}

/// A request's wait for a limit.
struct LimitWait {
    let ticket: Ticket
    var until: Instant
}
