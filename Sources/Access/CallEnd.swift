public import Dialects

/// How a call ended, as far as it decides what the call is charged.
public struct CallEnd: Sendable {
    /// Whether a vendor may have begun to work on it.
    public var wasSent: Bool
    /// Whether a vendor refused it, or failed with an answer of its own.
    public var isVendorsRefusal: Bool
    /// Whether the answer is whole.
    public var isWhole: Bool
    /// Whether the vendor goes on, whatever becomes of the client.
    public var goesOn = false
    /// Bytes of the answer that came.
    public var answerBytes: Int
    /// The usage that the vendor reported; nil where it reported none.
    public var usage: Usage?
    /// What the vendor reported before the answer broke off, with a token of output for each byte
    /// that came where that is more; nil where it reported no prompt.
    public var usageSoFar: Usage?
    /// What the call cost by either; nil where that is not known.
    public var nanodollars: Int?
    /// Tokens that the vendor reported before the answer broke off, without any byte.
    public var leastTokens = 0
    /// What those cost, in billionths of a dollar.
    public var leastNanodollars = 0

    /// The end of a call that was never sent.
    public init() {
        wasSent = false
        isVendorsRefusal = false
        isWhole = false
        answerBytes = 0
    }
}

extension Charge {
    /// What a call is charged.
    ///
    /// Never sent, or refused by the vendor: nothing. With a usage: that. Broken off without one:
    /// the prompt that the vendor reported, else its bound, and a token for each byte that came; no
    /// more than was held. Whole without one, or where the vendor goes on: all that was held,
    /// because it is not known.
    ///
    /// `most`: what the call may cost, which `hold_max` makes more than was held; nil where it is
    /// that. `input`: the prompt's bound. `cost`: what so many tokens cost at most.
    public static func of(
        _ end: CallEnd, held: Demand, most: Int? = nil, input: Int,
        cost: (_ input: Int, _ output: Int) -> Int?
    ) -> Charge {
        let most = max(held.nanodollars, most ?? 0)
        guard held.isWork else { return .free }
        // What has only begun may report that it used nothing so far.
        if let usage = end.usage, !end.goesOn || usage.chargedTokens > 0 {
            return Charge(
                tokens: usage.chargedTokens,
                nanodollars: end.nanodollars ?? most,
                basis: end.nanodollars == nil && held.nanodollars > 0 ? .reserved : .reported)
        }
        guard end.wasSent, !end.isVendorsRefusal else { return .free }
        let all = Charge(
            tokens: held.tokens, nanodollars: most, basis: .reserved)
        guard !end.isWhole, !end.goesOn else { return all }
        let soFar = end.usageSoFar
        let nanodollars =
            (soFar == nil ? nil : end.nanodollars)
            ?? cost(soFar?.input ?? input, soFar?.output ?? end.answerBytes)
            ?? most
        let tokens = min(held.tokens, soFar?.chargedTokens ?? input + end.answerBytes)
        return Charge(
            tokens: max(end.leastTokens, tokens),
            nanodollars: max(end.leastNanodollars, min(most, nanodollars)), basis: .estimated)
    }
}

extension Charge {
    /// This charge and that of an attempt of the same call that was made in vain.
    public func adding(_ other: Charge) -> Charge {
        guard other.basis != .free else { return self }
        let (tokens, isLong) = tokens.addingReportingOverflow(other.tokens)
        let (cost, isDear) = nanodollars.addingReportingOverflow(other.nanodollars)
        var sum = Charge(
            tokens: isLong ? .max / 2 : tokens, nanodollars: isDear ? .max / 2 : cost,
            basis: basis == .reserved ? .reserved : .estimated)
        sum.isAsked = true
        return sum
    }
}

extension Usage {
    /// The tokens that count against rates: vendors do not count what their caches had.
    public var chargedTokens: Int {
        max(0, (input ?? 0) - (cacheRead ?? 0)) + (output ?? 0)
    }
}
