import Primitives
import Routing
import Telemetry
import Testing

@testable import Gateway
@testable import Transfers

@Suite("Exchange")
struct ExchangeTests {
    private static func result(
        _ code: CurlCode, sent: Bool = true, saw: Bool = false, stale: Bool = false
    ) -> TransferResult {
        TransferResult(
            code: code, wasSent: sent, sawResponse: saw, wasStale: stale, detail: "detail"
        )
    }

    private static func end(
        _ exchange: inout Exchange, _ result: TransferResult, whole: Bool = true,
        canRepeat: Bool = true
    ) -> Exchange.EndDecision {
        exchange.transferEnded(
            result, vendor: "v", headIsComplete: whole, violation: nil, canRepeat: canRepeat
        )
    }

    private static let failure = Failure.noAnswer(vendor: "v", "nothing")

    @Test("a whole response is relayed, finished, delivered and settled once")
    func whole() {
        var exchange = Exchange()
        exchange.attemptBegan()
        #expect(exchange.headReceived(mayFollow: false) == .relay)
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
            var exchange = Exchange()
            exchange.attemptBegan()
            #expect(exchange.headReceived(mayFollow: isHeld) == (isHeld ? .hold : .relay))
            let decision = exchange.transferEnded(
                Self.result(.ok, saw: true), vendor: "v", headIsComplete: true, violation: nil,
                canRepeat: true, lacksTerminal: true)
            #expect(decision == (isHeld ? .heldWhole : .breakOff(.truncated)))
        }
    }

    @Test("what nobody hears any more is settled at its end, or by whatever stops it, once")
    func unheard() {
        var early = Exchange()
        #expect(early.clientGoneUnheard() == false)
        for step in 0..<3 {
            var exchange = Exchange()
            exchange.attemptBegan()
            if step > 0 { _ = exchange.headReceived(mayFollow: step == 1) }
            #expect(exchange.clientGoneUnheard() == true)
            #expect(exchange.isUnheard == true && exchange.isCommitted == false)
            #expect(exchange.clientGoneUnheard() == false && exchange.outcome == nil)
            #expect(exchange.headReceived(mayFollow: true) == .ignore)
            #expect(exchange.committed() == false && exchange.heldFailed() == false)
            #expect(exchange.clockExpired(.total, vendor: "v", after: .seconds(1)) == .nothing)
            #expect(exchange.overflowed(Self.failure) == .nothing)
            // A dead connection is no reason to ask again for nobody.
            let end = Self.result(.gotNothing, stale: true)
            #expect(Self.end(&exchange, end, whole: false) == .heardOut)
            #expect(exchange.outcome == .clientCancelled)
            #expect(Self.end(&exchange, end) == .nothing && exchange.clientGone() == false)
        }
        var stopped = Exchange()
        stopped.attemptBegan()
        _ = stopped.clientGoneUnheard()
        #expect(stopped.clientGone(as: .truncated) == true)
        #expect(stopped.outcome == .clientCancelled)
    }

    @Test("a held response is committed once, by its content, and then like any other")
    func held() {
        var exchange = Exchange()
        exchange.attemptBegan()
        #expect(exchange.headReceived(mayFollow: true) == .hold)
        #expect(exchange.isCommitted == false)
        #expect(exchange.committed() == true)
        #expect(exchange.committed() == false)
        #expect(exchange.heldFailed() == false)
        let broken = Self.end(&exchange, Self.result(.partialFile, saw: true))
        #expect(broken == .breakOff(.truncated))
    }

    @Test("a transfer that ends well without a whole head is no success")
    func halfHead() {
        var exchange = Exchange()
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
            var exchange = Exchange()
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
        var exchange = Exchange()
        exchange.attemptBegan()
        #expect(Self.end(&exchange, stale, whole: false) == .retryFresh)
        exchange.attemptBegan()
        #expect(exchange.attempts == 2)
        guard case .failed = Self.end(&exchange, stale, whole: false) else {
            Issue.record("retried twice")
            return
        }
        var streamed = Exchange()
        streamed.attemptBegan()
        guard case .failed = Self.end(&streamed, stale, whole: false, canRepeat: false) else {
            Issue.record("a streamed body was to be sent again")
            return
        }
    }

    @Test(
        "what follows a failed attempt: a further try, the next target, the vendor's answer, ours")
    func sequels() {
        func decide(_ sequel: Exchange.Sequel, attemptsMax: Int = 5) -> Exchange.SequelDecision {
            var exchange = Exchange()
            exchange.attemptBegan()
            _ = Self.end(&exchange, Self.result(.gotNothing), whole: false)
            return exchange.attemptFailed(Self.failure, sequel, attemptsMax: attemptsMax)
        }
        let wait = Interval.milliseconds(10)
        #expect(decide(.init(retryAfter: wait, next: 1)) == .retry(after: wait))
        #expect(decide(.init(next: 1)) == .moveOn(target: 1))
        #expect(decide(.init(next: 1), attemptsMax: 1) == .answer(Self.failure))
        #expect(decide(.init(hasVendorsAnswer: true)) == .vendorsAnswer)
        #expect(decide(.init()) == .answer(Self.failure))
    }

    @Test("after the commit an end that is not whole breaks off, and never leads to an attempt")
    func brokenOff() {
        for code in [CurlCode.partialFile, .receiveError, .gotNothing, .operationTimedOut] {
            var exchange = Exchange()
            exchange.attemptBegan()
            _ = exchange.headReceived(mayFollow: false)
            let end = Self.end(&exchange, Self.result(code, saw: true, stale: true))
            #expect(end == .breakOff(.truncated))
            let sequel = exchange.attemptFailed(Self.failure, .init(next: 1), attemptsMax: 9)
            #expect(sequel == .nothing)
        }
        var exchange = Exchange()
        exchange.attemptBegan()
        _ = exchange.headReceived(mayFollow: false)
        let clock = exchange.clockExpired(.idle, vendor: "v", after: .seconds(1))
        #expect(clock == .breakOff(.timeoutIdle))
    }

    @Test("over random events: no attempt after the commit, and everything settles once")
    func property() {
        var random = RandomSource(seed: 42)
        var outcomes: [Outcome: Int] = [:]
        var committedCount = 0
        var unheardCount = 0
        for _ in 0..<20_000 {
            var run = Run()
            for _ in 0..<Int.random(in: 1...20, using: &random) { run.step(using: &random) }
            run.finish()
            #expect(run.settledCount == 1)
            unheardCount += run.isUnheard ? 1 : 0
            if let outcome = run.exchange.outcome { outcomes[outcome, default: 0] += 1 }
            committedCount += run.wasCommitted ? 1 : 0
        }
        #expect(outcomes.keys.count >= 6, "\(outcomes)")
        #expect(committedCount > 1000 && unheardCount > 300)
    }

    /// One exchange driven by random events as its connection would drive it.
    private struct Run: ~Copyable {
        var exchange = Exchange()
        var settledCount = 0
        var attempts = 0
        var wasCommitted = false
        /// Whether a decision has to be made about a failed attempt.
        var owesSequel = false
        var hasTransfer = false
        /// Whether the client has gone and its answer goes on.
        var isUnheard = false

        mutating func begin() {
            #expect(!wasCommitted, "an attempt after the commit")
            #expect(!isUnheard, "an attempt for nobody")
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
                if exchange.headReceived(mayFollow: .random(using: &random)) == .relay {
                    #expect(!wasCommitted)
                    wasCommitted = true
                }
            case 2 where hasTransfer:
                if exchange.committed() {
                    #expect(!wasCommitted)
                    wasCommitted = true
                }
            case 3 where hasTransfer: end(using: &random)
            case 4 where hasTransfer && exchange.heldFailed():
                hasTransfer = false
                owesSequel = true
            case 5 where owesSequel: follow(using: &random)
            case 6 where attempts > 0: expire(using: &random)
            case 7:
                if Bool.random(using: &random) {
                    settledCount += exchange.delivered() ? 1 : 0
                } else if hasTransfer, Int.random(in: 0..<4, using: &random) == 0 {
                    isUnheard = exchange.clientGoneUnheard() || isUnheard
                } else if Int.random(in: 0..<8, using: &random) == 0 {
                    settledCount += exchange.clientGone() ? 1 : 0
                    hasTransfer = false
                    owesSequel = false
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
            let result = ExchangeTests.result(
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
                owesSequel = true
            case .finish, .breakOff: #expect(wasCommitted)
            case .heardOut:
                #expect(isUnheard && exchange.outcome == .clientCancelled)
                settledCount += 1
            case .nothing: Issue.record("a transfer in flight ended unnoticed")
            }
        }

        mutating func follow(using random: inout RandomSource) {
            owesSequel = false
            var sequel = Exchange.Sequel(hasVendorsAnswer: .random(using: &random))
            if Bool.random(using: &random) { sequel.retryAfter = .milliseconds(1) }
            if Bool.random(using: &random) { sequel.next = 1 }
            let decision = exchange.attemptFailed(
                ExchangeTests.failure, sequel, attemptsMax: 4
            )
            switch decision {
            case .retry, .moveOn:
                #expect(exchange.countedAttempts < 4)
                begin()
            case .vendorsAnswer, .answer: #expect(!wasCommitted)
            case .nothing: Issue.record("a failed attempt was forgotten")
            }
        }

        mutating func expire(using random: inout RandomSource) {
            let clocks: [Clock] = [.firstContent, .idle, .total, .slowClient]
            let clock = clocks.randomElement(using: &random) ?? .idle
            let decision = exchange.clockExpired(clock, vendor: "v", after: .seconds(1))
            switch decision {
            case .failed:
                #expect(!wasCommitted)
                hasTransfer = false
                owesSequel = true
            case .answer:
                #expect(!wasCommitted)
                hasTransfer = false
                owesSequel = false
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

@Suite("Failures")
struct FailureTests {
    @Test("say what happened, whose fault it is, whether to retry, and libcurl's name")
    func words() {
        let cases: [(CurlCode, Int, Failure.Fault)] = [
            (.couldNotConnect, 502, .network), (.couldNotResolveHost, 502, .network),
            (.operationTimedOut, 504, .network), (.sslConnectError, 502, .vendor),
            (.peerFailedVerification, 502, .vendor), (.gotNothing, 502, .vendor),
            (.receiveError, 502, .vendor), (.outOfMemory, 503, .gateway), (.ok, 502, .vendor),
        ]
        for (code, status, fault) in cases {
            let result = TransferResult(
                code: code, wasSent: true, sawResponse: false, wasStale: false, detail: "why"
            )
            let failure = Failure.transfer(result, vendor: "acme")
            #expect(failure.status == status)
            #expect(failure.fault == fault)
            #expect(failure.message.contains("(fault: \(fault.rawValue); retrying may help)"))
            if fault != .gateway { #expect(failure.message.contains("acme")) }
            #expect(failure.message.contains(code.name) && failure.message.contains("why"))
        }
        #expect(
            Failure.noAnswer(vendor: "acme", "a page").message.contains("acme answered with a page")
        )
        let refused = Failure.refused(413, "request_too_large", "too large")
        #expect(refused.message.contains("fault: client; retrying will not help"))
    }
}
