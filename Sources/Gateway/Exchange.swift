import Primitives
import Telemetry
import Transfers

// The life of one request, decided here and carried out by `Connection`. No socket, no clock and no
// setting is read inside: every fact comes with its event, and every answer is a small value.
//
//               ready                 head                end                  all sent
//   receiving ─────────▶ attempting ────────▶ relaying ─────────▶ delivering ─────────▶ settled
//       │                │  ▲    │                │ whole: end the  ▲                     ▲
//       │                └──┘    │                │ framing; broken │                     │
//       │           stale: once, │                │ or late: break  │                     │
//       │           fresh        │                │ it              │                     │
//       │                        └── end or clock: our answer ──────┤                     │
//       └── refused: our answer ────────────────────────────────────┘                     │
//            from every state: the client is gone ── cancel what is in flight ────────────┘
//
// The step from attempting to relaying is the commit, and it is one way: there is no method that
// leads back. Every path ends in settled, exactly once.

/// The state machine of one exchange.
struct Exchange: ~Copyable {
    private enum State: Equatable {
        case receiving
        /// `isFresh`: this is the retry on a connection that is surely new.
        case attempting(isFresh: Bool)
        case relaying
        /// Nothing more is to come; what was gathered is still going out.
        case delivering(Outcome)
        case settled(Outcome)
    }

    private var state = State.receiving

    /// Attempts made, the retry on a fresh connection included.
    private(set) var attempts = 0

    /// The outcome, once settled.
    var outcome: Outcome? {
        if case .settled(let outcome) = state { return outcome }
        return nil
    }

    /// Whether any byte of the vendor's response has been given to the client.
    var isCommitted: Bool {
        switch state {
        case .relaying: true
        default: false
        }
    }

    /// Whether a transfer is in flight.
    var isInFlight: Bool {
        switch state {
        case .attempting, .relaying: true
        default: false
        }
    }

    /// The request is whole, or large enough to be streamed: an attempt begins.
    mutating func attemptBegan() {
        switch state {
        case .receiving: state = .attempting(isFresh: false)
        case .attempting: break
        case .relaying, .delivering, .settled: preconditionFailure("an attempt after the commit")
        }
        attempts += 1
    }

    /// What to do about a response head.
    enum HeadDecision: Equatable {
        /// Pass it on: the exchange is committed.
        case relay
        /// Nobody waits for it any more.
        case ignore
    }

    /// The final head of the vendor's response is whole and fit.
    mutating func headReceived() -> HeadDecision {
        guard case .attempting = state else { return .ignore }
        state = .relaying
        return .relay
    }

    /// What to do about the end of a transfer.
    enum EndDecision: Equatable {
        /// The response is whole: end its framing.
        case finish
        /// The response broke off: break its framing too, so that it never looks whole.
        case breakOff(Outcome)
        /// Nothing went out: answer with this.
        case answer(Failure)
        /// A pooled connection was dead: once more, on a fresh one.
        case retryFresh
        /// It was settled before.
        case nothing
    }

    /// The transfer ended.
    ///
    /// - `violation`: what made the head unfit, if that is why it ended.
    /// - `canRepeat`: whether the request's body is still there from its first byte.
    mutating func transferEnded(
        _ result: TransferResult, vendor: String, headIsComplete: Bool, violation: StaticString?,
        canRepeat: Bool
    ) -> EndDecision {
        switch state {
        case .receiving, .delivering, .settled:
            return .nothing
        case .attempting(let isFresh):
            if let violation {
                return answer(.unfitHead(vendor: vendor, violation))
            }
            if result.wasStale, !result.sawResponse, !isFresh, canRepeat {
                state = .attempting(isFresh: true)
                return .retryFresh
            }
            return answer(.transfer(result, vendor: vendor))
        case .relaying:
            let isWhole = result.code == .ok && headIsComplete
            state = .delivering(isWhole ? .complete : .truncated)
            return isWhole ? .finish : .breakOff(.truncated)
        }
    }

    /// What to do about a clock that ran out.
    enum ClockDecision: Equatable {
        /// End the transfer and answer with this.
        case answer(Failure)
        /// End the transfer and break the framing of what went out.
        case breakOff(Outcome)
        /// It was settled before.
        case nothing
    }

    /// A clock ran out.
    mutating func clockExpired(
        _ clock: Clock, vendor: String, after interval: Interval
    ) -> ClockDecision {
        switch state {
        case .delivering, .settled:
            return .nothing
        case .receiving:
            state = .delivering(clock.outcome)
            return .answer(.refused(408, "request_timeout", "the request body did not arrive in time"))
        case .attempting:
            let failure =
                clock == .slowClient
                ? Failure.refused(408, "request_timeout", "the request body did not arrive in time")
                : Failure.timedOut(clock, vendor: vendor, after: interval)
            state = .delivering(failure.outcome)
            return .answer(failure)
        case .relaying:
            state = .delivering(clock.outcome)
            return .breakOff(clock.outcome)
        }
    }

    /// The last byte of the response has been given to the kernel. Returns false when the exchange
    /// was settled before.
    mutating func delivered() -> Bool {
        guard case .delivering(let outcome) = state else { return false }
        state = .settled(outcome)
        return true
    }

    /// The client is gone, or is given up as `outcome` says. Returns false when the exchange was
    /// settled before.
    mutating func clientGone(as outcome: Outcome = .clientCancelled) -> Bool {
        if case .settled = state { return false }
        state = .settled(outcome)
        return true
    }

    /// The gateway refuses the request, or cannot start a transfer for it.
    mutating func refused(_ failure: Failure) {
        precondition(!isCommitted, "an answer of ours after the commit")
        state = .delivering(failure.outcome)
    }

    private mutating func answer(_ failure: Failure) -> EndDecision {
        state = .delivering(failure.outcome)
        return .answer(failure)
    }
}
