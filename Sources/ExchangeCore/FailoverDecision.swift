public import Primitives
public import Routing

/// What follows an attempt that failed before anything of it went out.
public enum FailoverDecision: Equatable, Sendable {
    /// Wait, then try the same target again.
    case retry(after: Interval)
    /// Try another target of the plan, by its index.
    case moveOn(target: Int)
    /// Pass the last vendor's answer on as it was; `isWhole`: it is there to its end.
    case vendorsAnswer(isWhole: Bool)
    /// Answer with this.
    case answer(Failure)

    /// What is known when an attempt has failed.
    public struct Facts {
        /// Why it failed, as the policy sees it.
        public var failureClass: FailureClass
        /// Why it failed, for people.
        public var failure: Failure
        /// What the vendor said about another try.
        public var advice: RetryAdvice
        /// Attempts so far that count.
        public var attempts: Int
        /// Attempts at the current target after its first.
        public var retries: Int
        /// Whether the request's body is still there from its first byte.
        public var canRepeat: Bool
        /// Whether a vendor's answer is kept, and then whether it is whole.
        public var keptAnswerIsWhole: Bool?

        /// Facts of these parts.
        public init(
            _ failureClass: FailureClass, _ failure: Failure, advice: RetryAdvice, attempts: Int,
            retries: Int, canRepeat: Bool, keptAnswerIsWhole: Bool?
        ) {
            self.failureClass = failureClass
            self.failure = failure
            self.advice = advice
            self.attempts = attempts
            self.retries = retries
            self.canRepeat = canRepeat
            self.keptAnswerIsWhole = keptAnswerIsWhole
        }
    }

    /// What a chain allows.
    public struct Allowance {
        /// Attempts in all.
        public var attemptsMax: Int
        /// Further ones at one target.
        public var retriesMax: Int
        /// The failures after which another target is tried.
        public var policy: FailoverPolicy

        /// An allowance of these numbers.
        public init(attemptsMax: Int, retriesMax: Int, policy: FailoverPolicy) {
            self.attemptsMax = attemptsMax
            self.retriesMax = retriesMax
            self.policy = policy
        }

        /// What a plan's chain allows.
        public init(_ plan: Plan) {
            self.init(
                attemptsMax: plan.attemptsMax, retriesMax: plan.retriesMax, policy: plan.policy)
        }
    }

    /// What follows, by what the chain allows.
    ///
    /// `wait` gives the back-off before a try of the given number; nil where the vendor asks for a
    /// longer one than a client should wait. `next` gives another target; it
    /// is called last, because it may claim the single probe of a target whose cooldown has ended.
    public static func after(
        _ facts: Facts, _ chain: Allowance, wait: (Int) -> Interval?, next: () -> Int?
    ) -> FailoverDecision {
        if facts.canRepeat, facts.attempts < chain.attemptsMax,
            chain.policy.movesOn(from: facts.failureClass)
        {
            // A refused credential is refused again, and a vendor may ask for no further try.
            if facts.retries < chain.retriesMax, facts.failureClass != .credential,
                facts.advice.isWelcome ?? true, let wait = wait(facts.retries + 1)
            {
                return .retry(after: wait)
            }
            if let target = next() { return .moveOn(target: target) }
        }
        if let isWhole = facts.keptAnswerIsWhole { return .vendorsAnswer(isWhole: isWhole) }
        return .answer(facts.failure)
    }

    /// How long a target is passed over because of this failure alone; nil where only several in a
    /// row count.
    ///
    /// `isCertain`: whether a credential is surely at fault.
    public static func cooldown(
        after failureClass: FailureClass, _ advice: RetryAdvice, isCertain: Bool,
        _ policy: FailoverPolicy
    ) -> Interval? {
        if failureClass == .credential, isCertain {
            let cooldown = Interval(nanoseconds: policy.cooldown.nanoseconds)
            return cooldown > .zero ? cooldown : nil
        }
        if failureClass == .status(429), let after = advice.after, after > .zero {
            // The vendor's own word of when to come back, within reason.
            return min(after, .seconds(300))
        }
        return nil
    }
}
