import Dialects

extension Assembly {
    /// Takes over what an answer says of its tokens and their cost.
    ///
    /// Only the account of all of it is one: not what was decoded of a coding that lacks its end.
    func account(_ facts: AnswerFacts, isDecoded: Bool) {
        let stated = facts.usageFields.statedNanodollars
        guard facts.isUnderstood, !facts.usageFields.isEmpty || stated != nil else { return }
        record.usageText = facts.usageText
        guard isDecoded,
            let usage = facts.account(
                in: record.answerDialect, target: record.answerTarget,
                isWhole: record.outcome == "complete")
        else { return }
        record.serviceTier = facts.serviceTier
        record.usage = usage
        record.usageState = usage.isEmpty ? .unknown : .reported
        guard record.isBilled, let stated else { return }
        record.costNanodollars = stated
        record.priceVersion = Record.statedByVendor
    }
}
