import Config
import JSON
import LogStore
import Primitives

extension LogsVerifyCommand {
    /// The ledger held against the records, as JSON.
    static func json(_ ledger: LedgerBalance) -> JSONValue {
        func number(_ value: Int) -> JSONValue { .number("\(value)") }
        return .object([
            JSONValue.Member("keys", number(ledger.keys)),
            JSONValue.Member("tokens", number(ledger.tokens)),
            JSONValue.Member("nanodollars", number(ledger.nanodollars)),
            JSONValue.Member("balanced", .bool(ledger.differences.isEmpty)),
        ])
    }

    /// The ledger in words; nothing where no key was ever charged.
    static func text(_ ledger: LedgerBalance) -> String {
        guard ledger.keys > 0 else { return "" }
        var text =
            "charged to \(ledger.keys) key\(ledger.keys == 1 ? "" : "s"): \(ledger.tokens) tokens, "
            + "\(Money.text(nanodollars: ledger.nanodollars)) = records + removed\n"
        for difference in ledger.differences {
            text +=
                "  key \(Printable.text(difference.key)) IS WRONG BY \(difference.tokens) tokens, "
                + "\(Money.text(nanodollars: difference.nanodollars))\n"
        }
        return text
    }
}
