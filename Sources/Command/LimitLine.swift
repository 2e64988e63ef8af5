import Access
import Config
import JSON
import Primitives

/// What is used of one key's limits, or of one group's: as JSON, and as a row of `weir top`.
struct LimitLine {
    private let value: JSONValue

    /// A line from its JSON.
    init(_ value: JSONValue) {
        self.value = value
    }

    static func json(_ view: Ledger.View) -> JSONValue {
        .object([
            .init("scope", .string(view.scope.kind)), .init("name", .string(view.scope.label)),
            .init("in_flight", number(view.inFlight)), .init("waiting", number(view.waiting)),
            .init("admitted", number(view.admitted)), .init("refused", number(view.refused)),
            .init("tokens", number(view.tokens)),
            .init("nanodollars", number(view.nanodollars)),
            .init("limits", .array(view.uses.map(json))),
        ])
    }

    private static func json(_ use: Ledger.Use) -> JSONValue {
        .object([
            .init("on", .string(use.kind.rawValue)), .init("used", number(use.used)),
            .init("held", number(use.held)), .init("of", number(use.limit)),
            .init("per", .string(use.per)),
        ])
    }

    private static func number(_ number: Int) -> JSONValue { .number("\(number)") }

    static let columns: [(String, TextTable.Side)] = [
        ("who", .left), ("in flight", .right), ("waiting", .right), ("requests", .right),
        ("tokens", .right), ("budget", .right), ("admitted", .right), ("refused", .right),
    ]

    var cells: [String] {
        let scope = value["scope"]?.text ?? ""
        func count(_ name: String) -> String { "\(value[name]?.integer ?? 0)" }
        let concurrent = use(of: "concurrent").map { "/\($0["of"]?.integer ?? 0)" } ?? ""
        return [
            "\(scope) \(value["name"]?.text ?? "")", count("in_flight") + concurrent,
            count("waiting"), share("requests"), share("tokens"), share("budget"),
            count("admitted"), count("refused"),
        ]
    }

    private func use(of kind: String) -> JSONValue? {
        value["limits"]?.elements?.first { $0["on"]?.text == kind }
    }

    private func share(_ kind: String) -> String {
        guard let use = use(of: kind) else { return "" }
        let used = (use["used"]?.integer ?? 0) + (use["held"]?.integer ?? 0)
        let limit = use["of"]?.integer ?? 0
        let per = use["per"]?.text ?? ""
        guard kind == "budget" else { return "\(used)/\(limit) in \(per)" }
        return "\(Figure.shortMoney(nanodollars: used))/\(Money.text(nanodollars: limit)) a \(per)"
    }
}
