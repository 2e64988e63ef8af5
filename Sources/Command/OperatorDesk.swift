import Access
import Config
import Dashboard
import JSON
import LogStore
import Primitives

/// Keys and limits over HTTP, for operators: what `weir keys` does, and what `weir top` shows.
///
/// On the control loop. A change is answered once it is written and every worker has adopted it.
final class OperatorDesk: OperatorActions {
    private unowned let composition: Composition

    init(_ composition: Composition) {
        self.composition = composition
    }

    func know(_ request: OperatorRequest) -> Bool {
        request.path == "/limits" || request.path == "/keys" || request.path.hasPrefix("/keys/")
    }

    func act(
        on request: OperatorRequest, body: Span<UInt8>,
        later: @escaping (OperatorAnswer) -> Void
    ) -> OperatorAnswer? {
        let parts = request.path.split(separator: "/").map(String.init)
        do {
            switch (request.method, parts.count, parts.last) {
            case ("GET", 1, "limits"):
                return Self.json(200, .array(composition.access.limits.map(LimitLine.json)))
            case ("GET", 1, _): return Self.json(200, .array(try list()))
            case ("POST", 1, "keys"): return try add(body, later)
            case ("POST", 3, "rotate"): return try rotate(parts[1], body, later)
            case ("DELETE", 2, _):
                let number = try changes().revoke(parts[1])
                return answer(200, number, named: parts[1], key: nil, later)
            default:
                return Self.fault(
                    405,
                    "allowed: GET /limits, GET /keys, POST /keys, POST /keys/NAME/rotate, "
                        + "DELETE /keys/NAME")
            }
        } catch let refusal as KeyChanges.Refusal {
            let status =
                switch refusal.kind {
                case .malformed: 400
                case .unknown: 404
                case .conflict: 409
                }
            return Self.fault(status, refusal.reason)
        } catch {
            return Self.fault(503, "the store cannot be changed now: \(error)")
        }
    }

    private func changes() throws -> KeyChanges {
        guard let store = composition.access.store else {
            throw KeyChanges.Refusal(kind: .conflict, reason: "this gateway keeps no store")
        }
        return KeyChanges(store: store, configuration: composition.configuration)
    }

    private func add(
        _ body: Span<UInt8>, _ later: @escaping (OperatorAnswer) -> Void
    ) throws -> OperatorAnswer? {
        let order = try Self.members(of: body, allowed: ["name", "group", "expires"])
        guard let name = order["name"]?.text else {
            throw KeyChanges.Refusal(kind: .malformed, reason: "the body needs a \"name\"")
        }
        let change = try changes().add(
            name, group: try Self.text("group", order) ?? "",
            expires: try Self.text("expires", order))
        return answer(201, change.number, named: name, key: change.key, later)
    }

    private func rotate(
        _ name: String, _ body: Span<UInt8>, _ later: @escaping (OperatorAnswer) -> Void
    ) throws -> OperatorAnswer? {
        let order = try Self.members(of: body, allowed: ["finish"])
        switch order["finish"] {
        case nil, .bool(false):
            let change = try changes().rotate(name)
            return answer(200, change.number, named: name, key: change.key, later)
        case .bool(true):
            let number = try changes().finishRotation(of: name)
            return answer(200, number, named: name, key: nil, later)
        default:
            throw KeyChanges.Refusal(kind: .malformed, reason: "\"finish\" is true or false")
        }
    }

    /// Answers once a change is in force.
    private func answer(
        _ status: Int, _ change: Int, named name: String, key: String?,
        _ later: @escaping (OperatorAnswer) -> Void
    ) -> OperatorAnswer? {
        var members = [JSONValue.Member("name", .string(name))]
        if let key { members.append(JSONValue.Member("key", .string(key))) }
        composition.awaitAdoption(of: change) { isAdopted in
            members.append(JSONValue.Member("in_force", .bool(isAdopted)))
            later(Self.json(isAdopted ? status : 503, .object(members)))
        }
        return nil
    }

    private func list() throws -> [JSONValue] {
        func time(_ time: Int?) -> JSONValue {
            time.map { .string(Timestamp.text(microseconds: $0)) } ?? .null
        }
        func line(
            _ name: String, _ group: String, _ from: String, _ expires: Int?, _ count: Int,
            _ revoked: Int?
        ) -> JSONValue {
            .object([
                .init("name", .string(name)), .init("group", .string(group)),
                .init("from", .string(from)), .init("expires", time(expires)),
                .init("rotating", .bool(count > 1)), .init("revoked", time(revoked)),
            ])
        }
        let own = composition.configuration.keys.map { key in
            line(key.name, key.group, "file", key.expires, key.digests.count, nil)
        }
        let kept = try composition.access.store?.clientKeys() ?? []
        return own
            + kept.map { key in
                line(
                    key.name, key.group, "store", key.expires, key.digests.count, key.revoked)
            }
    }

    // MARK: Bodies

    /// The members of a body; an empty body has none.
    private static func members(
        of body: Span<UInt8>, allowed: [String]
    ) throws(KeyChanges.Refusal) -> [String: JSONValue] {
        guard body.count > 0 else { return [:] }
        guard let value = try? JSONValue(parsing: body), case .object(let members) = value else {
            throw KeyChanges.Refusal(kind: .malformed, reason: "the body is no object of JSON")
        }
        var found: [String: JSONValue] = [:]
        for member in members {
            guard allowed.contains(member.name), found[member.name] == nil else {
                throw KeyChanges.Refusal(
                    kind: .malformed,
                    reason: "the body may have, once each: \(allowed.joined(separator: ", "))")
            }
            found[member.name] = member.value
        }
        return found
    }

    private static func text(
        _ name: String, _ members: [String: JSONValue]
    ) throws(KeyChanges.Refusal) -> String? {
        guard let value = members[name] else { return nil }
        guard let text = value.text else {
            throw KeyChanges.Refusal(kind: .malformed, reason: "\"\(name)\" is a text")
        }
        return text
    }

    private static func json(_ status: Int, _ value: JSONValue) -> OperatorAnswer {
        OperatorAnswer(status: status, body: "\(value)\n")
    }

    private static func fault(_ status: Int, _ reason: String) -> OperatorAnswer {
        json(status, .object([.init("error", .string(reason))]))
    }
}
