import Access
import Dialects

extension Record {
    /// Takes over what an answer says of its tokens and their cost.
    ///
    /// Only the account of all of it is one: not what was decoded of a coding that lacks its end.
    /// A method of the record that changes it, because what an object lends of a record in order to
    /// read it is copied, and each copy counts some thirty references.
    mutating func account(_ facts: borrowing AnswerFacts, isDecoded: Bool) {
        let stated = facts.usageFields.statedNanodollars
        guard facts.isUnderstood, !facts.usageFields.isEmpty || stated != nil else { return }
        usageText = facts.usageText
        guard isDecoded,
            let account = facts.account(
                in: answerDialect, target: answerTarget, isWhole: outcome == "complete")
        else { return }
        serviceTier = facts.serviceTier
        usage = account
        usageState = usage.isEmpty ? .unknown : .reported
        guard let stated, isBilled else { return }
        costNanodollars = stated
        priceVersion = Record.statedByVendor
    }

    /// Counts what a caller without a limit of tokens or money used, for one that it gets later.
    ///
    /// Once the cost is known: the sums of the ledger are those of what records were charged.
    mutating func countUnlimited() {
        guard chargeBasis == Charge.Basis.unlimited.rawValue else { return }
        guard isBilled, usageState == .reported else {
            chargeBasis = Charge.Basis.free.rawValue
            return
        }
        chargeBasis = Charge.Basis.reported.rawValue
        chargedTokens = usage.chargedTokens
        chargedNanodollars = costNanodollars ?? 0
    }
}
