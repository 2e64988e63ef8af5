import Primitives

extension AnswerFacts {
    /// The account of an answer's tokens; nil where there is none of all of it.
    ///
    /// What the opening of a stream says, or a chunk on the way, is no fact about an answer that
    /// was cut. `isWhole`: the answer came to its end; `target`: the request's path and query.
    public func account(in dialect: Dialect, target: String, isWhole: Bool) -> Usage? {
        guard isUnderstood, !usageFields.isEmpty || usageFields.statedNanodollars != nil,
            isWhole && !isCut || isUsageFinal
        else { return nil }
        var usage = usageFields.usage(of: dialect)
        // All output of the API for pictures is pictures, unless it states the parts.
        if usage.imageOutput == nil, let output = usage.output,
            target.utf8.span.firstRange(of: "/images/") != nil
        {
            usage.imageOutput = output
        }
        return usage
    }
}
