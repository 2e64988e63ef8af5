import Access
import Journal

extension Assembly {
    /// Takes over who calls, and what is held for the call or charged in the end.
    func adopt(_ caller: CallerAccount, basis: Charge.Basis) {
        guard !caller.name.isEmpty else { return }
        record.key = caller.name
        record.group = caller.group
        record.chargedTokens = caller.tokens
        record.chargedNanodollars = caller.nanodollars
        record.chargeBasis = basis.rawValue
    }
}
