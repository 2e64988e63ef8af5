import Primitives
import Routing
import Telemetry
import Transfers

// The life of one request, decided here and carried out by `Connection`. No socket, no clock and no
// setting is read inside: every fact comes with its event, and every answer is a small value.
//
//                    ┌──────── wait: the same target again, or the next ────────┐
//                    ▼                                                          │
//               ready          head              content                end    │     all sent
//   receiving ─────────▶ attempting ───▶ holding ───────▶ relaying ──────────▶ delivering ───▶ settled
//       │                │  ▲    │  └───── head ───────────▶ ▲ │ whole: end the ▲  ▲            ▲
//       │                └──┘    │          │                │ │ framing; broken│  │            │
//       │           stale: once, │          │ hold is full,  │ │ or late: break │  │            │
//       │           fresh        │          └─ or too long ──┘ │ it             │  │            │
//       │                        └── failed ── failing ── nothing left: our answer, or the    │
//       │                                          └── next ── last vendor's own, as it was ──┤
//       └── refused: our answer ───────────────────────────────────────────────────────────┘  │
//            from every state: the client is gone ── cancel what is in flight ─────────────────┤
//            or, once a whole request is in flight ── unheard: read its answer to its end ─────┘
//
// The step to relaying is the commit, and it is one way: no method leads from there to an attempt.
// Every path ends in settled, exactly once.

/// The state machine of one exchange.
struct Exchange: ~Copyable {
    private enum State: Equatable {
        case receiving
        /// `isFresh`: this is the retry on a connection that is surely new.
        case attempting(isFresh: Bool)
        /// The vendor answers, and nothing of it has gone out yet.
        case holding
        /// An attempt came to nothing; what follows has to be decided, or waited for.
        case failing
        case relaying
        /// The client is gone; the answer is read to its end for the record's sake alone.
        case unheard
        /// Nothing more is to come; what was gathered is still going out.
        case delivering(Outcome)
        case settled(Outcome)
    }

    private var state = State.receiving

    /// Attempts made, the retry on a fresh connection included.
    private(set) var attempts = 0
    /// Further tries at the current target.
    private(set) var retries = 0
    /// Retries on a fresh connection: a dead pooled one says nothing about its vendor, so they are
    /// no part of what a chain allows.
    private var freshRetries = 0

    /// Attempts that count against a chain's allowance.
    var countedAttempts: Int { attempts - freshRetries }

    /// The outcome, once settled.
    var outcome: Outcome? {
        if case .settled(let outcome) = state { return outcome }
        return nil
    }

    /// How it will have ended once what was gathered is out; nil while more is to come.
    var outcomeToBe: Outcome? {
        if case .delivering(let outcome) = state { return outcome }
        return nil
    }

    /// Whether any byte of the vendor's response has been given to the client.
    var isCommitted: Bool { state == .relaying }

    /// Whether a response is held back.
    var isHolding: Bool { state == .holding }

    /// Whether the client has gone and its answer goes on.
    var isUnheard: Bool { state == .unheard }

    /// Whether the exchange waits between two attempts.
    var isWaiting: Bool { state == .failing }

    /// Whether a transfer is in flight, or one is about to be.
    var isInFlight: Bool {
        switch state {
        case .attempting, .holding, .failing, .relaying: true
        default: false
        }
    }

    /// The request is whole, or large enough to be streamed: an attempt begins.
    mutating func attemptBegan() {
        switch state {
        case .receiving, .failing: state = .attempting(isFresh: false)
        case .attempting: break
        case .holding, .relaying, .unheard, .delivering, .settled:
            preconditionFailure("an attempt after a response has begun")
        }
        attempts += 1
    }

    /// What to do about a response head.
    enum HeadDecision: Equatable {
        /// Pass it on: the exchange is committed.
        case relay
        /// Keep it, and what follows, until it is known to be an answer.
        case hold
        /// Nobody waits for it any more.
        case ignore
    }

