import JSON
import LogStore
import Primitives

/// A session as the page shows it.
enum SessionView {
    static func json(_ session: SessionSummary) -> JSONValue {
        let agents = session.agents.map { agent in
            JSONValue.object(
                JSONValue.list([
                    "agent": .string(agent.name), "parent_agent": .string(agent.parent),
                    "from": .moment(agent.began), "to": .moment(agent.ended),
                    "list": .array(agent.calls.map(call)),
                ]) + agent.sums.members)
        }
        return .object(
            JSONValue.list([
                "session": .string(session.name), "from": .moment(session.began),
                "to": .moment(session.ended), "agents": .array(agents),
            ]) + session.sums.members)
    }

    private static func call(_ call: SessionSummary.Call) -> JSONValue {
        let record = call.record
        return .object(
            JSONValue.list([
                "id": .string(record.identifier.description),
                "time": .moment(record.acceptedMicroseconds),
                "end_us": .int(record.endMicroseconds), "vendor": .string(record.vendor),
                "model": .string(record.model), "error_class": .string(record.errorClass),
            ]) + call.sums.members)
    }
}
