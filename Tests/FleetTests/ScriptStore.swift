import Primitives
import Reactor
import Support
import Testing

@testable import Access
@testable import Fleet

/// A real server with the script in it, asked as replicas would.
final class ScriptStore {
    let redis: RedisProcess
    let connection: StoreConnection
    private let script: String
    private var number = 0
    /// For how long a silent replica keeps its share, in milliseconds.
    var lease = 600_000

    init() throws {
        redis = try RedisProcess()
        connection = try Self.connect(redis)
        let command = RESPCommand(["SCRIPT", "LOAD", ShareScript.text])
        let reply = try connection.ask([command], by: .now() + Patience.interval).first
        script = try #require(reply?.string)
    }

    static func connect(_ redis: RedisProcess) throws -> StoreConnection {
        let address = try #require(SocketAddress("127.0.0.1:\(redis.port)"))
        return try StoreConnection(to: address, tls: nil, by: .now() + Patience.interval)
    }

    static func question(
        _ axis: ShareQuestion.Axis = .budget, limit: Int = 100, taken: Int = 0, claim: Int = 0,
        need: Int = 0, ahead: Int = 0, memory: ShareQuestion.Memory = ShareQuestion.Memory(),
        isFirst: Bool = false, keep: Int = 600_000
    ) -> ShareQuestion {
        ShareQuestion(
            scope: .group("team"), axis: axis, period: 0, limit: limit, taken: taken, claim: claim,
            need: need,
            reach: ShareQuestion.Reach(current: 0, ahead: ahead, parts: 1 << 50),
            memory: memory, keep: keep, isFirst: isFirst, slot: 0)
    }

    /// The reply to a question of a replica.
    func reply(
        _ replica: String, _ question: ShareQuestion, life: String = "one", number: Int? = nil
    ) throws -> RESPReply {
        self.number += 1
        let words = ShareScript.arguments(
            question, replica: Replica(name: replica, life: life), number: number ?? self.number,
            lease: lease)
        let command = RESPCommand(
            ["EVALSHA", script, "1", ShareScript.key(of: question)] + words)
        return try #require(
            try connection.ask([command], by: .now() + Patience.interval).first)
    }

    /// The answer to a question of a replica.
    func ask(
        _ replica: String, _ question: ShareQuestion, life: String = "one"
    ) throws -> ShareAnswer {
        let reply = try reply(replica, question, life: life)
        if let fault = reply.fault { throw StoreFault(reason: fault) }
        return try ShareScript.answer(reply)
    }
}
