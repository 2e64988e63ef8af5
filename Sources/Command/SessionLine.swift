import Dialects
import JSON
import LogStore
import Primitives

/// A line of `weir logs sessions`: a session, an agent of it, or a call.
struct SessionLine {
    let name: String
    let sums: Rollup
    let began: Int
    let ended: Int
    /// What stands instead of the number of calls that failed.
    var errors: String?

    private typealias Column = LogsColumn<SessionLine>

    /// The columns; beside calls, whose names have to be whole, fewer fit.
    static func columns(withCalls: Bool) -> [LogsColumn<SessionLine>] {
        [
            Column.text("session", least: withCalls ? 30 : 8, isUsual: true) { $0.name },
            Column.whole("calls", .right, isUsual: !withCalls) { "\($0.sums.calls)" },
            Column.text("errors", isUsual: true) { $0.errors ?? "\($0.sums.failed)" },
            Column.whole("in", .right, isUsual: true) { Figure.count($0.sums.inputTokens) },
            Column.whole("out", .right, isUsual: true) { Figure.count($0.sums.outputTokens) },
            Column.whole("cache", .right, isUsual: !withCalls) {
                Figure.share($0.sums.cacheReadTokens, of: $0.sums.inputTokens)
            },
            Column.whole("cost", .right, isUsual: true) { StatisticLine.cost($0.sums) },
            Column.whole("priced", .right, isUsual: true) { StatisticLine.priced($0.sums) },
            Column.whole("from", .left) { Figure.moment($0.began) },
            Column.whole("to", .left) { Figure.moment($0.ended) },
            Column.whole("last", .left, isUsual: !withCalls) {
                String(Figure.moment($0.ended).dropLast(3))
            },
        ]
    }

    /// The lines of a session, in the order of its tree.
    static func lines(_ session: SessionSummary) -> [SessionLine] {
        var lines = [
            SessionLine(
                name: session.name, sums: session.sums, began: session.began,
                ended: session.ended)
        ]
        for agent in session.agents {
            // The one agent that has no name is the session itself.
            let isAlone = session.agents.count == 1 && agent.name.isEmpty
            if !isAlone {
                let parent = agent.parent.isEmpty ? "" : " of \(agent.parent)"
                lines.append(
                    SessionLine(
                        name: "  \(agent.name.isEmpty ? "(main)" : agent.name)\(parent)",
                        sums: agent.sums, began: agent.began, ended: agent.ended))
            }
            lines += agent.calls.map { call in
                SessionLine(
                    name: (isAlone ? "  " : "    ") + call.record.identifier.description,
                    sums: call.sums, began: call.record.acceptedMicroseconds,
                    ended: call.record.acceptedMicroseconds + call.record.endMicroseconds,
                    errors: call.record.errorClass.isEmpty ? "–" : call.record.errorClass)
            }
        }
        return lines
    }

    static func json(_ session: SessionSummary) -> JSONValue {
        let agents = session.agents.map { agent in
            var members = [JSONValue.Member("agent", .string(agent.name))]
            if !agent.parent.isEmpty {
                members.append(JSONValue.Member("parent_agent", .string(agent.parent)))
            }
            members += range(agent.began, agent.ended) + agent.sums.members
            if !agent.calls.isEmpty {
                let calls = agent.calls.map(\.record.identifier.description)
                members.append(JSONValue.Member("ids", .array(calls.map { .string($0) })))
            }
            return JSONValue.object(members)
        }
        return .object(
            [JSONValue.Member("session", .string(session.name))]
                + range(session.began, session.ended) + session.sums.members
                + [JSONValue.Member("agents", .array(agents))])
    }

    private static func range(_ began: Int, _ ended: Int) -> [JSONValue.Member] {
        [("from", began), ("to", ended)].map {
            JSONValue.Member($0, .string(Timestamp.text(microseconds: $1)))
        }
    }
}
