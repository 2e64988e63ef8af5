public import Access

// DESIGN
//
// A process that serves knows what its own calls were charged. One that takes the record back from
// another has to learn what that one, and those beside it, were charged meanwhile. The ledger's
// sums cannot say it: they have its own calls in them, of which some were counted in memory and
// stored by the other. So, for as long as several processes write to the record, what is stored is
// summed up by journal, too. What has been summed up is held against what was when the record was
// given away: the difference, without the journals of one's own, is what one does not know.

/// What calls were charged while several processes served, journal by journal.
public struct JournalCharges: Sendable {
    struct Key: Hashable {
        var journal: String
        var entry: LedgerEntry.Key
    }

    var sums: [Key: LedgerEntry.Sum] = [:]

    /// No charges.
    public init() {}

    /// What came since an earlier look, earlier periods first, some journals left out.
    public func charges(
        since earlier: JournalCharges, without journals: Set<String>
    ) -> [PastCharge] {
        var gathered = LedgerEntry.Gathered()
        for (key, sum) in sums where !journals.contains(key.journal) {
            let before = earlier.sums[key] ?? LedgerEntry.Sum()
            let new = LedgerEntry.Sum(
                calls: sum.calls - before.calls, tokens: sum.tokens - before.tokens,
                nanodollars: sum.nanodollars - before.nanodollars)
            if new != LedgerEntry.Sum() { gathered.add(new, to: key.entry) }
        }
        return gathered.charges
    }
}
