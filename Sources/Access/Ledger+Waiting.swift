import Synchronization

// DESIGN
//
// A request that a limit refuses may wait for it, where the limit's owner has a queue. A line
// belongs to a scope, and holds requests of all workers. Room comes back when a request of that
// scope settles, and as time goes on: the first admits the next ones in the same critical section,
// the second is looked for by the workers that have requests waiting. Requests of other scopes pay
// nothing for it: they look at no line. Of a line one request of each key is looked at, at most.
// Where a line is full, the key with the most requests in it gives way.

extension Ledger {
    /// A request whose wait ended, and what is called with how it did.
    struct EndedWait {
        let ticket: Ticket
        let end: WaitEnd
        let receiver: WaitEnd.Receiver
    }

    /// Ends a request's wait; returns why it is refused, or nil where its wait ended already.
    ///
    /// What is called with that end is called, or was, where this returns nil.
    public func giveUp(_ ticket: Ticket, now: Int) -> LimitRefusal? {
        let (refusal, ended) = state.withLock { state -> (LimitRefusal?, [EndedWait]) in
            guard let waiting = state.waiting[ticket] else { return (nil, []) }
            let now = state.clock(now)
            let refusal = state.refuse(ticket, waiting, now: now)
            return (refusal, state.admitNext(of: waiting.slot, now: now))
        }
        Self.call(ended)
        return refusal
    }

    /// Takes a request out whose client is gone; false where its wait ended already.
    public func leave(_ ticket: Ticket, now: Int) -> Bool {
        let (hasLeft, ended) = state.withLock { state -> (Bool, [EndedWait]) in
            guard let slot = state.leave(ticket) else { return (false, []) }
            return (true, state.admitNext(of: slot, now: state.clock(now)))
        }
        Self.call(ended)
        return hasLeft
    }

    /// Admits the requests that wait and for which time has made room.
    public func admitWaiting(now: Int) {
        let ended = state.withLock { state in
            let now = state.clock(now)
            return state.lines.keys.sorted().flatMap { state.admitNext(of: $0, now: now) }
        }
        Self.call(ended)
    }

    /// Outside of the critical section: it may take a lock of its own.
    static func call(_ ended: [EndedWait]) {
        for wait in ended { wait.receiver(wait.ticket, wait.end) }
    }
}
