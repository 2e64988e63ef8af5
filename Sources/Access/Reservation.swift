/// What a request asks of its limits.
public struct Demand: Equatable, Sendable {
    /// Tokens that it is expected to use.
    public var tokens = 0
    /// What it costs at most, in billionths of a dollar.
    public var nanodollars = 0
    /// Whether a model works for it, so that it may cost something.
    public var isWork = false
    /// Whether it goes to the chain of a budget that did not cover it.
    public var isDiverted = false

    /// A request for which no model works.
    public init() {}
}

/// What is held for a request in flight, until it is settled.
///
/// It holds what was acquired, by the limits of that moment: those of a later reading of the
/// configuration change nothing about it.
public struct Reservation: Sendable {
    let path: [Step]
    /// When the request was admitted, in milliseconds since 1970: its periods follow from it.
    public let began: Int
    /// The latest instant at which any request was admitted until then: its windows follow from it.
    let latest: Int
    /// What is held.
    public let demand: Demand

    /// The same with so much more held.
    func holding(_ more: Charge) -> Reservation {
        var demand = demand
        demand.tokens += more.tokens
        demand.nanodollars += more.nanodollars
        return Reservation(path: path, began: began, latest: latest, demand: demand)
    }
}

/// What a request used, in the end.
public struct Charge: Equatable, Sendable {
    /// How sure it is.
    public enum Basis: String, Sendable, CaseIterable {
        /// The vendor reported the usage.
        case reported = "reported"
        /// It broke off: the prompt's bound, and the bytes of the answer that came.
        case estimated = "estimated"
        /// Nothing is known: all that was reserved.
        case reserved = "reserved"
        /// No model worked, or none was asked.
        case free = "free"
        /// No limit of the caller's asks for it: the record counts what the vendor reported.
        case unlimited = "unlimited"

        /// Its number in journals: never given to another.
        public var number: Int {
            switch self {
            case .reported: 1
            case .estimated: 2
            case .reserved: 3
            case .free: 4
            case .unlimited: 5
            }
        }

        /// The basis of a number; all that was reserved for one that none has.
        public init(number: Int) {
            self = Self.allCases.first { $0.number == number } ?? .reserved
        }
    }

    /// Tokens.
    public var tokens: Int
    /// Billionths of a dollar.
    public var nanodollars: Int
    /// How sure they are.
    public var basis: Basis

    /// A charge of these parts.
    public init(tokens: Int, nanodollars: Int, basis: Basis) {
        self.tokens = tokens
        self.nanodollars = nanodollars
        self.basis = basis
    }

    /// Whether a vendor was asked, or was about to be: other requests count against no rate, as the
    /// record has no attempt of them.
    public var isAsked = true

    /// Nothing.
    public static let free = Charge(tokens: 0, nanodollars: 0, basis: .free)

    /// Nothing, of a request that was admitted and went to no vendor.
    public static var unasked: Charge {
        var charge = Charge.free
        charge.isAsked = false
        return charge
    }
}
