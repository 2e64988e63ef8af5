import Dialects
import GRDB

/// A session: what a client calls one, with its agents and their calls.
public struct SessionSummary: Sendable {
    /// An agent of the session.
    public struct Agent: Sendable {
        /// Its name; empty for the one that the user speaks to.
        public let name: String
        /// The agent or session that started it; empty where the client names none.
        public let parent: String
        /// Its calls, summed up.
        public fileprivate(set) var sums = Rollup()
        /// When the first began; microseconds since 1970.
        public let began: Int
        /// When the last one ended.
        public fileprivate(set) var ended: Int
        /// Its calls in the order of time, where they were asked for.
        public fileprivate(set) var calls: [Call] = []
    }

    /// A call of an agent's.
    public struct Call: Sendable {
        /// What sums are made of; the rest of it is empty.
        public let record: Record
        /// It alone, summed up.
        public let sums: Rollup
    }

    /// The name.
    public let name: String
    /// All calls, summed up.
    public private(set) var sums = Rollup()
    /// When the first began; microseconds since 1970.
    public private(set) var began = 0
    /// When the last one ended.
    public private(set) var ended = 0
    /// The agents, in the order of their first calls.
    public private(set) var agents: [Agent] = []

    init(name: String) {
        self.name = name
    }

    /// Adds the next call in the order of time.
    mutating func add(_ record: Record, keepsCalls: Bool) {
        var own = Rollup()
        own.add(record)
        let end = record.acceptedMicroseconds + record.endMicroseconds
        if sums.calls == 0 { began = record.acceptedMicroseconds }
        sums.add(own)
        ended = max(ended, end)
        if !agents.contains(where: { $0.name == record.agent }) {
            agents.append(
                Agent(
                    name: record.agent, parent: record.parentAgent,
                    began: record.acceptedMicroseconds, ended: end))
        }
        for index in agents.indices where agents[index].name == record.agent {
            agents[index].sums.add(own)
            agents[index].ended = max(agents[index].ended, end)
            if keepsCalls { agents[index].calls.append(Call(record: record, sums: own)) }
        }
    }
}

extension Store {
    /// The sessions that have calls a filter asks for, those with the latest calls first; each with
    /// these calls alone.
    public func sessions(
        _ filter: RecordFilter, limit: Int, withCalls: Bool = false
    ) throws -> [SessionSummary] {
        let names = try database.read { try latestSessions($0, filter, limit: limit) }
        return try names.map { name in
            var summary = SessionSummary(name: name)
            var own = filter
            own.session = name
            var calls: [(number: Int64, record: Record)] = []
            try eachRecord(own, of: .summedUp) { number, record in
                // The filter takes a name for the beginning of one.
                if record.session == name { calls.append((number, record)) }
            }
            calls.sort {
                ($0.record.acceptedMicroseconds, $0.number)
                    < ($1.record.acceptedMicroseconds, $1.number)
            }
            for call in calls { summary.add(call.record, keepsCalls: withCalls) }
            return summary
        }
    }

    /// The names of the sessions with the latest calls.
    private func latestSessions(
        _ db: Database, _ filter: RecordFilter, limit: Int
    ) throws -> [String] {
        let names = NameReader(db)
        var latest: [String: Int] = [:]
        for (table, none, condition) in [
            ("exchanges", "0", filter.condition), ("records", "''", filter.oldCondition),
        ] {
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT session, max(accepted_us) AS latest FROM \(table)
                    WHERE session <> \(none) AND \(condition.sql)
                    GROUP BY session ORDER BY latest DESC LIMIT ?
                    """,
                arguments: condition.arguments + [limit])
            while let row = try rows.next() {
                let name = try names.text(row, 0)
                latest[name] = max(latest[name] ?? .min, row[1])
            }
        }
        return latest.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit).map(\.key)
    }
}
