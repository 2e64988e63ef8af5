import Synchronization

// DESIGN
//
// A request that a limit refuses may wait for it, where the limit's owner has a queue. A line
// belongs to a scope, and holds requests of all workers. Room comes back when a request of that
// scope settles, and as time goes on: the first admits the next ones in the same critical section,
// the second is looked for by the workers that have requests waiting. Requests of other scopes pay
// nothing for it: they look at no line. Of a line one request of each key is looked at, at most.

extension Ledger {
    /// A request that was admitted after it waited, and what is called with its reservation.
    struct Grant {
        let ticket: Ticket
        let reservation: Reservation
        let admitted: @Sendable (Ticket, Reservation) -> Void
    }

    /// Ends a request's wait; returns why it is refused, or nil where it was admitted already.
    ///
    /// What is called with its reservation is called, or was, where this returns nil.
    public func giveUp(_ ticket: Ticket, now: Int) -> LimitRefusal? {
        let (refusal, grants) = state.withLock { state -> (LimitRefusal?, [Grant]) in
            guard let waiting = state.waiting[ticket] else { return (nil, []) }
            let now = state.clock(now)
            var refusal = state.refusal(of: waiting.demand, waiting.path, now: now)?.refusal
            // There is room, and others were before it.
            refusal = refusal ?? waiting.path.first { $0.slot == waiting.slot }.map(\.fullQueue)
            state.leave(ticket)
            state.counts[waiting.slot].refused += 1
            return (refusal, state.admitNext(of: waiting.slot, now: now))
        }
        Self.call(grants)
        return refusal
    }

    /// Takes a request out whose client is gone; false where it was admitted already.
    public func leave(_ ticket: Ticket, now: Int) -> Bool {
        let (hasLeft, grants) = state.withLock { state -> (Bool, [Grant]) in
            guard let slot = state.leave(ticket) else { return (false, []) }
            return (true, state.admitNext(of: slot, now: state.clock(now)))
        }
        Self.call(grants)
        return hasLeft
    }

    /// Admits the requests that wait and for which time has made room.
    public func admitWaiting(now: Int) {
        let grants = state.withLock { state in
            let now = state.clock(now)
            return state.lines.keys.sorted().flatMap { state.admitNext(of: $0, now: now) }
        }
        Self.call(grants)
    }

    /// Outside of the critical section: it may take a lock of its own.
    static func call(_ grants: [Grant]) {
        for grant in grants { grant.admitted(grant.ticket, grant.reservation) }
    }
}

extension LedgerState {
    /// Has a request wait in the line of a step.
    mutating func wait(
        _ demand: Demand, _ path: [Step], at step: Step, key: String,
        admitted: @escaping @Sendable (Ticket, Reservation) -> Void
    ) -> Ticket {
        ticketCount += 1
        let ticket = Ticket(number: ticketCount)
        waiting[ticket] = WaitingRequest(
            slot: step.slot, key: key, demand: demand, path: path, admitted: admitted)
        lines[step.slot, default: WaitingLine()].append(ticket, of: key)
        return ticket
    }

    /// Takes a request out of its line, whose scope is returned; nil where it waits no more.
    @discardableResult
    mutating func leave(_ ticket: Ticket) -> Int? {
        guard let request = waiting.removeValue(forKey: ticket) else { return nil }
        lines[request.slot]?.remove(ticket, of: request.key)
        if lines[request.slot]?.count == 0 { lines[request.slot] = nil }
        return request.slot
    }

    /// Admits requests of a line, key by key, for as long as its scope has room.
    ///
    /// A request that another scope refuses holds up no other key's.
    mutating func admitNext(of slot: Int, now: Int) -> [Ledger.Grant] {
        var grants: [Ledger.Grant] = []
        // Those before it were refused by another scope. A key that is served goes to the end.
        var turn = 0
        while let ticket = lines[slot]?.next(atTurn: turn), let request = waiting[ticket] {
            lookCount += 1
            if let found = refusal(of: request.demand, request.path, now: now) {
                if found.step.slot == slot { return grants }
                turn += 1
                continue
            }
            waiting[ticket] = nil
            lines[slot]?.serve(atTurn: turn)
            grants.append(
                Ledger.Grant(
                    ticket: ticket, reservation: take(request.demand, request.path, now: now),
                    admitted: request.admitted))
        }
        if lines[slot]?.count == 0 { lines[slot] = nil }
        return grants
    }
}
