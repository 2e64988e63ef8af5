import Config
import Primitives
import Synchronization

/// What the ledger has of a scope.
struct ScopeState {
    let bucket: Bucket
    let step: Step?
    let counts: Ledger.Counts
    let waiting: Int
}

extension LedgerState {
    func part(at slot: Int) -> ScopeState {
        ScopeState(
            bucket: buckets[slot], step: steps[slot], counts: counts[slot],
            waiting: lines[slot]?.count ?? 0)
    }
}

extension Ledger.View {
    init(_ scope: Step.Scope, _ part: ScopeState, now: Int?) {
        var bucket = part.bucket
        if let now, let step = part.step { bucket.advance(to: now, step) }
        self.init(
            scope: scope, uses: part.step.map { bucket.uses(of: $0, now: now ?? 0) } ?? [],
            inFlight: bucket.inFlight, waiting: part.waiting, spent: bucket.money.spent,
            held: bucket.money.held, admitted: part.counts.admitted,
            refused: part.counts.refused, tokens: part.counts.tokens,
            nanodollars: part.counts.nanodollars)
    }
}

extension Bucket {
    /// What is used of the limits of a step.
    fileprivate func uses(of step: Step, now: Int) -> [Ledger.Use] {
        var uses: [Ledger.Use] = []
        func add(_ kind: Ledger.Use.Kind, _ window: RateWindow, _ limit: RateWindow.Limit?) {
            guard let limit else { return }
            uses.append(
                Ledger.Use(
                    kind: kind, used: window.used(now, limit), held: window.held,
                    limit: limit.count, per: "\(Interval.milliseconds(Int64(limit.length)))"))
        }
        add(.requests, requests, step.requests)
        add(.tokens, tokens, step.tokens)
        if let limit = step.concurrent {
            uses.append(
                Ledger.Use(kind: .concurrent, used: inFlight, held: 0, limit: limit, per: ""))
        }
        if let budget = step.budget {
            uses.append(
                Ledger.Use(
                    kind: .budget, used: money.spent, held: money.held,
                    limit: budget.nanodollars, per: budget.period.rawValue))
        }
        return uses
    }
}
