import Dialects
import Primitives

/// What a record reads out of answers and requests, on a thread that may not trap either.
enum AnswerFuzz {
    static func run(_ input: FuzzInput) {
        let bytes = input.bytes.span
        for dialect in Dialect.allCases {
            for isEventStream in [true, false] {
                input.expectSame { pieces in
                    var observer = AnswerObserver(dialect: dialect, isEventStream: isEventStream)
                    for piece in pieces {
                        observer.take(bytes.extracting(piece), at: .distantFuture)
                    }
                    observer.end(at: .distantFuture)
                    _ = observer.facts.usageFields.usage(of: dialect)
                    return observer.facts
                }
            }
            _ = dialect.endsStream(bytes)
            _ = dialect.marksStreamEnds(target: bytes)
            let target = String(decoding: input.bytes.prefix(input.cut), as: UTF8.self)
            _ = RequestFacts(dialect: dialect, target: target, bodyStart: bytes)
        }
        _ = ErrorFacts(bytes)
    }
}
