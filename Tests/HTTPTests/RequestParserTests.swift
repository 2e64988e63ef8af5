import HTTP
import Primitives
import Support
import Testing

@Suite("Requests")
struct RequestParserTests {
    /// Requests that must be read, alone and one after the other.
    static let good: [String: String] = [
        "a GET": "GET /v1/models?limit=2 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
        "a POST with a length":
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "an empty body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "chunks": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5\r\nhello\r\n00006;name=value\r\n world\r\n0\r\n\r\n",
        "chunks with trailers": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n"
            + "1\r\nx\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n",
        "a body of line ends": "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n\r\n\n\r\n\n",
        "an absolute form": "GET http://api.example.com:80/v1/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
        "HTTP/1.0 kept alive": "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
        "a close": "GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n",
        "an expectation":
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",
        "odd but legal fields": "DELETE /a//b/../c;d?e=%20 HTTP/1.1\r\nHost: [::1]:8080\r\n"
            + "X-Empty:\r\nX!#$%&'*+-.^_`|~9: \t spaced \t \r\nX: caf\u{E9}\r\nX: again\r\n\r\n",
        "methods beside GET and POST": "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS": "OPTIONS /v1 HTTP/1.1\r\nHost:\r\n\r\n",
    ].merging(LegalRequests.all) { first, _ in first }

    private static func request(_ name: String) -> ParsedRequest {
        Reading(good[name] ?? "").requests.first ?? ParsedRequest()
    }

    @Test("are read the same however their bytes are cut", arguments: good.keys.sorted())
    func splits(_ name: String) throws {
        let bytes = Array(try #require(Self.good[name]).utf8)
        let whole = Reading([bytes])
        #expect(whole.requests.count == 1)
        #expect(whole.refusal == nil)
        #expect(!whole.isOpen)
        for pieces in ByteSplits.all(bytes) { #expect(Reading(pieces) == whole) }
    }

    @Test("follow each other on one connection, at any cut")
    func pipelined() {
        let names = Self.good.keys.sorted()
        let bytes = Array(names.compactMap { Self.good[$0] }.joined().utf8)
        let whole = Reading([bytes])
        #expect(whole.requests == names.map(Self.request))
        var generator = RandomSource(seed: 7)
        for _ in 0..<200 {
            #expect(Reading(ByteSplits.random(bytes, using: &generator)) == whole)
        }
    }

    @Test("keep their parts as they were sent")
    func parts() {
        let request = Self.request("odd but legal fields")
        #expect(request.method == "DELETE")
        #expect(request.target == "/a//b/../c;d?e=%20")
        #expect(
            request.fields == [
                "Host=[::1]:8080", "X-Empty=", "X!#$%&'*+-.^_`|~9=spaced", "X=caf\u{E9}", "X=again",
            ]
        )
    }

    @Test("say how their body is framed")
    func framing() {
        let length = Self.request("a POST with a length")
        #expect(length.contentLength == 5)
        #expect(length.body == Array("hello".utf8))
        let chunks = Self.request("chunks")
        #expect(chunks.isChunked)
        #expect(chunks.contentLength == nil)
        #expect(chunks.body == Array("hello world".utf8))
        #expect(Self.request("chunks with trailers").body == [0x78])
        #expect(Self.request("a body of line ends").body.count == 6)
        #expect(Self.request("an expectation").expectsContinue)
    }

    @Test("say whether the connection goes on")
    func keepAlive() {
        #expect(Self.request("a GET").keepsAlive)
        #expect(!Self.request("a close").keepsAlive)
        #expect(!Self.request("HTTP/1.0").keepsAlive)
        #expect(Self.request("HTTP/1.0 kept alive").keepsAlive)
    }

    @Test("give path and query apart from an absolute form's authority")
    func absoluteForm() {
        let parser = RequestParser()
        let bytes = Array((Self.good["an absolute form"] ?? "").utf8)
        #expect(parser.parse(bytes.span).progress == .head)
        parser.withHead { head in
            #expect(head.pathAndQuery.text == "/v1/x?y=1")
            #expect(head.path.text == "/v1/x")
        }
    }

    @Test("may be as large as the limits say")
    func largestHead() {
        let target = "/" + String(repeating: "t", count: (32 << 10) - 1)
        #expect(Reading("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").requests.count == 1)
        let fields = (0..<255).map { "X-\($0): a\r\n" }.joined()
        #expect(Reading("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n").requests.count == 1)
        let value = String(repeating: "v", count: (64 << 10) - 40)
        #expect(Reading("GET / HTTP/1.1\r\nHost: a\r\nX: \(value)\r\n\r\n").requests.count == 1)
    }

    @Test("give large memory back, and the next one is read all the same")
    func memory() {
        let parser = RequestParser()
        let body = String(repeating: "b", count: 100_000)
        let request = Array(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n\(body)".utf8
        )
        for _ in 0..<2 {
            let (head, progress) = parser.parse(request.span)
            #expect(progress == .head)
            let rest = request.span.extracting(head..<request.count)
            #expect(parser.parse(rest).progress == .message)
            #expect(parser.body.count == 100_000)
            parser.next()
            parser.releaseMemoryIfLarge()
            #expect(parser.body.capacity == 0)
        }
    }
}
