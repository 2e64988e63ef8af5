import Primitives

extension AnswerFacts {
    /// The account of an answer's tokens; nil where there is none of all of it.
    ///
    /// What the opening of a stream says, or a chunk on the way, is no fact about an answer that
    /// was cut, nor about one whose end says nothing of its tokens. `isWhole`: the answer came to
    /// its end; `target`: the request's path and query.
    public func account(in dialect: Dialect, target: String, isWhole: Bool) -> Usage? {
        guard isUnderstood, !usageFields.isEmpty || usageFields.statedNanodollars != nil,
            isWhole && !isCut || isUsageFinal, !isOutputOpen
        else { return nil }
        return usage(in: dialect, target: target)
    }

    /// What the vendor said so far of an answer that broke off; nil where it said nothing of the
    /// prompt.
    ///
    /// The prompt's tokens are a fact from the moment they are said. The output's are what was
    /// counted up to then. `target`: the request's path and query.
    public func accountSoFar(in dialect: Dialect, target: String) -> Usage? {
        guard isUnderstood, !usageFields.isEmpty else { return nil }
        let usage = usage(in: dialect, target: target)
        return usage.input.flatMap { $0 > 0 ? usage : nil }
    }

    /// Whether an answer without a usage is an error and nothing else, whatever status came before
    /// it: a body that has one, a stream that has one before any content.
    public func isErrorAlone(inStream isStream: Bool) -> Bool {
        (firstContent == nil || !isStream) && !(errorKind.isEmpty && errorMessage.isEmpty)
    }

    private func usage(in dialect: Dialect, target: String) -> Usage {
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
