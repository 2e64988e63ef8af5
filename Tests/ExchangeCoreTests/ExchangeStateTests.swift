import ExchangeCore
import Primitives
import Routing
import Testing

@Suite("State of an exchange")
struct ExchangeStateTests {
    private static func result(
        _ code: CurlCode, sent: Bool = true, saw: Bool = false, stale: Bool = false
    ) -> TransferResult {
        TransferResult(
            code: code, wasSent: sent, sawResponse: saw, wasStale: stale, detail: "detail"
        )
    }

    private static func end(
        _ exchange: inout ExchangeState, _ result: TransferResult, whole: Bool = true,
        canRepeat: Bool = true
    ) -> ExchangeState.EndDecision {
        exchange.transferEnded(
            result, vendor: "v", headIsComplete: whole, violation: nil, canRepeat: canRepeat
        )
    }

    private static let failure = Failure.noAnswer(vendor: "v", "nothing")

    @Test("a whole response is relayed, finished, delivered and settled once")
    func whole() {
        var exchange = ExchangeState()
        exchange.attemptBegan()
        #expect(exchange.headReceived(holds: false) == .relay)
        #expect(exchange.isCommitted == true)
        #expect(Self.end(&exchange, Self.result(.ok, saw: true)) == .finish)
        #expect(exchange.outcome == nil)
        #expect(exchange.delivered() == true)
        #expect(exchange.outcome == .complete)
        #expect(exchange.delivered() == false)
        #expect(exchange.clientGone() == false)
    }

    @Test("a stream that lacks its terminal marker broke off, once it has gone out")
    func withoutTerminal() {
        for isHeld in [false, true] {
            var exchange = ExchangeState()
            exchange.attemptBegan()
            #expect(exchange.headReceived(holds: isHeld) == (isHeld ? .hold : .relay))
            let decision = exchange.transferEnded(
                Self.result(.ok, saw: true), vendor: "v", headIsComplete: true, violation: nil,
                canRepeat: true, lacksTerminal: true)
            #expect(decision == (isHeld ? .heldWhole : .breakOff(.truncated)))
        }
    }

    @Test("a detached exchange is settled at its end, or by what stops it, once")
    func detached() {
        var early = ExchangeState()
        #expect(early.detached() == false)
        for step in 0..<3 {
            var exchange = ExchangeState()
            exchange.attemptBegan()
            if step > 0 { _ = exchange.headReceived(holds: step == 1) }
            #expect(exchange.detached() == true)
            #expect(exchange.isDetached == true && exchange.isCommitted == false)
            #expect(exchange.detached() == false && exchange.outcome == nil)
            #expect(exchange.headReceived(holds: true) == .ignore)
            #expect(exchange.committed() == false && exchange.heldIsFailure() == false)
            #expect(exchange.clockExpired(.total, vendor: "v", after: .seconds(1)) == .nothing)
            #expect(exchange.overflowed(Self.failure) == .nothing)
            // A dead connection is no reason to ask again without a client.
            let end = Self.result(.gotNothing, stale: true)
            #expect(Self.end(&exchange, end, whole: false) == .readOut)
            #expect(exchange.outcome == .clientCancelled)
            #expect(Self.end(&exchange, end) == .nothing && exchange.clientGone() == false)
        }
        var stopped = ExchangeState()
        stopped.attemptBegan()
        _ = stopped.detached()
        #expect(stopped.clientGone(as: .truncated) == true)
        #expect(stopped.outcome == .clientCancelled)
    }

    @Test("a held response is committed once, by its content, and then like any other")
    func held() {
        var exchange = ExchangeState()
        exchange.attemptBegan()
        #expect(exchange.headReceived(holds: true) == .hold)
        #expect(exchange.isCommitted == false)
        #expect(exchange.committed() == true)
        #expect(exchange.committed() == false)
        #expect(exchange.heldIsFailure() == false)
        let broken = Self.end(&exchange, Self.result(.partialFile, saw: true))
        #expect(broken == .breakOff(.truncated))
    }

    @Test("a transfer that ends well without a whole head is no success")
    func halfHead() {
        var exchange = ExchangeState()
        exchange.attemptBegan()
        let end = Self.end(&exchange, Self.result(.ok, saw: true), whole: false)
        guard case .failed(.reset, let failure) = end else {
            Issue.record("\(end)")
            return
        }
        #expect(failure.status == 502 && failure.fault == .vendor)
    }

