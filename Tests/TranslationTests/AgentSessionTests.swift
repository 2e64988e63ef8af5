import HTTP
import Primitives
import Testing

@testable import Translation

@Suite("An agent's session")
struct AgentSessionTests {
    /// What the vendor answers in a turn: it thinks, says something, and calls one tool or two.
    private static func script(_ turn: Int) -> StreamScript {
        var steps: [StreamScript.Step] = [.reasoning(["think \(turn)"])]
        if turn % 3 != 1 { steps.append(.text(["turn \(turn)"])) }
        steps.append(.call(id: "call_\(turn)", name: "f", arguments: [#"{\"a\":\"\#(turn)\"}"#]))
        if turn % 2 == 0 {
            steps.append(.call(id: "call_\(turn)_b", name: "f", arguments: []))
        }
        return StreamScript(description: "turn \(turn)", steps: steps, finish: "tool_calls")
    }

    @Test(
        "of 20 turns with tools breaks no vendor's rule, though the vendor changes in between",
        arguments: StreamPairTests.pairs)
    func session(_ pair: StreamPairTests.Pair) throws {
        let other = try #require(Form.allCases.first { $0 != pair.source && $0 != pair.target })
        var agent = AgentSession(pair.source)
        var previous: [UInt8] = []
        for turn in 1...20 {
            // Another vendor's dialect takes over for a while.
            let vendor = 7..<12 ~= turn ? other : pair.target
            let request = try RequestTranslation(
                try RawJSON(parsing: Array(agent.body.utf8)), from: pair.source, to: vendor)
            let body = try RawJSON(parsing: request.body)
            #expect(VendorRules.fault(body, vendor) == nil, "turn \(turn) to \(vendor)")
            try keepsReasoning(body, pair, vendor, turn)
            // The prompt only grows, so that a vendor's cache of its beginning stays good.
            let list = try #require(
                ["messages", "input", "contents"].lazy.compactMap { body[$0] }.first)
            if turn != 1, turn != 7, turn != 12 {
                #expect(list.bytes.starts(with: previous.dropLast()), "turn \(turn)")
            }
            previous = Array(list.bytes)
            var translation = StreamTranslation(request.context)
            var output = ByteBuffer()
            let stream = StreamScript.bytes(Self.script(turn).events(vendor), vendor)
            translation.take(stream.span, into: &output)
            translation.end(into: &output)
            try #require(translation.earlyFailure == nil)
            let answer = StreamPairTests.transcript(Array(output.bytes), pair.source)
            try #require(answer.finish == .toolCalls)
            agent.take(answer)
        }
    }

    /// The reasoning of the vendor's own last turn comes back to it, where the client can carry it.
    private func keepsReasoning(
        _ body: RawJSON, _ pair: StreamPairTests.Pair, _ vendor: Form, _ turn: Int
    ) throws {
        guard pair.source != .chat, turn > 1, turn != 7, turn != 12 else { return }
        let text = String(decoding: body.bytes, as: UTF8.self)
        switch vendor {
        case .messages: #expect(text.contains("think \(turn - 1)"), "turn \(turn)")
        case .responses: #expect(text.contains("gAAA"), "turn \(turn)")
        case .chat, .gemini: break
        }
    }
}