    /// The final head of the vendor's response is whole and fit.
    ///
    /// `mayFollow`: whether the head leaves it open that another attempt follows.
    mutating func headReceived(mayFollow: Bool) -> HeadDecision {
        guard case .attempting = state else { return .ignore }
        state = mayFollow ? .holding : .relaying
        return mayFollow ? .hold : .relay
    }

    /// What was held is an answer, or cannot be held any longer.
    ///
    /// Returns whether it goes out now.
    mutating func committed() -> Bool {
        guard case .holding = state else { return false }
        state = .relaying
        return true
    }

    /// What to do about the end of a transfer.
    enum EndDecision: Equatable {
        /// The response is whole: end its framing.
        case finish
        /// The response broke off: break its framing too, so that it never looks whole.
        case breakOff(Outcome)
        /// Nothing went out, and the attempt came to nothing: see ``attemptFailed(_:_:_:)``.
        case failed(FailureClass, Failure)
        /// What was held is whole. Whether it is an answer, who holds it knows.
        case heldWhole
        /// A pooled connection was dead: once more, on a fresh one.
        case retryFresh
        /// Nobody waits for it any more, and now it is settled.
        case heardOut
        /// It was settled before.
        case nothing
    }

    /// The transfer ended.
    ///
    /// - `violation`: what made the head unfit, if that is why it ended.
    /// - `canRepeat`: whether the request's body is still there from its first byte.
    /// - `lacksTerminal`: whether it is a stream that had to end in a marker, and did not.
    mutating func transferEnded(
        _ result: TransferResult, vendor: String, headIsComplete: Bool, violation: StaticString?,
        canRepeat: Bool, lacksTerminal: Bool = false
    ) -> EndDecision {
        switch state {
        case .receiving, .failing, .delivering, .settled:
            return .nothing
        case .unheard:
            state = .settled(.clientCancelled)
            return .heardOut
        case .attempting(let isFresh):
            if let violation {
                state = .failing
                return .failed(.reset, .unfitHead(vendor: vendor, violation))
            }
            if result.wasStale, !result.sawResponse, !isFresh, canRepeat || !result.wasSent {
                state = .attempting(isFresh: true)
                freshRetries += 1
                return .retryFresh
            }
            state = .failing
            return .failed(result.failureClass, .transfer(result, vendor: vendor))
        case .holding:
            state = .failing
            if result.code == .ok, headIsComplete { return .heldWhole }
            return .failed(.reset, .brokeOff(result, vendor: vendor))
        case .relaying:
            let isWhole = result.code == .ok && headIsComplete && !lacksTerminal
            state = .delivering(isWhole ? .complete : .truncated)
            return isWhole ? .finish : .breakOff(.truncated)
        }
    }

    /// The held response turned out to be a failure before its end: its transfer is to be ended.
    ///
    /// Returns false when that is no longer of interest.
    mutating func heldFailed() -> Bool {
        guard case .holding = state else { return false }
        state = .failing
        return true
    }

    /// What another attempt would be, as far as policy and health allow one.
    struct Sequel: Equatable {
        /// The wait before the same target is tried again; nil when it is not to be.
        var retryAfter: Interval?
        /// The next target; nil when there is none.
        var next: Int?
        /// Whether an answer of a vendor's is kept to be passed on in the end.
        var hasVendorsAnswer = false
        /// Whether that answer is there to its end.
        var isVendorsAnswerWhole = true
    }

    /// What to do about an attempt that came to nothing.
    enum SequelDecision: Equatable {
        /// Wait, then try the same target again.
        case retry(after: Interval)
        /// Try another target.
        case moveOn(target: Int)
        /// Pass the last vendor's answer on as it was.
        case vendorsAnswer
        /// Answer with this.
        case answer(Failure)
        /// It was settled meanwhile.
        case nothing
    }

