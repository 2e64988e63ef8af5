import ExchangeCore
import HTTP
import Primitives
import Reactor
import Testing

@testable import Transfers

@Suite("Header lists")
struct HeaderListTests {
    /// What a vendor sees of a request, without its first two lines and its body.
    private static func sent(
        _ fields: [(String, String)], method: Method = .get, body: RequestBody = .none
    ) throws -> String {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop)
        let endpoint = try Endpoint.test(port: vendor.port)
        defer {
            vendor.close()
            driver.lanes.close(endpoints: [endpoint])
        }
        let result = try driver.exchange(
            endpoint, "/x?y", method: method, body: body, fields: fields)
        #expect(result.code == .ok)
        let request = try #require(vendor.requests.first)
        let lines = "\(method.name) /x?y HTTP/1.1\r\nHost: vendor.test:\(vendor.port)\r\n"
        #expect(request.hasPrefix(lines))
        // From the end of the line before: it is the first half of the head's end without fields.
        let rest = request.utf8.dropFirst(lines.utf8.count - 2)
        let end = try #require(rest.firstRange(of: "\r\n\r\n".utf8))
        return String(decoding: rest[..<end.upperBound].dropFirst(2), as: UTF8.self)
    }

    private static func body(_ count: Int) -> RequestBody {
        var buffer = ByteBuffer()
        buffer.append([UInt8](repeating: 0x7A, count: count).span)
        return .bytes(KeptBody(buffer))
    }

    @Test(
        "send the fields as they are, in their order, and none of libcurl's own",
        arguments: [
            [], [("A", "1")], [("B", "2"), ("A", "1"), ("B", "3")], [("Empty", "")],
            [("Empty", ""), ("Accept", "*/*"), ("Last", "")],
            [("Spaces", "a  b"), ("Colon", "a: b; c"), ("Semicolon;", "x"), ("high", "\u{e9}")],
            [("Content-Type", "text/x"), ("User-Agent", "me"), ("Expect", "nothing")],
        ])
    func fields(_ fields: [(String, String)]) throws {
        // A value of nothing has no blank before it where the field is the only one.
        let expected =
            fields.count == 1 && fields[0].1.isEmpty
            ? "Empty:\r\n\r\n" : fields.map { "\($0): \($1)\r\n" }.joined() + "\r\n"
        #expect(try Self.sent(fields) == expected)
    }

    @Test(
        "with a body have its length, and nothing is asked for before it is sent",
        arguments: [0, 1, 2, 64 << 10, 64 << 10 + 1, 1 << 20, 2 << 20])
    func bodies(_ count: Int) throws {
        let sent = try Self.sent(
            [("A", "1")], method: .post, body: Self.body(count))
        #expect(sent == "A: 1\r\nContent-Length: \(count)\r\n\r\n")
    }

    @Test("of any length go out whole")
    func long() throws {
        let fields = (0..<500).map {
            ("Field-\($0)", String(repeating: "v", count: $0))
        }
        #expect(try Self.sent(fields) == fields.map { "\($0): \($1)\r\n" }.joined() + "\r\n")
    }
}

@Suite("Transfers")
struct TransferTests {
    private static func body(_ text: String) -> RequestBody {
        var buffer = ByteBuffer()
        buffer.append(text: text)
        return .bytes(KeptBody(buffer))
    }

