public import Primitives
public import Routing

// The life of one exchange, decided here and carried out by the gateway. No socket, no clock and no
// setting is read inside: every fact comes with its event, and every answer is a small value.
//
//                    ┌────── wait: the same target again, or the next ──────┐
//                    ▼                                                      │
//               ready          head             content              end    │     all sent
//   receiving ─────────▶ attempting ───▶ holding ─────▶ relaying ─────────▶ delivering ──▶ settled
//       │                │  ▲    │  └────── head ───────▶ ▲ │  whole: end    ▲  ▲            ▲
//       │                └──┘    │          │             │ │  the framing;  │  │            │
//       │           stale: once, │          │ the hold is │ │  broken, late: │  │            │
//       │           fresh        │          ├── full, ────┘ │  break it      │  │            │
//       │                        │          │   or too long └────────────────┤  │            │
//       │                        │          └── whole, and an answer ────────┘  │            │
//       │                        └── failed ── failing ── nothing left: our     │            │
//       │                              │                  answer, or the last ──┤            │
//       │                              └── next           vendor's as it was    │            │
//       └── refused, or answered here: our answer ──────────────────────────────┘            │
//            from every state: the client is gone, cancel what is in flight ─────────────────┤
//            or, once a whole request is in flight: detached, read its answer to its end ────┘
//
// The step to relaying is the commit, and it is one way: no method leads from there to an attempt.
// Every path ends in settled, exactly once.

/// The state machine of one exchange.
public struct ExchangeState: ~Copyable {
    private enum State: Equatable {
        case receiving
        /// `isFresh`: this is the retry on a connection that is surely new.
        case attempting(isFresh: Bool)
        /// The vendor answers, and nothing of it has gone out yet.
        case holding
        /// An attempt failed; what follows has to be decided, or waited for.
        case failing
        case relaying
        /// The client is gone; the answer is read to its end for the record's sake alone.
        case detached
        /// Nothing more is to come; the gathered output is still going out.
        case delivering(Outcome)
        case settled(Outcome)
    }

    private var state = State.receiving

    /// Attempts made, the retry on a fresh connection included.
    public private(set) var attempts = 0
    /// Further tries at the current target.
    public private(set) var retries = 0
    /// Retries on a fresh connection: a dead pooled one says nothing about its vendor, so they are
    /// no part of what a chain allows.
    private var freshRetries = 0

    /// An exchange whose request is coming in.
    public init() {}

    /// Attempts that count against a chain's allowance.
    public var countedAttempts: Int { attempts - freshRetries }

    /// The outcome, once settled.
    public var outcome: Outcome? {
        if case .settled(let outcome) = state { return outcome }
        return nil
    }

    /// The outcome once the gathered output is out; nil while more is to come.
    public var outcomeToBe: Outcome? {
        if case .delivering(let outcome) = state { return outcome }
        return nil
    }

    /// Whether any byte of the vendor's response has been given to the client.
    public var isCommitted: Bool { state == .relaying }

    /// Whether a response is held back.
    public var isHolding: Bool { state == .holding }

    /// Whether an attempt failed, and what follows is not under way yet.
    public var isFailing: Bool { state == .failing }

    /// Whether the client has gone and its answer goes on.
    public var isDetached: Bool { state == .detached }

    /// Whether a transfer is in flight, or one is about to be.
    public var isInFlight: Bool {
        switch state {
        case .attempting, .holding, .failing, .relaying: true
        case .receiving, .detached, .delivering, .settled: false
        }
    }

    /// The request is whole, or large enough to be streamed: an attempt begins.
    public mutating func attemptBegan() {
        switch state {
        case .receiving, .failing: state = .attempting(isFresh: false)
        case .attempting: break
        case .holding, .relaying, .detached, .delivering, .settled:
            preconditionFailure("an attempt after a response has begun")
        }
        attempts += 1
    }

    /// What to do about a response head.
    public enum HeadDecision: Equatable, Sendable {
        /// Pass it on: the exchange is committed.
        case relay
        /// Keep it, and what follows, until it is known to be an answer.
        case hold
        /// The exchange no longer waits for it.
        case ignore
    }

    /// The final head of the vendor's response is whole and fit.
    ///
    /// `holds`: whether the head leaves it open that another attempt follows.
    public mutating func headReceived(holds: Bool) -> HeadDecision {
        switch state {
        case .attempting:
            state = holds ? .holding : .relaying
            return holds ? .hold : .relay
        case .receiving, .holding, .failing, .relaying, .detached, .delivering, .settled:
            return .ignore
        }
    }

    /// What is held goes out, before its end: it shows content, or cannot be held any longer.
    ///
    /// Returns false where nothing is held.
    public mutating func committed() -> Bool {
        switch state {
        case .holding:
            state = .relaying
            return true
        case .receiving, .attempting, .failing, .relaying, .detached, .delivering, .settled:
            return false
        }
    }

    /// What to do about the end of a transfer.
    public enum EndDecision: Equatable, Sendable {
        /// The response is whole: end its framing.
        case finish
        /// The response broke off: break its framing too, so that it never looks whole.
        case breakOff(Outcome)
        /// Nothing went out, and the attempt failed: see ``FailoverDecision``.
        case failed(FailureClass, Failure)
        /// What is held is whole: see ``AttemptVerdict``.
        case heldWhole
        /// A pooled connection was dead: once more, on a fresh one.
        case retryFresh
        /// The client had gone, and now the exchange is settled.
        case readOut
        /// It was settled before.
        case nothing
    }