    /// An attempt came to nothing, and this is what could follow.
    mutating func attemptFailed(
        _ failure: Failure, _ sequel: Sequel, attemptsMax: Int
    ) -> SequelDecision {
        guard case .failing = state else { return .nothing }
        if countedAttempts < attemptsMax {
            if let wait = sequel.retryAfter {
                retries += 1
                return .retry(after: wait)
            }
            if let next = sequel.next {
                retries = 0
                return .moveOn(target: next)
            }
        }
        if sequel.hasVendorsAnswer {
            state = .delivering(sequel.isVendorsAnswerWhole ? .complete : .truncated)
            return .vendorsAnswer
        }
        state = .delivering(failure.outcome)
        return .answer(failure)
    }

    /// What to do about an exchange that is stopped by something else than its transfer.
    enum StopDecision: Equatable {
        /// End the transfer and answer with this.
        case answer(Failure)
        /// End the transfer; the attempt came to nothing.
        case failed(FailureClass, Failure)
        /// End the transfer and break the framing of what went out.
        case breakOff(Outcome)
        /// It was settled before.
        case nothing
    }

    /// The request turned out to be one that is not served, after its attempt had begun.
    mutating func overflowed(_ failure: Failure) -> StopDecision {
        switch state {
        case .unheard, .delivering, .settled:
            return .nothing
        case .receiving, .attempting, .holding, .failing:
            state = .delivering(failure.outcome)
            return .answer(failure)
        case .relaying:
            state = .delivering(.truncated)
            return .breakOff(.truncated)
        }
    }

    /// A clock ran out.
    mutating func clockExpired(
        _ clock: Clock, vendor: String, after interval: Interval
    ) -> StopDecision {
        switch state {
        case .unheard, .delivering, .settled:
            return .nothing
        case .receiving:
            state = .delivering(clock.outcome)
            return .answer(.slowBody)
        case .attempting, .holding, .failing:
            if clock == .slowClient {
                state = .delivering(Failure.slowBody.outcome)
                return .answer(.slowBody)
            }
            let failure = Failure.timedOut(clock, vendor: vendor, after: interval)
            // The time for the whole has no room for another attempt.
            guard clock != .total else {
                state = .delivering(failure.outcome)
                return .answer(failure)
            }
            state = .failing
            return .failed(.timeout, failure)
        case .relaying:
            state = .delivering(clock.outcome)
            return .breakOff(clock.outcome)
        }
    }

    /// The last byte of the response has been given to the kernel.
    ///
    /// Returns false when the exchange was settled before.
    mutating func delivered() -> Bool {
        guard case .delivering(let outcome) = state else { return false }
        state = .settled(outcome)
        return true
    }

    /// The client is gone, or is given up as `outcome` says.
    ///
    /// Returns false when the exchange was settled before.
    mutating func clientGone(as outcome: Outcome = .clientCancelled) -> Bool {
        if case .settled = state { return false }
        // Whatever ends what nobody hears, the client went first.
        state = .settled(state == .unheard ? .clientCancelled : outcome)
        return true
    }

    /// The client is gone, and what is in flight for it may go on to its end.
    ///
    /// Returns false where nothing is: there is nothing to read, and no attempt is made for nobody.
    mutating func clientGoneUnheard() -> Bool {
        switch state {
        case .attempting, .holding, .relaying:
            state = .unheard
            return true
        case .receiving, .failing, .unheard, .delivering, .settled:
            return false
        }
    }

    /// The gateway refuses the request, or cannot start a transfer for it.
    mutating func refused(_ failure: Failure) {
        precondition(!isCommitted, "an answer of ours after the commit")
        state = .delivering(failure.outcome)
    }
}

extension TransferResult {
    /// The class of a transfer that ended before a whole head had come.
    ///
    /// Nothing was sent: another target is always safe. Sent, and no byte back: the vendor may have
    /// acted, which a class of its own says.
    var failureClass: FailureClass {
        if !wasSent { return .connect }
        return code == .operationTimedOut ? .timeout : .reset
    }
}
