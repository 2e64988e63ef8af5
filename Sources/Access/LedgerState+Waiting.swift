// The lines of those that wait. See Ledger+Waiting.swift.
extension LedgerState {
    /// Has a request wait in the line of a step.
    mutating func wait(
        _ demand: Demand, _ path: [Step], at step: Step, key: String,
        ended: @escaping WaitEnd.Receiver
    ) -> Ticket {
        ticketCount += 1
        let ticket = Ticket(number: ticketCount)
        waiting[ticket] = WaitingRequest(
            slot: step.slot, key: key, demand: demand, path: path, ended: ended)
        lines[step.slot, default: WaitingLine()].append(ticket, of: key)
        return ticket
    }

    /// Makes room in the line of a step for a key's next request; nil where there is none.
    ///
    /// Returns the wait that it ended.
    mutating func makeRoom(at step: Step, max: Int, for key: String, now: Int)
        -> [Ledger.EndedWait]?
    {
        guard let line = lines[step.slot], line.count >= max else { return max > 0 ? [] : nil }
        guard let ticket = line.givingWay(to: key), let waiting = waiting[ticket] else {
            return nil
        }
        let refusal = refuse(ticket, waiting, now: now) ?? step.fullQueue
        return [
            Ledger.EndedWait(ticket: ticket, end: .displaced(refusal), receiver: waiting.ended)
        ]
    }

    /// Takes a request out that is not admitted; returns why it is refused.
    mutating func refuse(_ ticket: Ticket, _ waiting: WaitingRequest, now: Int) -> LimitRefusal? {
        let found = refusal(of: waiting.demand, waiting.path, now: now)?.refusal
        leave(ticket)
        counts[waiting.slot].refused += 1
        // Where there is room, others were before it.
        return found ?? waiting.path.first { $0.slot == waiting.slot }.map(\.fullQueue)
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
    mutating func admitNext(of slot: Int, now: Int) -> [Ledger.EndedWait] {
        var ended: [Ledger.EndedWait] = []
        // Those before it were refused by another scope. A key that is served goes to the end.
        var turn = 0
        while let ticket = lines[slot]?.next(atTurn: turn), let request = waiting[ticket] {
            lookCount += 1
            if let found = refusal(of: request.demand, request.path, now: now) {
                if found.step.slot == slot { return ended }
                turn += 1
                continue
            }
            waiting[ticket] = nil
            lines[slot]?.serve(atTurn: turn)
            let reservation = take(request.demand, request.path, now: now)
            ended.append(
                Ledger.EndedWait(
                    ticket: ticket, end: .admitted(reservation), receiver: request.ended))
        }
        if lines[slot]?.count == 0 { lines[slot] = nil }
        return ended
    }
}