    @Test("a handle that is used again carries nothing of the request before")
    func reset() throws {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop)
        let endpoint = try Endpoint.test(port: vendor.port)
        #expect(
            try driver.exchange(
                endpoint, "/first", method: .post, body: Self.body("a longer one"),
                fields: [("First", "1"), ("Content-Type", "text/x")], isFresh: true
            ).code == .ok)
        let rested = try #require(endpoint.restingTransfers.first)
        #expect(rested.head.isEmpty && rested.target.isEmpty && rested.sentAt == nil)
        #expect(rested.lane == nil && rested.pool == nil && rested.body == nil)
        #expect(rested.sendings == 0 && rested.descriptor == -1 && !rested.hasBody)
        #expect(!rested.needsFreshConnection && !rested.isReusable && !rested.foundSurplus)
        #expect(rested.connecting.isEmpty && rested.follower.delegate == nil)
        #expect(
            try driver.exchange(
                endpoint, "/2", method: .post, body: Self.body("b"), fields: [("Second", "2")]
            ).code == .ok)
        #expect(endpoint.restingTransfers.count == 1)
        #expect(endpoint.restingTransfers.first === rested)
        let head = "Host: vendor.test:\(vendor.port)\r\n"
        #expect(
            vendor.requests == [
                "POST /first HTTP/1.1\r\n\(head)First: 1\r\nContent-Type: text/x\r\n"
                    + "Content-Length: 12\r\n\r\na longer one",
                "POST /2 HTTP/1.1\r\n\(head)Second: 2\r\nContent-Length: 1\r\n\r\nb",
            ])
        // The fresh connection was asked for once.
        #expect(vendor.accepted.count == 1)
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("the same target again, and then another, is the one that is asked for")
    func targets() throws {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop)
        let endpoint = try Endpoint.test(port: vendor.port)
        let targets = ["/a", "/a", "/ab", "/a", "/", "/a?b=%20"]
        for target in targets {
            #expect(
                try driver.exchange(endpoint, target, method: .post, body: Self.body("")).code
                    == .ok)
        }
        let asked = vendor.requests.map { String($0.split(separator: " ")[1]) }
        #expect(asked == targets && endpoint.restingTransfers.count == 1)
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test(
        "only a handle whose exchange was a plain POST, to its end, is used again",
        arguments: [
            (Method.post, true, LoopVendor.ok, 1), (.get, false, LoopVendor.ok, 0),
            (.other("PUT"), true, LoopVendor.ok, 0), (.other("DELETE"), false, LoopVendor.ok, 0),
            (.head, false, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 0),
            (.post, true, "HTTP/1.1 204 None\r\n\r\n", 0),
            (.post, true, "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nok", 0),
            (.post, true, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 0),
            (
                .post, true,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nsurplus",
                0
            ),
        ])
    func reuse(_ method: Method, _ hasBody: Bool, _ answer: String, _ expected: Int) throws {
        let driver = try LanesDriver()
        let vendor = try LoopVendor(driver.loop)
        vendor.answer = { _ in answer }
        let endpoint = try Endpoint.test(port: vendor.port)
        _ = try driver.exchange(
            endpoint, method: method, body: hasBody ? Self.body("{}") : .none)
        #expect(endpoint.restingTransfers.count == expected)
        // Whatever it was, the next request is as it should be.
        vendor.answer = { _ in LoopVendor.ok }
        let result = try driver.exchange(
            endpoint, "/next", method: .post, body: Self.body("{}"))
        #expect(result.code == .ok)
        #expect(
            vendor.requests.last
                == "POST /next HTTP/1.1\r\nHost: vendor.test:\(vendor.port)\r\n"
                + "Content-Length: 2\r\n\r\n{}")
        vendor.close()
        driver.lanes.close(endpoints: [endpoint])
    }

    @Test("a stream of a known length, and of an unknown one, is framed accordingly")
    func uploads() throws {
        for length in [3, nil] {
            let driver = try LanesDriver()
            let vendor = try LoopVendor(driver.loop)
            let endpoint = try Endpoint.test(port: vendor.port)
            var isSent = false
            driver.upload = {
                defer { isSent = true }
                return isSent ? .end : .bytes(3)
            }
            #expect(
                try driver.exchange(endpoint, method: .post, body: .stream(length: length)).code
                    == .ok)
            let request = try #require(vendor.requests.first)
            #expect(
                request.hasSuffix(
                    length == nil
                        ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: 3\r\n\r\nxxx"))
            #expect(endpoint.restingTransfers.isEmpty)
            vendor.close()
            driver.lanes.close(endpoints: [endpoint])
        }
    }
}
