import Glibc
import Primitives
import Support
import Translation

/// What a pair of dialects takes of the processor.
struct PairTime {
    let source: Form
    let target: Form

    init(from source: Form, to target: Form) {
        self.source = source
        self.target = target
    }

    /// Microseconds for a request, read and written; the median of the rounds.
    func request(_ request: AgentRequest, rounds: Int) throws -> Int {
        var body = request.body
        if source != .messages {
            let own = try RawJSON(parsing: body)
            body = try RequestTranslation(own, from: .messages, to: source).body
        }
        var times: [Int] = []
        for _ in 0..<rounds {
            let before = Self.processorTime
            let translation = try RequestTranslation(
                try RawJSON(parsing: body), from: source, to: target)
            times.append(Self.processorTime - before)
            guard translation.body.count > body.count / 2 else { fatalError("half of it is gone") }
        }
        return times.sorted()[rounds / 2] / 1000
    }

    /// Nanoseconds for a chunk of text.
    func chunk(of count: Int) -> Int {
        var translation = StreamTranslation(AnswerContext(from: source, to: target))
        var output = ByteBuffer()
        var bytes = 0
        translation.take(Array(StreamText.beginning(source).utf8).span, into: &output)
        let chunk = Array(StreamText.chunk(source).utf8)
        let before = Self.processorTime
        for _ in 0..<count {
            translation.take(chunk.span, into: &output)
            bytes += output.count
            output.consume(output.count)
        }
        let time = Self.processorTime - before
        guard bytes > count * 20 else { fatalError("nothing came out") }
        return time / count
    }

    private static var processorTime: Int {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else {
            fatalError("no clock of the processor")
        }
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
