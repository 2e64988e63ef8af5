/// A request that must be refused: the traps of RFC 9112, the pairs that smuggle, and what is no
/// HTTP at all.
///
/// Each is refused with its status by the parser at any cut of its bytes, and on the wire without a
/// byte of it reaching a vendor.
package struct HostileRequest: Sendable, CustomStringConvertible {
    package let name: String
    package let status: Int
    package let bytes: [UInt8]

    package var description: String { name }

    init(_ status: Int, _ name: String, _ bytes: [UInt8]) {
        self.name = name
        self.status = status
        self.bytes = bytes
    }

    init(_ status: Int, _ name: String, _ text: String) {
        self.init(status, name, Array(text.utf8))
    }

    /// All of them.
    package static let all =
        requestLines + targets + lineEnds + fieldNames + fieldValues + hosts + lengths + codings
        + chunks + limits + limitsOfChunks + upgrades + foreign

    private static let host = "Host: localhost\r\n"

    /// A POST whose framing fields are these lines, with a body.
    private static func post(_ lines: String, _ body: String = "hello") -> String {
        "POST /v1/chat/completions HTTP/1.1\r\n\(host)\(lines)\r\n\r\n\(body)"
    }

    private static func chunked(_ body: String) -> String {
        post("Transfer-Encoding: chunked", body)
    }

    private static let requestLines: [HostileRequest] = [
        .init(400, "two spaces after the method", "GET  / HTTP/1.1\r\n\(host)\r\n"),
        .init(400, "two spaces after the target", "GET /  HTTP/1.1\r\n\(host)\r\n"),
        .init(501, "a tab after the method", "GET\t/ HTTP/1.1\r\n\(host)\r\n"),
        .init(400, "a tab after the target", "GET /\tHTTP/1.1\r\n\(host)\r\n"),
        .init(501, "a space before the method", " GET / HTTP/1.1\r\n\(host)\r\n"),
        .init(400, "a space after the version", "GET / HTTP/1.1 \r\n\(host)\r\n"),
        .init(400, "a word after the version", "GET / HTTP/1.1 x\r\n\(host)\r\n"),
        .init(505, "no version", "GET /\r\n\(host)\r\n"),
        .init(400, "no target", "GET HTTP/1.1\r\n\(host)\r\n"),
        .init(505, "version 2.0", "GET / HTTP/2.0\r\n\(host)\r\n"),
        .init(505, "version 0.9", "GET / HTTP/0.9\r\n\(host)\r\n"),
        .init(505, "version 1.2", "GET / HTTP/1.2\r\n\(host)\r\n"),
        .init(505, "version 3.1", "GET / HTTP/3.1\r\n\(host)\r\n"),
        .init(400, "version 1.10", "GET / HTTP/1.10\r\n\(host)\r\n"),
        .init(400, "version 11.1", "GET / HTTP/11.1\r\n\(host)\r\n"),
        .init(400, "a version of letters", "GET / HTTP/x.y\r\n\(host)\r\n"),
        .init(400, "a version in lower case", "GET / http/1.1\r\n\(host)\r\n"),
        .init(400, "another protocol", "GET / ICE/1.0\r\n\(host)\r\n"),
        .init(400, "HTTPS as the protocol", "GET / HTTPS/1.1\r\n\(host)\r\n"),
        .init(501, "a method in lower case", "get / HTTP/1.1\r\n\(host)\r\n"),
        .init(501, "an unknown method", "BREW / HTTP/1.1\r\n\(host)\r\n"),
        .init(501, "a method with a colon", "GET: / HTTP/1.1\r\n\(host)\r\n"),
        .init(501, "a method with a NUL", "G\0ET / HTTP/1.1\r\n\(host)\r\n"),
        .init(501, "a method longer by a letter", "POSTS / HTTP/1.1\r\n\(host)\r\n"),
        .init(501, "a response", "HTTP/1.1 200 OK\r\n\(host)\r\n"),
        .init(400, "a method of RTSP", "DESCRIBE / HTTP/1.1\r\n\(host)\r\n"),
    ]

    private static let targets: [HostileRequest] =
        [
            ("a space in the target", "/a b"), ("a fragment", "/a#b"),
            ("a relative path", "a/b"), ("an asterisk", "*"), ("an authority", "a:80"),
            ("another scheme", "ftp://a/b"), ("a scheme without an authority's path", "http://a"),
            ("a scheme alone", "http://"), ("no scheme", "://a/b"), ("a backslash first", "\\a"),
            ("a query first", "?a=b"), ("UTF-8 in the target", "/ü"),
        ].map { HostileRequest(400, $0.0, "GET \($0.1) HTTP/1.1\r\n\(host)\r\n") }
        + ((0x01...0x1F).map { $0 } + [0x7F, 0x80, 0xFF]).filter { $0 != 0x0A && $0 != 0x0D }.map {
            HostileRequest(
                400, "byte \($0) in the target",
                Array("GET /a".utf8) + [UInt8($0)] + Array("b HTTP/1.1\r\n\(host)\r\n".utf8)
            )
        }

    private static let lineEnds: [HostileRequest] = [
        .init(400, "LF after the request line", "GET / HTTP/1.1\n\(host)\r\n"),
        .init(400, "LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
        .init(400, "LF for the blank line", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
        .init(400, "LF everywhere", "GET / HTTP/1.1\nHost: a\n\n"),
        .init(400, "CR after the request line", "GET / HTTP/1.1\rHost: a\r\n\r\n"),
        .init(400, "CR after a field", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
        .init(400, "CR in a field's value", "GET / HTTP/1.1\r\n\(host)X: a\rb\r\n\r\n"),
        .init(400, "CR CR LF after a field", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        .init(400, "CR CR LF after the line", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
        .init(400, "CR for the blank line", "GET / HTTP/1.1\r\nHost: a\r\n\rX"),
        .init(400, "a folded field", "GET / HTTP/1.1\r\n\(host)X: a\r\n b\r\n\r\n"),
        .init(400, "a field folded with a tab", "GET / HTTP/1.1\r\n\(host)X: a\r\n\tb\r\n\r\n"),
        .init(400, "a folded field of no name", "GET / HTTP/1.1\r\n X: a\r\n\(host)\r\n"),
        .init(
            400, "a folded Transfer-Encoding", post("Transfer-Encoding:\r\n chunked", "0\r\n\r\n")),
        .init(400, "a folded Content-Length", post("Content-Length:\r\n 5")),
        .init(400, "a field that begins with a space", "GET / HTTP/1.1\r\n\(host) X: a\r\n\r\n"),
        .init(400, "LF before the request", "\nGET / HTTP/1.1\r\n\(host)\r\n"),
        .init(400, "vertical tab in a field", "GET / HTTP/1.1\r\n\(host)X:\u{0B}a\r\n\r\n"),
    ]

    private static let fieldNames: [HostileRequest] =
        Array("\"(),/;<=>?@[\\]{}".utf8).map {
            HostileRequest(
                400, "\(Character(Unicode.Scalar($0))) in a field's name",
                Array("GET / HTTP/1.1\r\n\(host)X".utf8) + [$0] + Array("Y: a\r\n\r\n".utf8)
            )
        }
        + [UInt8](
            arrayLiteral: 0x00, 0x01, 0x08, 0x09, 0x0B, 0x0C, 0x1F, 0x20, 0x7F, 0x80, 0xC3, 0xFF
        )
        .map {
            HostileRequest(
                400, "byte \($0) in a field's name",
                Array("GET / HTTP/1.1\r\n\(host)X".utf8) + [$0] + Array("Y: a\r\n\r\n".utf8)
            )
        } + [
            .init(400, "a space before the colon", "GET / HTTP/1.1\r\n\(host)X : a\r\n\r\n"),
            .init(400, "a tab before the colon", "GET / HTTP/1.1\r\n\(host)X\t: a\r\n\r\n"),
            .init(400, "a field without a colon", "GET / HTTP/1.1\r\n\(host)X\r\n\r\n"),
            .init(400, "a field without a name", "GET / HTTP/1.1\r\n\(host): a\r\n\r\n"),
            .init(
                400, "a space before the colon of Transfer-Encoding",
                post("Transfer-Encoding : chunked", "0\r\n\r\n")
            ),
            .init(400, "a space before the colon of Content-Length", post("Content-Length : 5")),
            .init(
                400, "a byte before Transfer-Encoding",
                post("\u{01}Transfer-Encoding: chunked", "0\r\n\r\n")
            ),
        ]

    private static let fieldValues: [HostileRequest] =
        ((0x00...0x1F).filter { ![0x09, 0x0A, 0x0D].contains($0) } + [0x7F]).map {
            HostileRequest(
                400, "byte \($0) in a field's value",
                Array("GET / HTTP/1.1\r\n\(host)X: a".utf8) + [UInt8($0)] + Array("b\r\n\r\n".utf8)
            )
        }

    private static let hosts: [HostileRequest] = [
        .init(400, "no Host", "GET / HTTP/1.1\r\nX: a\r\n\r\n"),
        .init(400, "no field at all", "GET / HTTP/1.1\r\n\r\n"),
        .init(400, "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        .init(400, "the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
        .init(400, "a Host of two", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
        .init(400, "a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        .init(400, "a Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        .init(400, "a Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        .init(400, "a Host with a query", "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n"),
        .init(400, "a Host with quotes", "GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n"),
        .init(400, "no Host, absolute form", "GET http://a/ HTTP/1.1\r\nX: a\r\n\r\n"),
    ]

    private static let lengths: [HostileRequest] =
        [
            "-5", "+5", "5 5", "5,5", "5, 5", "5;", "0x5", "5.0", "1e1", "five", "5a", "a5",
            "\"5\"",
            "9223372036854775808", "18446744073709551616", "99999999999999999999999999", "- 5",
            "5-",
            "½", "5_0", "0b1", "5\t5", "5 \t 5",
        ].map { HostileRequest(400, "Content-Length: \($0)", post("Content-Length: \($0)")) } + [
            .init(400, "an empty Content-Length", post("Content-Length: ")),
            .init(400, "lengths that differ", post("Content-Length: 5\r\nContent-Length: 6")),
            .init(400, "the same length twice", post("Content-Length: 5\r\nContent-Length: 5")),
            .init(400, "a length and a list", post("Content-Length: 5\r\nContent-Length: 5, 5")),
            .init(400, "lengths in two cases", post("Content-Length: 5\r\ncontent-length: 6")),
            .init(
                400, "length before coding",
                post("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
            ),
            .init(
                400, "coding before length",
                post("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n")
            ),
            .init(
                400, "a length of 0 beside a coding",
                post("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
            ),
            .init(
                400, "a smuggled request, CL.TE",
                post(
                    "Content-Length: 6\r\nTransfer-Encoding: chunked",
                    "0\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
                )
            ),
            .init(
                400, "a smuggled request, TE.CL",
                post(
                    "Transfer-Encoding: chunked\r\nContent-Length: 4",
                    "5c\r\nGET /admin HTTP/1.1\r\n\r\n0\r\n\r\n"
                )
            ),
        ]

    private static let codings: [HostileRequest] =
        [
            (501, "gzip"), (501, "identity"), (501, "gzip, chunked"), (400, "chunked, gzip"),
            (400, "chunked, chunked"), (400, "chunked, identity"), (501, "xchunked"),
            (501, "chunkedx"), (501, "chunked;q=1"), (501, "\"chunked\""), (501, "chun ked"),
            (501, "chun\tked"), (501, ", chunked"), (400, "chunked,"), (501, ""),
        ].map {
            HostileRequest(
                $0.0, "Transfer-Encoding: \($0.1)",
                post("Transfer-Encoding: \($0.1)", "5\r\nhello\r\n0\r\n\r\n")
            )
        } + [
            .init(
                400, "two codings",
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
            ),
            .init(
                501, "identity, then chunked",
                post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "0\r\n\r\n")
            ),
            .init(
                400, "a coding in HTTP/1.0",
                "POST / HTTP/1.0\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            .init(
                400, "a vertical tab before chunked",
                post("Transfer-Encoding: \u{0B}chunked", "0\r\n\r\n")
            ),
            .init(400, "a NUL after chunked", post("Transfer-Encoding: chunked\0", "0\r\n\r\n")),
        ]

    private static let chunks: [HostileRequest] =
        [
            ("a size of letters", "xyz\r\nhello\r\n0\r\n\r\n"),
            ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
            ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
            ("a size with +", "+5\r\nhello\r\n0\r\n\r\n"),
            ("no size", "\r\nhello\r\n0\r\n\r\n"),
            ("a space before the size", " 5\r\nhello\r\n0\r\n\r\n"),
            ("a space after the size", "5 \r\nhello\r\n0\r\n\r\n"),
            ("a tab after the size", "5\t\r\nhello\r\n0\r\n\r\n"),
            ("a size beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
            ("a size of 32 digits", "00000000000000000000000000000000f0000000000000000\r\n"),
            ("LF after the size", "5\nhello\r\n0\r\n\r\n"),
            ("CR after the size", "5\rhello\r\n0\r\n\r\n"),
            ("LF after the data", "5\r\nhello\n0\r\n\r\n"),
            ("no end of the data", "5\r\nhello0\r\n\r\n"),
            ("a longer datum", "5\r\nhelloo\r\n0\r\n\r\n"),
            ("a shorter datum", "6\r\nhello\r\n0\r\n\r\n"),
            ("LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
            ("CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
            ("a NUL in an extension", "5;a\0b\r\nhello\r\n0\r\n\r\n"),
            (
                "an extension of 5 KiB",
                "5;\(String(repeating: "a", count: 5 << 10))\r\nhello\r\n0\r\n\r\n"
            ),
            ("an extension without a name", "5;\r\nhello\r\n0\r\n\r\n"),
            ("an extension that is one space", "5; \r\nhello\r\n0\r\n\r\n"),
            ("an extension without its value", "5;a=\r\nhello\r\n0\r\n\r\n"),
            ("an extension of a value alone", "5;=b\r\nhello\r\n0\r\n\r\n"),
            ("an extension in an open quote", "5;a=\"b\r\nhello\r\n0\r\n\r\n"),
            ("an escape at the end of an open quote", "5;a=\"b\\\r\nhello\r\n0\r\n\r\n"),
            ("a byte behind a quote", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"),
            ("a comma in an extension", "5;a=b,c\r\nhello\r\n0\r\n\r\n"),
            ("a space behind an extension", "5;a \r\nhello\r\n0\r\n\r\n"),
            ("a NUL in a quote", "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"),
            ("an extension without a size", ";a=b\r\nhello\r\n0\r\n\r\n"),
            ("a size in two parts", "5 5\r\nhello\r\n0\r\n\r\n"),
            ("LF after the last size", "5\r\nhello\r\n0\n\r\n"),
            ("LF at the end", "5\r\nhello\r\n0\r\n\n"),
            ("a trailer with a space before its colon", "0\r\nX : a\r\n\r\n"),
            ("a folded trailer", "0\r\nX: a\r\n b\r\n\r\n"),
            ("a trailer with a NUL", "0\r\nX: a\0\r\n\r\n"),
            ("a trailer that ends in LF", "0\r\nX: a\n\r\n"),
            ("a trailer without a colon", "0\r\nX\r\n\r\n"),
        ].map { HostileRequest(400, "chunks: \($0.0)", chunked($0.1)) }

    private static let limits: [HostileRequest] = [
        .init(414, "a target of 33 KiB", "GET /\(filling(33 << 10)) HTTP/1.1\r\n\(host)\r\n"),
        .init(431, "a field of 65 KiB", "GET / HTTP/1.1\r\n\(host)X: \(filling(65 << 10))\r\n\r\n"),
        .init(
            431, "fields of 70 KiB",
            "GET / HTTP/1.1\r\n\(host)"
                + (0..<70).map { "X-\($0): \(filling(1020))\r\n" }.joined() + "\r\n"
        ),
        .init(
            431, "257 fields",
            "GET / HTTP/1.1\r\n\(host)" + (0..<257).map { "X-\($0): a\r\n" }.joined() + "\r\n"
        ),
        .init(
            431, "trailers of 17 KiB",
            chunked("0\r\n" + (0..<17).map { "X-\($0): \(filling(1020))\r\n" }.joined() + "\r\n")
        ),
        .init(413, "a body beyond the limit", post("Content-Length: 999999999999", "")),
    ]

    private static let limitsOfChunks: [HostileRequest] = [
        .init(
            413, "a chunk beyond the limit", chunked("FFFFFFFFFFFF\r\n")),
        .init(
            413, "a chunk of all the bits", chunked("ffffffffffffffff;a=\"b\"\r\nx")),
        .init(
            413, "a second chunk beyond the limit", chunked("1\r\nx\r\n7FFFFFFFFFFFFFFF\r\nx")),
    ]

    private static let upgrades: [HostileRequest] = [
        .init(501, "CONNECT", "CONNECT a:443 HTTP/1.1\r\n\(host)\r\n"),
        .init(501, "CONNECT of a path", "CONNECT /a HTTP/1.1\r\n\(host)\r\n"),
        .init(
            501, "CONNECT with an upgrade",
            "CONNECT a:443 HTTP/1.1\r\n\(host)Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        ),
        .init(417, "another expectation", post("Expect: a-miracle\r\nContent-Length: 5")),
        .init(417, "two expectations", post("Expect: 100-continue, x\r\nContent-Length: 5")),
        .init(505, "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]

    private static let foreign: [HostileRequest] = [
        .init(501, "an SSH banner", "SSH-2.0-OpenSSH_9.2\r\n"),
        .init(501, "a mail greeting", "EHLO example.com\r\n"),
        .init(501, "a Redis command", "*1\r\n$4\r\nPING\r\n"),
        .init(
            501, "a proxy protocol's line", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\n"),
        .init(501, "zeros", [UInt8](repeating: 0, count: 64)),
        .init(501, "ones", [UInt8](repeating: 0xFF, count: 64)),
        .init(501, "a JSON text", "{\"model\":\"gpt-4o\"}\r\n"),
        .init(501, "UTF-16", Array("GET / HTTP/1.1".utf16).flatMap { [UInt8($0 & 255), 0] }),
    ]

    private static func filling(_ count: Int) -> String {
        String(repeating: "f", count: count)
    }
}
