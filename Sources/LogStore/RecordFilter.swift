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
    /// The session's name, or its beginning.
    public var session: String?
    /// The client's address; `*` stands for anything.
    public var client: String?
    /// The class of error, see ``Record/errorClass``.
    public var errorClass: String?
    /// What stands in a body or a target.
    public var text: String?
    /// Stored after this one.
    public var after: Int64?

    /// Every record.
    public init() {}

    /// Whether sums know all that is asked about: those of minutes time, vendor and model, those of
    /// hours chain, key and class of error, too.
    func isKnown(to period: Rollup.Period) -> Bool {
        let isOfHours =
            outcome == nil && status == nil && session == nil && client == nil && text == nil
            && after == nil
        switch period {
        case .hour: return isOfHours
        case .minute: return isOfHours && chain == nil && key == nil && errorClass == nil
        }
    }

    /// The filter as a condition on sums, for these periods of time.
    func condition(onSumsOf period: Rollup.Period, in numbers: Range<Int>) -> (
        sql: String, arguments: StatementArguments
    ) {
        var parts = ["\(period.rawValue) >= ? AND \(period.rawValue) < ?"]
        var arguments: [(any DatabaseValueConvertible)?] = [
            numbers.lowerBound, numbers.upperBound,
        ]
        for (sql, value) in [
            ("vendor = ?", vendor), ("model GLOB ?", model), ("chain = ?", chain),
            ("key GLOB ?", key.map { "\($0)*" }), ("class = ?", errorClass),
        ] {
            guard let value else { continue }
            parts.append(sql)
            arguments.append(value)
        }
        return (parts.joined(separator: " AND "), StatementArguments(arguments))
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
        if let session {
            // The condition of the index, too, or SQLite does not use it.
            add(
                "session <> '' AND session >= ? AND session < ?", session, "\(session)\u{10FFFF}")
        }
        if let client { add("client GLOB ?", client) }
        if let errorClass { add("error_class = ?", errorClass) }
        if let after { add("number > ?", after) }
        if let status, let digit = status.first?.wholeNumberValue {
            if status.lowercased().hasSuffix("xx") {
                add("status BETWEEN ? AND ?", digit * 100, digit * 100 + 99)
            } else {
                add("status = ?", Int(status))
            }
        }
        if let text {
            let (holds, count) = Self.bodiesHold
            parts.append("(instr(target, ?) > 0 OR \(holds))")
            for _ in 0...count { arguments.append(text) }
        }
        return (
            parts.isEmpty ? "1" : parts.joined(separator: " AND "), StatementArguments(arguments)
        )
    }
}
