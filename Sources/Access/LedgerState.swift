/// What a ledger keeps of all scopes, by their indexes; the ledger locks it.
struct LedgerState {
    var slots: [Step.Scope: Int] = [:]
    var buckets: [Bucket] = []
    var counts: [Ledger.Counts] = []
    /// The limits of each scope, as they were read last.
    var steps: [Step?] = []
    /// The state of the same scope that came after one; most have none.
    var heirs: [Int: Int] = [:]
    /// The requests that wait, by their tickets, and the lines of scopes that have any.
    var waiting: [Ticket: WaitingRequest] = [:]
    var lines: [Int: WaitingLine] = [:]
    /// What calls of processes beside this one hold, by the journals that say so.
    var elsewhere: [String: [Ledger.HeldElsewhere]] = [:]
    var ticketCount = 0
    /// Looks at requests that wait, since the process began.
    var lookCount = 0
    /// The latest instant at which a request was admitted: for windows a clock that was set back
    /// admits none earlier, as they do not go back with it.
    private var latest = 0
    /// Shares of limits that other replicas keep, too; nil where this process counts alone.
    var fleet: FleetShares?
}

extension LedgerState {
    /// Why the limits of a path refuse a request, and whose: of several the one that lasts longest;
    /// nil where all of them admit it.
    mutating func refusal(
        of demand: Demand, _ path: [Step], now: Int
    ) -> (refusal: LimitRefusal, step: Step)? {
        var worst: (refusal: LimitRefusal, step: Step)?
        for step in path {
            buckets[step.slot].advance(to: now, step)
            guard let found = refusal(of: demand, now: now, step) else { continue }
            guard worst.map({ $0.refusal.rank < found.rank }) ?? true else { continue }
            worst = (found, step)
        }
        return worst
    }

    /// Takes a request in; returns what is held for it.
    mutating func take(_ demand: Demand, _ path: [Step], now: Int) -> Reservation {
        latest = max(latest, now)
        let began = beginning(of: now, path)
        for step in path {
            buckets[step.slot].admit(demand, step)
            counts[step.slot].admitted += 1
            if !heirs.isEmpty { enterHeirs(of: step.slot) }
        }
        return Reservation(path: path, began: began, latest: latest, demand: demand)
    }

    /// The instant from which the period of each budget of a path follows, in which its part of
    /// the request is held: so that the settlement finds it.
    private mutating func beginning(of now: Int, _ path: [Step]) -> Int {
        var began = now
        while true {
            let next = path.reduce(began) { buckets[$1.slot].beginning(of: $0, $1) }
            // Later than what a step before it has seen.
            guard next > began else { return began }
            began = next
        }
    }
}

extension LedgerState {
    /// Why the limits of a step refuse a request; nil where they admit it.
    fileprivate mutating func refusal(of demand: Demand, now: Int, _ step: Step) -> LimitRefusal? {
        guard fleet == nil else { return sharedRefusal(of: demand, now: now, step) }
        return buckets[step.slot].refusal(of: demand, now: now, step)
    }
}
