import JSON
import LogStore
import Primitives

extension LogsVerifyCommand {
    /// Losses as JSON.
    static func json(_ losses: [RecordLoss]) -> JSONValue {
        .array(losses.map { .object(members($0)) })
    }

    /// Losses that were acknowledged, as JSON: `acknowledged` is when.
    static func json(_ losses: [LossReport.Acknowledged]) -> JSONValue {
        .array(
            losses.map { known in
                let time = JSONValue.string(Timestamp.text(microseconds: known.time))
                return .object(
                    members(known.loss) + [JSONValue.Member("acknowledged", time)])
            })
    }

    private static func members(_ loss: RecordLoss) -> [JSONValue.Member] {
        [
            JSONValue.Member("kind", .string(loss.kind.rawValue)),
            JSONValue.Member("name", .string(loss.name)),
            JSONValue.Member("count", .number("\(loss.count)")),
        ]
    }

    /// Losses in words, a line each, the new ones first.
    static func text(_ losses: LossReport) -> String {
        let new = losses.new.map { "\(Printable.text("\($0)"))\n" }
        let known = losses.acknowledged.map { known in
            "acknowledged \(Timestamp.text(microseconds: known.time).prefix(16)): "
                + "\(Printable.text("\(known.loss)"))\n"
        }
        return (new + known).joined()
    }
}
