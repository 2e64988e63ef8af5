import Dialects
import HTTP
import Primitives

/// Requests, one after the other on one connection.
enum RequestFuzz {
    static func run(_ input: FuzzInput) {
        input.expectSame { pieces in
            let parser = RequestParser()
            var steps = ""
            for piece in pieces {
                var start = piece.lowerBound
                while start < piece.upperBound {
                    let rest = input.bytes.span.extracting(start..<piece.upperBound)
                    let (consumed, progress) = parser.parse(rest)
                    start += consumed
                    switch progress {
                    case .incomplete:
                        precondition(start == piece.upperBound, "bytes are left over")
                    case .head:
                        steps += "head \(look(at: parser)) "
                    case .message:
                        steps += "\(parser.body.count) bytes "
                        parser.next()
                    case .malformed(let fault):
                        return steps + "\(fault.status)"
                    }
                }
            }
            return steps
        }
    }

    /// All that is asked of a head before a vendor is chosen.
    private static func look(at parser: RequestParser) -> String {
        parser.withHead { head in
            var output = ByteBuffer()
            head.writeRedactedFields(to: &output)
            _ = head.isEncoded
            _ = head.asksForTrace
            _ = head.connectionOptions.lists(0)
            let api = API(of: head, path: head.path)
            let fits = api.map { CallerCredential.fitness(of: head, api: $0, isBuiltIn: true) }
            return "\(head.method.name) \(head.pathAndQuery.count) "
                + "\(String(describing: api)) \(String(describing: fits)) \(output.count)"
        }
    }
}
