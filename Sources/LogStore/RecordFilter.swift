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
    /// The vendor of an attempt that failed, or that was answered with an error, whichever answered
    /// in the end; known to ``Store/records(_:limit:)`` and to searches.
    public var failedAt: String?

    /// Every record.
    public init() {}

    /// Whether the sums of a period know all that is asked about.
    func isKnown(to period: Rollup.Period) -> Bool {
        guard outcome == nil, status == nil, client == nil, text == nil, after == nil,
            failedAt == nil
        else { return false }
        let dimensions = period.dimensions
        func isKnown(_ value: String?, _ dimension: Dimension) -> Bool {
            value == nil || dimensions.contains(dimension)
        }
        return isKnown(chain, .chain) && isKnown(key, .key) && isKnown(errorClass, .errorClass)
            && isKnown(session, .session)
    }

    /// Whether a record meets what no column knows.
    func accepts(_ record: borrowing Record) -> Bool {
        guard let failedAt else { return true }
        for index in record.attempts.indices where record.attempts[index].vendor == failedAt {
            if !record.attempts[index].errorClass.isEmpty { return true }
        }
        return false
    }

    /// A condition in the making: its parts, and what stands for its question marks.
    private struct Condition {
        var parts: [String] = []
        var arguments: [(any DatabaseValueConvertible)?] = []

        mutating func add(_ sql: String, _ values: (any DatabaseValueConvertible)?...) {
            parts.append(sql)
            arguments += values
        }

        /// Its columns hold texts, or, with `areNames`, numbers of names.
        mutating func add(_ column: String, _ text: String?, areNames: Bool) {
            guard let text else { return }
            if areNames {
                add(NameTable.isEqual(column), text, text)
            } else {
                add("\(column) = ?", text)
            }
        }

        mutating func add(_ column: String, like pattern: String?, areNames: Bool) {
            guard let pattern else { return }
            if areNames {
                add(NameTable.isLike(column), pattern, pattern)
            } else {
                add("\(column) GLOB ?", pattern)
            }
        }

        var result: (sql: String, arguments: StatementArguments) {
            (
                parts.isEmpty ? "1" : parts.joined(separator: " AND "),
                StatementArguments(arguments)
            )
        }
    }

    /// The filter as a condition on sums, for these periods of time.
    func condition(onSumsOf period: Rollup.Period, in numbers: Range<Int>) -> (
        sql: String, arguments: StatementArguments
    ) {
        var condition = Condition()
        condition.add(
            "\(period.column) >= ? AND \(period.column) < ?", numbers.lowerBound,
            numbers.upperBound)
        let areNames = period == .session
        condition.add("vendor", vendor, areNames: areNames)
        condition.add("model", like: model, areNames: areNames)
        condition.add("chain", chain, areNames: areNames)
        condition.add("key", like: key.map { "\($0)*" }, areNames: areNames)
        condition.add("class", errorClass, areNames: areNames)
        if let session { Self.add(session: session, to: &condition) }
        return condition.result
    }

    /// The filter as a condition on `exchanges`.
    var condition: (sql: String, arguments: StatementArguments) { condition(areNames: true) }

    /// The filter as a condition on `records`, the table of earlier versions.
    var oldCondition: (sql: String, arguments: StatementArguments) { condition(areNames: false) }

    private func condition(areNames: Bool) -> (sql: String, arguments: StatementArguments) {
        var condition = Condition()
        if let since { condition.add("accepted_us >= ?", since) }
        if let until { condition.add("accepted_us < ?", until) }
        condition.add("vendor", vendor, areNames: areNames)
        if let model {
            var either = Condition()
            either.add("model", like: model, areNames: areNames)
            either.add("answering_model", like: model, areNames: areNames)
            condition.parts.append("(\(either.parts.joined(separator: " OR ")))")
            condition.arguments += either.arguments
        }
        condition.add("outcome", outcome, areNames: areNames)
        condition.add("key", like: key.map { "\($0)*" }, areNames: areNames)
        condition.add("chain", chain, areNames: areNames)
        if let session {
            if areNames {
                Self.add(session: session, to: &condition)
            } else {
                // The condition of the index, too, or SQLite does not use it.
                condition.add(
                    "session <> '' AND session >= ? AND session < ?", session,
                    "\(session)\u{10FFFF}")
            }
        }
        condition.add("client", like: client, areNames: areNames)
        condition.add("error_class", errorClass, areNames: areNames)
        if let after { condition.add("number > ?", after) }
        if let status { Self.add(status: status, to: &condition) }
        if let text {
            let (holds, count) = areNames ? Self.contentsHold : Self.bodiesHold
            let target = areNames ? ExchangeTable.target : "target"
            condition.add("(instr(\(target), ?) > 0 OR \(holds))", text)
            for _ in 0..<count { condition.arguments.append(text) }
        }
        return condition.result
    }

    private static func add(session: String, to condition: inout Condition) {
        let end = "\(session)\u{10FFFF}"
        // The condition of the index, too, or SQLite does not use it.
        condition.add(
            """
            session <> 0 AND session IN (
                SELECT +number FROM names WHERE text >= ? AND text < ?
                UNION ALL SELECT session FROM exchanges
                    WHERE session <> 0 AND session >= ? AND session < ?)
            """, session, end, session, end)
    }

    private static func add(status: String, to condition: inout Condition) {
        guard let digit = status.first?.wholeNumberValue else { return }
        if status.lowercased().hasSuffix("xx") {
            condition.add("status BETWEEN ? AND ?", digit * 100, digit * 100 + 99)
        } else {
            condition.add("status = ?", Int(status))
        }
    }
}