    /// The transfer ended.
    ///
    /// - `violation`: what made the head unfit, if that is why it ended.
    /// - `canRepeat`: whether the request's body is still there from its first byte.
    /// - `lacksTerminal`: whether it is a stream that had to end in a marker, and did not.
    /// - `isAtMark`: whether what went out ends in its dialect's marker, so that a cut behind it
    ///   changes nothing.
    /// - `endsOpen`: whether it is a tunnel whose vendor closed it without a word. The client sees
    ///   the same end.
    public mutating func transferEnded(
        _ result: TransferResult, vendor: String, headIsComplete: Bool, violation: StaticString?,
        canRepeat: Bool, lacksTerminal: Bool = false, isAtMark: Bool = false,
        endsOpen: Bool = false
    ) -> EndDecision {
        switch state {
        case .receiving, .failing, .delivering, .settled:
            return .nothing
        case .detached:
            state = .settled(.clientCancelled)
            return .readOut
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
            if result.code == .ok, headIsComplete { return .heldWhole }
            state = .failing
            return .failed(.reset, .brokeOff(result, vendor: vendor))
        case .relaying:
            let isWhole =
                isAtMark || result.code == .ok && headIsComplete && !lacksTerminal
            state = .delivering(isWhole && !endsOpen ? .complete : .truncated)
            return isWhole ? .finish : .breakOff(.truncated)
        }
    }

    /// What is held is whole, and an answer: it goes out as it is.
    ///
    /// Returns false where nothing is held.
    public mutating func heldIsAnswer() -> Bool {
        switch state {
        case .holding:
            state = .delivering(.complete)
            return true
        case .receiving, .attempting, .failing, .relaying, .detached, .delivering, .settled:
            return false
        }
    }

    /// What is held shows that the attempt failed, at its end or before.
    ///
    /// Returns false where nothing is held.
    public mutating func heldIsFailure() -> Bool {
        switch state {
        case .holding:
            state = .failing
            return true
        case .receiving, .attempting, .failing, .relaying, .detached, .delivering, .settled:
            return false
        }
    }

    /// What follows the failed attempt was decided.
    ///
    /// Returns false when the exchange no longer waits for it.
    public mutating func apply(_ decision: FailoverDecision) -> Bool {
        switch state {
        case .failing:
            switch decision {
            case .retry: retries += 1
            case .moveOn: retries = 0
            case .vendorsAnswer(let isWhole):
                state = .delivering(isWhole ? .complete : .truncated)
            case .answer(let failure): state = .delivering(failure.outcome)
            }
            return true
        case .receiving, .attempting, .holding, .relaying, .detached, .delivering, .settled:
            return false
        }
    }

    /// What to do about an exchange that something else than its transfer stops.
    public enum StopDecision: Equatable, Sendable {
        /// End the transfer and answer with this.
        case answer(Failure)
        /// End the transfer; the attempt failed.
        case failed(FailureClass, Failure)
        /// End the transfer and break the framing of what went out.
        case breakOff(Outcome)
        /// It was settled before.
        case nothing
    }

    /// The request turned out too large or malformed after its attempt had begun.
    public mutating func overflowed(_ failure: Failure) -> StopDecision {
        switch state {
        case .detached, .delivering, .settled:
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
    public mutating func clockExpired(
        _ clock: Clock, vendor: String, after interval: Interval
    ) -> StopDecision {
        switch state {
        case .detached, .delivering, .settled:
            return .nothing
        case .receiving:
            state = .delivering(clock.outcome)
            return .answer(.slowBody)
        case .attempting, .holding, .failing:
            if clock == .slowClient || clock == .body || clock == .pace {
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
    /// Returns false when the exchange was settled before, or more is to come.
    public mutating func delivered() -> Bool {
        switch state {
        case .delivering(let outcome):
            state = .settled(outcome)
            return true
        case .receiving, .attempting, .holding, .failing, .relaying, .detached, .settled:
            return false
        }
    }

    /// The client is gone, or is given up as `outcome` says.
    ///
    /// Returns false when the exchange was settled before.
    public mutating func clientGone(as outcome: Outcome = .clientCancelled) -> Bool {
        switch state {
        case .settled:
            return false
        case .detached:
            // A detached exchange has lost its client first, so this is its outcome.
            state = .settled(.clientCancelled)
            return true
        case .receiving, .attempting, .holding, .failing, .relaying, .delivering:
            state = .settled(outcome)
            return true
        }
    }

    /// The client is gone, and what is in flight for it may go on to its end.
    ///
    /// Returns false where nothing is in flight: there is nothing to read, and no attempt is made
    /// without a client.
    public mutating func detached() -> Bool {
        switch state {
        case .attempting, .holding, .relaying:
            state = .detached
            return true
        case .receiving, .failing, .detached, .delivering, .settled:
            return false
        }
    }

    /// The gateway refuses the request.
    public mutating func refused(_ failure: Failure) {
        answeredHere(failure.outcome)
    }

    /// The gateway answers the request itself: a page, a preflight.
    public mutating func answeredHere(_ outcome: Outcome = .complete) {
        switch state {
        case .receiving, .attempting, .holding, .failing: state = .delivering(outcome)
        case .relaying, .detached, .delivering, .settled:
            preconditionFailure("an answer of ours after the commit")
        }
    }
}
