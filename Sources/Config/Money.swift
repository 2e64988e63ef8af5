/// Dollars as whole billionths: sums of them are exact, and a token that costs a ten-millionth of a
/// dollar has a price.
public enum Money {
    private static let fractionDigits = 9

    /// Billionths of a dollar of `"$500"` or `"$0.25"`; nil for anything else.
    static func nanodollars(_ text: String) -> Int? {
        guard text.hasPrefix("$") else { return nil }
        let parts = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false)
        guard 1...2 ~= parts.count, 1...9 ~= parts[0].utf8.count,
            parts.allSatisfy({ $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }),
            let dollars = Int(parts[0])
        else { return nil }
        guard parts.count == 2 else { return dollars * 1_000_000_000 }
        guard 1...fractionDigits ~= parts[1].utf8.count else { return nil }
        let zeros = String(repeating: "0", count: fractionDigits - parts[1].utf8.count)
        guard let fraction = Int(parts[1] + zeros) else { return nil }
        return dollars * 1_000_000_000 + fraction
    }

    /// An amount as people write it: `$500`, `$0.25`.
    public static func text(nanodollars: Int) -> String {
        let sign = nanodollars < 0 ? "-" : ""
        let amount = nanodollars.magnitude
        var fraction = String(amount % 1_000_000_000)
        fraction = String(repeating: "0", count: fractionDigits - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        // Cents have two digits.
        if fraction.count == 1 { fraction += "0" }
        return "\(sign)$\(amount / 1_000_000_000)" + (fraction.isEmpty ? "" : ".\(fraction)")
    }
}
