import Primitives

@testable import LogStore

/// Calls of agents, each with all of the conversation so far, their turns mixed.
struct AgentDay {
    let sessions: Int
    let turns: Int
    /// Bytes of a prompt at the end.
    let promptBytes: Int

    func each(_ body: ([LogStore.Record]) -> Void) {
        var random = RandomSource(seed: 11)
        let words = (0..<4000).map { _ in
            String(
                (0..<Int.random(in: 2...9, using: &random)).map { _ in
                    Character(Unicode.Scalar(UInt8.random(in: 0x61...0x7A, using: &random)))
                })
        }
        func text(_ bytes: Int) -> String {
            var text = ""
            while text.utf8.count < bytes {
                // Some words are far more frequent than others.
                let index = Int.random(in: 0..<words.count, using: &random)
                text += words[index * index / words.count] + " "
            }
            return text
        }
        var prompts = (0..<sessions).map {
            "{\"model\":\"m\",\"messages\":[\"\($0) \(text(8000))\""
        }
        let step = max(100, (promptBytes - 8000) / turns)
        var number: UInt64 = 0
        for _ in 0..<turns {
            var records: [LogStore.Record] = []
            for session in prompts.indices {
                prompts[session] += ",\"\(text(step * 3 / 4))\""
                number += 1
                var record = SegmentScratch.record(number)
                record.session = "session \(session)"
                record.requestBody.bytes = Array("\(prompts[session])]}".utf8)
                let answer = text(step / 4)
                prompts[session] += ",\"\(answer)\""
                record.responseBody.bytes = Array("data: {\"text\":\"\(answer)\"}\n\n".utf8)
                records.append(record)
            }
            body(records)
        }
    }
}
