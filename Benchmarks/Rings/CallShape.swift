import ArgumentParser

/// What the calls look like that are written.
enum CallShape: String, ExpressibleByArgument {
    /// A chat call of 1 KB and its answer in one piece.
    case plain
    /// The same, answered by 64 events in as many pieces.
    case stream
    /// A prompt of 100 KB in pieces of 16 KB, answered by 64 events.
    case agent

    var requestBytes: Int { self == .agent ? 100 << 10 : 1000 }

    var isStream: Bool { self != .plain }

    /// Bytes that a call takes in the ring, at most.
    var ringBytes: Int {
        switch self {
        case .plain: 5 << 10
        case .stream: 24 << 10
        case .agent: 128 << 10
        }
    }

    /// The pieces of the answer.
    var pieces: [[UInt8]] {
        isStream ? Self.events : [Self.answer]
    }

    private static let content = String(repeating: "A weir lets the stream pass. ", count: 10)
    private static let answer = Array(
        """
        {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion",\
        "created":1741570283,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":\
        {"role":"assistant","content":"\(content)",\
        "refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":\
        {"prompt_tokens":1117,"completion_tokens":46,"total_tokens":1163,\
        "prompt_tokens_details":{"cached_tokens":1024,"audio_tokens":0},\
        "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,\
        "accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},\
        "service_tier":"default","system_fingerprint":"fp_fc9f1d7035"}

        """.utf8)

    private static let events: [[UInt8]] = {
        func event(_ inner: String, usage: String = "null") -> [UInt8] {
            Array(
                """
                data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",\
                "object":"chat.completion.chunk","created":1741570283,\
                "model":"gpt-4o-mini-2024-07-18","service_tier":"default",\
                "system_fingerprint":"fp_fc9f1d7035","choices":[\(inner)],"usage":\(usage)}


                """.utf8)
        }
        func choice(_ delta: String, finish: String = "null") -> String {
            "{\"index\":0,\"delta\":\(delta),\"logprobs\":null,\"finish_reason\":\(finish)}"
        }
        var list = [event(choice(#"{"role":"assistant","content":"","refusal":null}"#))]
        for number in 0..<60 { list.append(event(choice("{\"content\":\" word\(number)\"}"))) }
        list.append(event(choice("{}", finish: "\"stop\"")))
        list.append(
            event(
                "",
                usage: """
                    {"prompt_tokens":1117,"completion_tokens":46,"total_tokens":1163,\
                    "prompt_tokens_details":{"cached_tokens":1024,"audio_tokens":0},\
                    "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,\
                    "accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}
                    """))
        list.append(Array("data: [DONE]\n\n".utf8))
        return list
    }()
}
