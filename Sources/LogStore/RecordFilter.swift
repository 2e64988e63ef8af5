import GRDB

/// Which records are asked for.
public struct RecordFilter: Equatable, Sendable {
    /// Accepted at or after; microseconds since 1970.
    public var since: Int?
    /// Accepted before; microseconds since 1970.
    public var until: Int?
    /// The vendor's name.
    public var vendor: String?
    /// The model asked for, or the one that answered; `*` stands for anything.
    public var model: String?
    /// The outcome's name.
    public var outcome: String?
    /// A status such as `429`, or a class such as `5xx`.
    public var status: String?
    /// The digest of a client's credential, or its beginning.
    public var key: String?
    /// The chain's name.
    public var chain: String?
    /// What stands in a body or a target.
    public var text: String?
    /// Stored after this one.
    public var after: Int64?

    /// Every record.
    public init() {}

    /// Whether only time, vendor and model are asked about.
    var isBroad: Bool {
        outcome == nil && status == nil && key == nil && chain == nil && text == nil
            && after == nil
    }

    /// The filter as a condition on `records`, and what stands for its question marks.
    var condition: (sql: String, arguments: StatementArguments) {
        var parts: [String] = []
        var arguments: [(any DatabaseValueConvertible)?] = []
        func add(_ sql: String, _ values: (any DatabaseValueConvertible)?...) {
            parts.append(sql)
            arguments += values
        }
        if let since { add("accepted_us >= ?", since) }
        if let until { add("accepted_us < ?", until) }
        if let vendor { add("vendor = ?", vendor) }
        if let model { add("(model GLOB ? OR answering_model GLOB ?)", model, model) }
        if let outcome { add("outcome = ?", outcome) }
        if let key { add("key GLOB ?", "\(key)*") }
        if let chain { add("chain = ?", chain) }
        if let after { add("number > ?", after) }
        if let status, let digit = status.first?.wholeNumberValue {
            if status.lowercased().hasSuffix("xx") {
                add("status BETWEEN ? AND ?", digit * 100, digit * 100 + 99)
            } else {
                add("status = ?", Int(status))
            }
        }
        if let text {
            add("(instr(target, ?) > 0 OR \(Self.bodiesHold))", text, text, text, text, text)
        }
        return (
            parts.isEmpty ? "1" : parts.joined(separator: " AND "), StatementArguments(arguments)
        )
    }
}
