import HTTP
import Primitives

/// One request as the parser read it, for comparing readings of the same bytes cut otherwise.
struct ParsedRequest: Equatable {
    var method = ""
    var target = ""
    var fields: [String] = []
    var body: [UInt8] = []
    var contentLength: Int?
    var isChunked = false
    var keepsAlive = true
    var expectsContinue = false
}

/// The result of a stream of bytes: requests, then perhaps the refusal of the next one.
struct Reading: Equatable {
    var requests: [ParsedRequest] = []
    var refusal: Malformation?
    /// Whether the bytes ended inside a request.
    var isOpen = false

    /// Reads bytes that arrive in these pieces.
    init(_ pieces: [[UInt8]]) {
        let parser = RequestParser()
        var current = ParsedRequest()
        for piece in pieces {
            var offset = 0
            while offset < piece.count {
                let (consumed, progress) = parser.parse(
                    piece.span.extracting(offset..<piece.count)
                )
                offset += consumed
                switch progress {
                case .incomplete:
                    offset = piece.count
                case .head:
                    current = Self.head(of: parser)
                    // A request without a body is complete without another byte.
                    if offset == piece.count, parser.parse(Self.nothing.span).progress == .message {
                        finish(parser, &current)
                    }
                case .message:
                    finish(parser, &current)
                case .malformed(let malformation):
                    refusal = malformation
                    return
                }
            }
        }
        isOpen = parser.isMidRequest
    }

    init(_ text: String) {
        self.init([Array(text.utf8)])
    }

    private static let nothing: [UInt8] = []

    private mutating func finish(_ parser: RequestParser, _ current: inout ParsedRequest) {
        parser.withBody { body in
            for index in body.bytes.indices { current.body.append(body.bytes[index]) }
        }
        requests.append(current)
        parser.next()
    }

    private static func head(of parser: RequestParser) -> ParsedRequest {
        parser.withHead { head in
            ParsedRequest(
                method: head.method.name, target: head.target.text,
                fields: head.fields.map { "\(head.name(of: $0).text)=\(head.value(of: $0).text)" },
                contentLength: head.contentLength, isChunked: head.isChunked,
                keepsAlive: head.keepsAlive, expectsContinue: head.expectsContinue
            )
        }
    }
}
