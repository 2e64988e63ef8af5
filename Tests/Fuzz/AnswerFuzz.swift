import Dialects
import JSON
import Primitives

/// What a record reads out of answers and requests, on a thread that may not trap either.
enum AnswerFuzz {
    static func run(_ input: FuzzInput) {
        let bytes = input.bytes.span
        for dialect in Dialect.allCases {
            for isEventStream in [true, false] {
                input.expectSame { pieces in
                    var observer = AnswerObserver(dialect: dialect, isEventStream: isEventStream)
                    var outline = JSONOutline()
                    for piece in pieces {
                        observer.take(bytes.extracting(piece), at: .distantFuture, in: &outline)
                    }
                    observer.end(at: .distantFuture, in: &outline)
                    _ = observer.facts.usageFields.usage(of: dialect)
                    return observer.facts
                }
            }
            _ = dialect.endsStream(bytes)
            _ = dialect.marksStreamEnds(target: bytes)
            let target = String(decoding: input.bytes.prefix(input.cut), as: UTF8.self)
            _ = dialect.model(inTarget: target)
        }
        for type in ["application/json", "multipart/form-data; boundary=x", ""] {
            input.expectSame { pieces in
                let type = Array(type.utf8)
                var scan = ModelScan(contentType: type.span, contentEncoding: Span())
                for piece in pieces { scan.take(bytes.extracting(piece)) }
                scan.end()
                return scan.name ?? ""
            }
        }
        _ = AnswerBody(bytes)
        _ = ErrorFacts(bytes)
    }
}