    @Test("nothing sent is its own class, and sent without an answer another")
    func classes() {
        let cases: [(TransferResult, FailureClass)] = [
            (Self.result(.couldNotConnect, sent: false), .connect),
            (Self.result(.operationTimedOut, sent: false), .connect),
            (Self.result(.sslConnectError, sent: false), .connect),
            (Self.result(.gotNothing), .reset), (Self.result(.receiveError), .reset),
            (Self.result(.operationTimedOut), .timeout),
        ]
        for (result, failureClass) in cases {
            var exchange = ExchangeState()
            exchange.attemptBegan()
            guard case .failed(let found, _) = Self.end(&exchange, result, whole: false) else {
                Issue.record("\(result)")
                continue
            }
            #expect(found == failureClass)
        }
    }

    @Test("a stale connection is retried once, fresh, while the body is there")
    func stale() {
        let stale = Self.result(.abortedByCallback, stale: true)
        var exchange = ExchangeState()
        exchange.attemptBegan()
        #expect(Self.end(&exchange, stale, whole: false) == .retryFresh)
        exchange.attemptBegan()
        #expect(exchange.attempts == 2)
        guard case .failed = Self.end(&exchange, stale, whole: false) else {
            Issue.record("retried twice")
            return
        }
        var streamed = ExchangeState()
        streamed.attemptBegan()
        guard case .failed = Self.end(&streamed, stale, whole: false, canRepeat: false) else {
            Issue.record("a streamed body was to be sent again")
            return
        }
    }

