import Dialects

extension Assembly {
    /// Takes over what an answer says of its tokens and their cost.
    ///
    /// Only the account of all of it is one. What the opening of a stream says, or a chunk on the
    /// way, is no fact about an answer that was cut; nor is what was decoded of a coding that lacks
    /// its end.
    func account(_ facts: AnswerFacts, isDecoded: Bool) {
        let stated = facts.usageFields.statedNanodollars
        guard facts.isUnderstood, !facts.usageFields.isEmpty || stated != nil else { return }
        record.usageText = facts.usageText
        let isWhole = record.outcome == "complete" && !facts.isCut
        guard isDecoded, isWhole || facts.isUsageFinal else { return }
        var usage = facts.usageFields.usage(of: record.dialect)
        // All output of the API for pictures is pictures, unless it states the parts.
        if usage.imageOutput == nil, record.target.contains("/images/"), let output = usage.output {
            usage.imageOutput = output
        }
        record.serviceTier = facts.serviceTier
        record.usage = usage
        record.usageState = usage.isEmpty ? .unknown : .reported
        guard record.isBilled, let stated else { return }
        record.costNanodollars = stated
        record.priceVersion = Record.statedByVendor
    }
}
