import Config
import ExchangeCore
import Primitives
import Routing
import Testing

@Suite("What follows a failed attempt")
struct FailoverDecisionTests {
    private static let failure = Failure.noAnswer(vendor: "v", "nothing")
    private static let policy = FailoverPolicy(Chain.Failover())

    /// What follows, and whether another target was asked for.
    private static func decide(
        _ failureClass: FailureClass = .reset, attempts: Int = 1, retries: Int = 0,
        canRepeat: Bool = true, kept: Bool? = nil, isWelcome: Bool? = nil,
        attemptsMax: Int = 4, retriesMax: Int = 0, wait: Interval? = .milliseconds(7),
        next: Int? = 1
    ) -> (FailoverDecision, asked: Bool) {
        var advice = RetryAdvice()
        advice.isWelcome = isWelcome
        var asked = false
        let decision = FailoverDecision.after(
            .init(
                failureClass, failure, advice: advice, attempts: attempts, retries: retries,
                canRepeat: canRepeat, keptAnswerIsWhole: kept),
            .init(attemptsMax: attemptsMax, retriesMax: retriesMax, policy: policy)
        ) { _ in
            wait
        } next: {
            asked = true
            return next
        }
        return (decision, asked)
    }

    @Test("the same target again, the next, the vendor's answer, ours: in this order")
    func order() {
        let retry = FailoverDecision.retry(after: .milliseconds(7))
        #expect(Self.decide(retriesMax: 1).0 == retry)
        #expect(Self.decide().0 == .moveOn(target: 1))
        #expect(Self.decide(retries: 1, retriesMax: 1).0 == .moveOn(target: 1))
        // A vendor that asks for too long a wait, or for no further try, is not called.
        #expect(Self.decide(retriesMax: 1, wait: nil).0 == .moveOn(target: 1))
        #expect(Self.decide(isWelcome: false, retriesMax: 1).0 == .moveOn(target: 1))
        #expect(Self.decide(.credential, retriesMax: 1).0 == .moveOn(target: 1))
        #expect(Self.decide(kept: true, next: nil).0 == .vendorsAnswer(isWhole: true))
        #expect(Self.decide(kept: false, next: nil).0 == .vendorsAnswer(isWhole: false))
        #expect(Self.decide(next: nil).0 == .answer(Self.failure))
    }

    @Test("nothing more is tried beyond the allowance, without the body, or against the policy")
    func bounds() {
        for last in [
            Self.decide(attempts: 4, retriesMax: 3), Self.decide(canRepeat: false, retriesMax: 3),
            Self.decide(.status(404), retriesMax: 3), Self.decide(.status(400)),
        ] {
            #expect(last.0 == .answer(Self.failure))
            // `next` may claim the single probe of a target.
            #expect(!last.asked)
        }
        #expect(!Self.decide(retriesMax: 1).asked)
    }

    @Test("a refused credential and a vendor's own word cool down at once, within reason")
    func cooldown() {
        func cooldown(
            _ failureClass: FailureClass, after: Interval? = nil, isCertain: Bool = true
        ) -> Interval? {
            var advice = RetryAdvice()
            advice.after = after
            return FailoverDecision.cooldown(
                after: failureClass, advice, isCertain: isCertain, Self.policy)
        }
        let usual = Interval(nanoseconds: Self.policy.cooldown.nanoseconds)
        #expect(cooldown(.credential) == usual)
        #expect(cooldown(.credential, isCertain: false) == nil)
        #expect(cooldown(.status(429)) == nil)
        #expect(cooldown(.status(429), after: .seconds(9)) == .seconds(9))
        #expect(cooldown(.status(429), after: .seconds(9000)) == .seconds(300))
        #expect(cooldown(.status(503), after: .seconds(9)) == nil)
        #expect(cooldown(.reset) == nil)
    }
}