    @Test("a failed attempt is followed by what was decided, once")
    func following() {
        for (decision, outcome) in [
            (FailoverDecision.retry(after: .zero), nil), (.moveOn(target: 1), nil),
            (.vendorsAnswer(isWhole: true), .complete),
            (.vendorsAnswer(isWhole: false), .truncated),
            (.answer(Self.failure), .upstreamError),
        ] as [(FailoverDecision, Outcome?)] {
            var exchange = ExchangeState()
            exchange.attemptBegan()
            #expect(exchange.apply(decision) == false)
            _ = Self.end(&exchange, Self.result(.gotNothing), whole: false)
            #expect(exchange.apply(decision) == true)
            #expect(exchange.outcomeToBe == outcome)
            #expect(exchange.retries == (decision == .retry(after: .zero) ? 1 : 0))
            if outcome != nil { #expect(exchange.apply(decision) == false) }
        }
    }

    @Test("what is held to its end is an answer or a failure, once, and the answer is no failure")
    func heldWhole() {
        for isAnswer in [true, false] {
            var exchange = ExchangeState()
            #expect(exchange.heldIsAnswer() == false && exchange.heldIsFailure() == false)
            exchange.attemptBegan()
            _ = exchange.headReceived(holds: true)
            #expect(Self.end(&exchange, Self.result(.ok, saw: true)) == .heldWhole)
            #expect((isAnswer ? exchange.heldIsAnswer() : exchange.heldIsFailure()) == true)
            #expect(exchange.heldIsAnswer() == false && exchange.heldIsFailure() == false)
            #expect(exchange.outcomeToBe == (isAnswer ? .complete : nil))
            #expect(exchange.isFailing == !isAnswer)
        }
    }

    @Test("an answer of the gateway's own is no failure, and a refusal is one")
    func own() {
        var page = ExchangeState()
        page.answeredHere()
        #expect(page.delivered() == true && page.outcome == .complete)
        var refused = ExchangeState()
        refused.refused(.slowBody)
        #expect(refused.delivered() == true && refused.outcome == .refused)
    }

    @Test("after the commit an end that is not whole breaks off, and never leads to an attempt")
    func brokenOff() {
        for code in [CurlCode.partialFile, .receiveError, .gotNothing, .operationTimedOut] {
            var exchange = ExchangeState()
            exchange.attemptBegan()
            _ = exchange.headReceived(holds: false)
            let end = Self.end(&exchange, Self.result(code, saw: true, stale: true))
            #expect(end == .breakOff(.truncated))
            #expect(exchange.apply(.moveOn(target: 1)) == false)
        }
        var exchange = ExchangeState()
        exchange.attemptBegan()
        _ = exchange.headReceived(holds: false)
        let clock = exchange.clockExpired(.idle, vendor: "v", after: .seconds(1))
        #expect(clock == .breakOff(.timeoutIdle))
    }

    @Test("over random events: no attempt after the commit, and everything settles once")
    func property() {
        var random = RandomSource(seed: 42)
        var outcomes: [Outcome: Int] = [:]
        var committedCount = 0
        var detachedCount = 0
        for _ in 0..<20_000 {
            var run = Run()
            for _ in 0..<Int.random(in: 1...20, using: &random) { run.step(using: &random) }
            run.finish()
            #expect(run.settledCount == 1)
            detachedCount += run.isDetached ? 1 : 0
            if let outcome = run.exchange.outcome { outcomes[outcome, default: 0] += 1 }
            committedCount += run.wasCommitted ? 1 : 0
        }
        #expect(outcomes.keys.count >= 6, "\(outcomes)")
        #expect(committedCount > 1000 && detachedCount > 300)
    }

    /// One exchange driven by random events as its connection would drive it.
    private struct Run: ~Copyable {
        var exchange = ExchangeState()
        var settledCount = 0
        var attempts = 0
        var wasCommitted = false
        /// Whether a failed attempt waits for its decision.
        var owesDecision = false
        var hasTransfer = false
        /// Whether the client has gone and its answer goes on.
        var isDetached = false

        mutating func begin() {
            #expect(!wasCommitted, "an attempt after the commit")
            #expect(!isDetached, "an attempt without a client")
            exchange.attemptBegan()
            attempts += 1
            hasTransfer = true
            #expect(exchange.attempts == attempts)
        }

        mutating func step(using random: inout RandomSource) {
            let wasSettled = exchange.outcome != nil
            switch Int.random(in: 0..<8, using: &random) {
            case 0 where attempts == 0 && exchange.outcome == nil: begin()
            case 1 where hasTransfer:
                if exchange.headReceived(holds: .random(using: &random)) == .relay {
                    #expect(!wasCommitted)
                    wasCommitted = true
                }
            case 2 where hasTransfer:
                if exchange.committed() {
                    #expect(!wasCommitted)
                    wasCommitted = true
                }
            case 3 where hasTransfer: end(using: &random)
            case 4 where hasTransfer && exchange.heldIsFailure():
                hasTransfer = false
                owesDecision = true
            case 5 where owesDecision: follow(using: &random)
            case 6 where attempts > 0: expire(using: &random)
            case 7:
                if Bool.random(using: &random) {
                    settledCount += exchange.delivered() ? 1 : 0
                } else if hasTransfer, Int.random(in: 0..<4, using: &random) == 0 {
                    isDetached = exchange.detached() || isDetached
                } else if Int.random(in: 0..<8, using: &random) == 0 {
                    settledCount += exchange.clientGone() ? 1 : 0
                    hasTransfer = false
                    owesDecision = false
                }
            default: break
            }
            #expect(settledCount <= 1)
            // Once settled, nothing leads anywhere.
            if wasSettled { #expect(exchange.outcome != nil && exchange.isInFlight == false) }
        }

        mutating func end(using random: inout RandomSource) {
            let codes: [CurlCode] = [
                .ok, .partialFile, .receiveError, .couldNotConnect, .operationTimedOut,
                .abortedByCallback,
            ]
            let result = ExchangeStateTests.result(
                codes.randomElement(using: &random) ?? .ok, sent: .random(using: &random),
                saw: .random(using: &random), stale: .random(using: &random)
            )
            let decision = exchange.transferEnded(
                result, vendor: "v", headIsComplete: wasCommitted || exchange.isHolding,
                violation: nil, canRepeat: .random(using: &random)
            )
            hasTransfer = false
            switch decision {
            case .retryFresh: begin()
            case .failed, .heldWhole:
                #expect(!wasCommitted)
                owesDecision = true
            case .finish, .breakOff: #expect(wasCommitted)
            case .readOut:
                #expect(isDetached && exchange.outcome == .clientCancelled)
                settledCount += 1
            case .nothing: Issue.record("a transfer in flight ended unnoticed")
            }
        }

        mutating func follow(using random: inout RandomSource) {
            owesDecision = false
            if exchange.isHolding {
                // Held to its end: the verdict comes first.
                if Bool.random(using: &random) {
                    #expect(exchange.heldIsAnswer() == true)
                    return
                }
                #expect(exchange.heldIsFailure() == true)
            }
            let decision: FailoverDecision =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: .retry(after: .milliseconds(1))
                case 1: .moveOn(target: 1)
                case 2: .vendorsAnswer(isWhole: .random(using: &random))
                default: .answer(ExchangeStateTests.failure)
                }
            guard exchange.apply(decision) else {
                Issue.record("a failed attempt was forgotten")
                return
            }
            #expect(!wasCommitted)
            if exchange.isFailing { begin() }
        }

        mutating func expire(using random: inout RandomSource) {
            let clocks: [Clock] = [.firstContent, .idle, .total, .slowClient]
            let clock = clocks.randomElement(using: &random) ?? .idle
            let decision = exchange.clockExpired(clock, vendor: "v", after: .seconds(1))
            switch decision {
            case .failed:
                #expect(!wasCommitted)
                hasTransfer = false
                owesDecision = true
            case .answer:
                #expect(!wasCommitted)
                hasTransfer = false
                owesDecision = false
            case .breakOff:
                #expect(wasCommitted)
                hasTransfer = false
            case .nothing: #expect(exchange.isInFlight == false)
            }
        }

        mutating func finish() {
            settledCount += exchange.clientGone() ? 1 : 0
        }
    }
}
