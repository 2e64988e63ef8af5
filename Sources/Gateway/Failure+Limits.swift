import Access
import Config
import Dialects
import ExchangeCore
import Primitives

extension Failure {
    /// A key that may not do what the request asks for.
    static func forbidden(_ code: String, _ explanation: String) -> Failure {
        .refused(403, code, explanation)
    }

    /// Work of a key with a budget or a limit on tokens that neither would ever count.
    static func uncounted(key: String) -> Failure {
        forbidden(
            "work_uncounted",
            "the key \(key) has a budget or a limit on tokens, and what the vendor does for this "
                + "request is not counted here: it works later, or for a credential that it "
                + "answers with")
    }

    /// A request of a key that may ask for certain models, where the gateway does not see which one
    /// works.
    static func unseenModel(key: String) -> Failure {
        forbidden(
            "model_not_allowed",
            "the key \(key) may ask for certain models alone, and which of them works for this "
                + "request is not seen here")
    }

    /// A key that may be one of those in the record, which cannot be read.
    static var keysUnread: Failure {
        .unavailable(
            "keys_unavailable",
            "the keys that were made while the gateway ran cannot be read, and the request shows "
                + "none that the configuration has")
    }

    /// A budgeted request whose end could not be recorded: the ledger is the record.
    static var unrecordable: Failure {
        .unavailable(
            "ledger_unavailable",
            "the request is charged to a budget, and what it costs cannot be recorded now")
    }

    /// A budgeted request that comes before the charges of an earlier process are known.
    static var ledgerIncomplete: Failure {
        .unavailable(
            "ledger_incomplete",
            "the request is charged to a budget, and what an earlier process of the gateway has "
                + "charged to it is still being read")
    }

    /// A request under a budget whose cost has no bound.
    static func unbounded(_ obstacle: CallBound.Obstacle, key: String) -> Failure {
        switch obstacle {
        case .unreadable:
            .refused(
                400, "body_unreadable",
                "the key \(key) has a budget, and the body begins as JSON and is none, so that "
                    + "what it may cost is not known")
        case .unclear(let name):
            .refused(
                400, "limit_unclear",
                "the key \(key) has a budget, and \(name) is no plain number, so that vendors may "
                    + "read different ones in it")
        case .unpriced(let model):
            .forbidden(
                "model_unpriced",
                "the key \(key) has a budget, and model \(model.name) of vendor \(model.vendor) "
                    + "has no price; [prices] could have one, or unpriced = \"allow\"")
        case .openEnded(let model):
            .forbidden(
                "prompt_unbounded",
                "the key \(key) has a budget, and the request refers to what it does not contain, "
                    + "so that its cost has no bound; max_input of model \(model.name) under "
                    + "[prices] would be one")
        case .unread(let model):
            .forbidden(
                "prompt_unbounded",
                "the key \(key) has a budget, and the request's body is larger than replay_limit, "
                    + "so that it is not read and its cost has no bound; max_input of model "
                    + "\(model.name) under [prices] would be one")
        }
    }

    /// A request that a limit refuses.
    ///
    /// `now`: milliseconds since 1970.
    static func limited(_ refusal: LimitRefusal, now: Int) -> Failure {
        if refusal.reason == .storeAway { return .storeAway }
        let words = words(of: refusal, now: now)
        return Failure(
            status: 429, code: words.code, fault: .client,
            isWorthRetrying: words.notice.isWorthRetrying, explanation: words.explanation,
            outcome: .refused, limit: words.notice)
    }

    private static func words(
        of refusal: LimitRefusal, now: Int
    ) -> (code: String, explanation: String, notice: LimitNotice) {
        let bucket = refusal.scope.name
        guard refusal.reason == .used else { return awaited(refusal) }
        func notice(
            _ kind: LimitNotice.Kind, limit: Int, unit: String = "", resetsAt: Int? = nil
        ) -> LimitNotice {
            LimitNotice(
                kind: refusal.isTooLarge ? .tooLarge : kind, bucket: bucket, limit: limit,
                unit: unit, window: (refusal.length + 999) / 1000, wait: refusal.wait,
                resetsAt: resetsAt)
        }
        let interval = Interval.milliseconds(Int64(refusal.length))
        switch refusal.axis {
        case .requests:
            return (
                "rate_limit_exceeded",
                "\(bucket) may make \(refusal.limit) requests in \(interval)",
                notice(.rate, limit: refusal.limit, unit: "requests")
            )
        case .tokens:
            let what = "\(bucket) may use \(refusal.limit) tokens in \(interval)"
            return (
                "rate_limit_exceeded",
                refusal.isTooLarge ? "\(what), and this request alone may use more" : what,
                notice(.rate, limit: refusal.limit, unit: "tokens")
            )
        case .concurrent:
            return (
                "too_many_requests_at_once",
                "\(bucket) may have \(refusal.limit) requests in flight at the same time",
                notice(.rate, limit: refusal.limit, unit: "concurrent-requests")
            )
        case .budget(let period):
            let amount = "\(Money.text(nanodollars: refusal.limit))/\(period.rawValue)"
            guard !refusal.isTooLarge else {
                return (
                    "spend_limit_too_small",
                    "\(bucket) has a budget of \(amount), and this request alone may cost more; "
                        + "a smaller limit on its answer could make it fit",
                    notice(.spent(period: period.rawValue), limit: 0)
                )
            }
            let resetsAt = (now + (refusal.wait ?? 0)) / 1000
            let text = Timestamp.text(microseconds: resetsAt * 1_000_000)
            let day = text.prefix(10)
            let clock = text.dropFirst(11).prefix(5)
            return (
                "spend_limit_reached",
                "spend limit reached (\(period.adverb); resets \(day) \(clock) UTC): \(bucket) has "
                    + "a budget of \(amount), and what is left does not cover this request",
                notice(
                    .spent(period: period.rawValue),
                    limit: refusal.limit / 1000, unit: "microdollars", resetsAt: resetsAt)
            )
        }
    }
}

extension Failure {
    /// A request whose limit is counted in a store that cannot be reached.
    static var storeAway: Failure {
        .unavailable(
            "limits_unavailable",
            "what this key may use is counted in a store that cannot be reached now")
    }

    /// What a client is shown of a share that more was asked for.
    fileprivate static func awaited(
        _ refusal: LimitRefusal
    ) -> (code: String, explanation: String, notice: LimitNotice) {
        let isMoney = if case .budget = refusal.axis { true } else { false }
        return (
            "rate_limit_exceeded",
            "the limit of \(refusal.scope.name) is shared by several gateways, and this one's "
                + "share has no room for this request; it has asked for more",
            LimitNotice(
                kind: .rate, bucket: refusal.scope.name,
                limit: isMoney ? refusal.limit / 1_000_000_000 : refusal.limit, unit: "",
                window: (refusal.length + 999) / 1000, wait: refusal.wait, resetsAt: nil)
        )
    }
}

extension BudgetPeriod {
    fileprivate var adverb: String {
        switch self {
        case .hour: "hourly"
        case .day: "daily"
        case .week: "weekly"
        case .month: "monthly"
        }
    }
}
