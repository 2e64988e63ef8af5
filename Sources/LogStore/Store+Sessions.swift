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
        let (sql, arguments) = filter.condition
        let names = try database.read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT session FROM records WHERE session <> '' AND \(sql)
                    GROUP BY session ORDER BY max(accepted_us) DESC, session LIMIT ?
                    """,
                arguments: arguments + [limit])
        }
        return try names.map { name in
            var summary = SessionSummary(name: name)
            var own = filter
            own.session = name
            try eachRecord(own, of: .summedUp, inOrderOf: "accepted_us, number") { record in
                // The filter takes a name for the beginning of one.
                guard record.session == name else { return }
                summary.add(record, keepsCalls: withCalls)
            }
            return summary
        }
    }
}
