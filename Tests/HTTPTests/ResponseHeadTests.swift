import Primitives
import Testing

@testable import HTTP

@Suite("Response heads")
struct ResponseHeadTests {
    private static func read(_ lines: [String]) -> ResponseHead {
        var head = ResponseHead()
        for line in lines { _ = head.add(line: Array("\(line)\r\n".utf8).span) }
        return head
    }

    private static func written(_ head: borrowing ResponseHead) -> String {
        var output = ByteBuffer()
        head.writeStatusLine(to: &output)
        head.writeFields(to: &output)
        return output.bytes.text
    }

    @Test("keep order, spelling and repetition; lose what is hop by hop and the length")
    func fields() {
        let head = Self.read([
            "HTTP/1.1 201 Created here", "X-B:2", "x-a:  1  ", "Set-Cookie: a", "set-cookie: b",
            "Connection: close, X-Private", "X-Private: 1", "Keep-Alive: timeout=5",
            "Transfer-Encoding: chunked", "Trailer: X", "Proxy-Authenticate: x", "Upgrade: h2c",
            "Content-Encoding: gzip", "X-Empty:", "",
        ])
        #expect(head.isComplete == true)
        #expect(head.violation == nil)
        #expect(
            Self.written(head)
                == "HTTP/1.1 201 Created here\r\nX-B: 2\r\nx-a: 1\r\nSet-Cookie: a\r\n"
                + "set-cookie: b\r\nContent-Encoding: gzip\r\nX-Empty: \r\n"
        )
    }

    @Test("are complete at their blank line alone")
    func completeness() {
        #expect(Self.read(["HTTP/1.1 200 OK", "A: b"]).isComplete == false)
        #expect(Self.read(["HTTP/1.1 200 OK", "A: b", ""]).isComplete == true)
        #expect(ResponseHead().isEmpty == true)
        #expect(Self.read(["HTTP/1.1 100 Continue"]).isEmpty == false)
    }

    @Test("forget informational heads, and ignore trailers")
    func informational() {
        let early = ["HTTP/1.1 103 Early Hints", "Link: x", ""]
        let waiting = Self.read(early + ["HTTP/1.1 102 Processing", ""])
        #expect(waiting.isComplete == false)
        #expect(waiting.status == 0)
        let head = Self.read(early + ["HTTP/1.1 200 OK", "A: b", "", "X-Trailer: 1"])
        #expect(head.status == 200)
        #expect(Self.written(head) == "HTTP/1.1 200 OK\r\nA: b\r\n")
    }

    @Test("join folded lines, as a proxy must")
    func folding() {
        let head = Self.read(["HTTP/1.1 200 OK", "A: b", "  c", "\td", "E: f", ""])
        #expect(Self.written(head) == "HTTP/1.1 200 OK\r\nA: b c d\r\nE: f\r\n")
    }

    @Test("may lack a reason")
    func reason() {
        #expect(Self.written(Self.read(["HTTP/1.1 200", ""])) == "HTTP/1.1 200 \r\n")
        #expect(Self.written(Self.read(["HTTP/1.1 200 ", ""])) == "HTTP/1.1 200 \r\n")
    }

    @Test("have the length, unless a coding overrides it")
    func length() {
        #expect(Self.read(["HTTP/1.1 200 OK", "Content-Length: 12", ""]).contentLength == 12)
        #expect(Self.read(["HTTP/1.1 200 OK", ""]).contentLength == nil)
        let coded = Self.read([
            "HTTP/1.1 200 OK", "Content-Length: 12", "Transfer-Encoding: chunked", "",
        ])
        #expect(coded.contentLength == nil)
        #expect(coded.violation == nil)
    }

    @Test(
        "that could split a response are unfit",
        arguments: [
            ["HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2", ""],
            ["HTTP/1.1 200 OK", "Content-Length: many", ""], ["HTTP/1.1 200 OK", "no colon", ""],
            ["HTTP/1.1 200 OK", ": no name", ""], ["HTTP/1.1 200 OK", "A: b\u{00}c", ""],
            ["HTTP/1.1 200 OK", "A: b\rInjected: c", ""],
            ["HTTP/1.1 200 OK\rInjected: c", ""], ["HTTP/1.1 200 OK", "Content-Length : 5", ""],
            ["HTTP/1.1 200 OK", "Transfer-Encoding\t: chunked", ""],
            ["HTTP/1.1 200 OK", "HTTP/1.1 100 x: y", ""], ["ICY 200 OK", ""],
            ["HTTP/1.1 101 Switching Protocols", ""],
            ["HTTP/1.1 2x0 OK", ""], ["HTTP/1.1", ""], ["HTTP/1.1 099 Low", ""],
        ]
    )
    func violations(_ lines: [String]) {
        #expect(Self.read(lines).violation != nil)
    }

    @Test("have a bound")
    func bound() {
        var head = Self.read(["HTTP/1.1 200 OK"])
        let line = Array("X: \(String(repeating: "f", count: 1000))\r\n".utf8)
        var count = 0
        while head.violation == nil, count < 10_000 {
            _ = head.add(line: line.span)
            count += 1
        }
        #expect(head.violation != nil)
        #expect(count * 1000 < 600 << 10)
    }

    @Test("serve the next response after a reset")
    func reset() {
        var head = Self.read(["HTTP/1.1 200 OK", "A: b", "Content-Length: 3", ""])
        head.reset()
        #expect(head.isEmpty == true)
        #expect(head.contentLength == nil)
        for line in ["HTTP/1.1 404 Not Found\r\n", "C: d\r\n", "\r\n"] {
            _ = head.add(line: Array(line.utf8).span)
        }
        #expect(Self.written(head) == "HTTP/1.1 404 Not Found\r\nC: d\r\n")
    }

    @Test(
        "have no transfer coding but one chunked, and no framing over several lines",
        arguments: [
            ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: identity"],
            ["Transfer-Encoding: chunked, chunked"], ["transfer-encoding:CHUNKED,gzip"],
            ["Transfer-Encoding: chunked,"], ["Transfer-Encoding: ,chunked"],
            ["Transfer-Encoding: chunked;q=1"], ["Transfer-Encoding:"],
            ["Transfer-Encoding: xchunked"], ["TRANSFER-ENCODING: \tgzip\t"],
            ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: chunked", "A: b", "transfer-encoding: gzip"],
            ["Transfer-Encoding: identity", "Transfer-Encoding: chunked"],
            ["Transfer-Encoding: chunked", " gzip"], ["Transfer-Encoding: chunked", "\t, gzip"],
            ["Content-Length: 1", " 0"],
        ])
    func transferCodings(_ lines: [String]) {
        let head = Self.read(["HTTP/1.1 200 OK"] + lines + [""])
        #expect(head.violation != nil)
    }

    @Test(
        "may say chunked in any case and spacing",
        arguments: ["chunked", "CHUNKED", "Chunked ", "\tchunked\t", "  chunKed"])
    func chunked(_ value: String) {
        let head = Self.read(["HTTP/1.1 200 OK", "Transfer-Encoding:\(value)", ""])
        #expect(head.violation == nil)
        #expect(head.isChunked == true)
    }

    @Test("have a bound on their fields")
    func fieldsMax() {
        let lines = (0..<HeadLimits.responseFieldsMax).map { "X-\($0): 1" }
        #expect(Self.read(["HTTP/1.1 200 OK"] + lines + [""]).violation == nil)
        #expect(Self.read(["HTTP/1.1 200 OK"] + lines + ["A: b", ""]).violation != nil)
    }

    @Test("lose fields of the connection's own, however many names are listed, in steps of both")
    func connectionOptions() {
        // Each of many names, in one list and in many.
        for isSplit in [false, true] {
            let names = (0..<2000).map { "X-Private-\($0)" }
            let lists =
                isSplit
                ? names.map { "Connection: , \($0.uppercased()) ," }
                : ["Connection: " + names.joined(separator: ",")]
            let fields = names.map { "\($0): 1" } + ["X-Open: 1", "x-open: 2"]
            let head = Self.read(["HTTP/1.1 200 OK"] + fields + lists + [""])
            #expect(head.violation == nil)
            #expect(Self.written(head) == "HTTP/1.1 200 OK\r\nX-Open: 1\r\nx-open: 2\r\n")
            let options = ConnectionOptions(head.fields, head.storage)
            let (steps, bytes) = (options.steps, head.storage.count)
            #expect(steps > 2000 && steps < 3 * bytes)
        }
        // A name that is listed again and again, with as many fields of that name.
        let again = String(repeating: "a,", count: 20_000)
        let same = (0..<1000).map { "a: \($0)" }
        let head = Self.read(["HTTP/1.1 200 OK"] + same + ["Connection: \(again)", ""])
        let options = ConnectionOptions(head.fields, head.storage)
        let (steps, bytes) = (options.steps, head.storage.count)
        #expect(steps < 3 * bytes)
        #expect(Self.written(head) == "HTTP/1.1 200 OK\r\n")
    }
}
