import Config

extension Step {
    /// Whether a limit counts in another interval than that of an earlier reading.
    func countsOtherwise(than before: Step) -> Bool {
        func differs<Interval: Equatable>(_ one: Interval?, _ other: Interval?) -> Bool {
            guard let one, let other else { return false }
            return one != other
        }
        return differs(requests?.length, before.requests?.length)
            || differs(tokens?.length, before.tokens?.length)
            || differs(budget?.period, before.budget?.period)
    }
}
