/// What the RFCs allow and real clients send, although strict parsers stumble over it.
enum LegalRequests {
    static let all = upgrades.merging(lengths) { first, _ in first }
        .merging(chunks) { first, _ in first }

    private static func post(_ fields: String, _ body: String) -> String {
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n\(body)"
    }

    /// The fields that the HTTP client of a JDK sends with every request that is not encrypted.
    static let jdk =
        "Connection: Upgrade, HTTP2-Settings\r\nContent-Length: 5\r\nHost: a\r\n"
        + "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n"
        + "Upgrade: h2c\r\nUser-Agent: Java-http-client/17.0.15"

    /// Offers of another protocol, which leave the request what it is.
    static let upgrades = [
        "a JDK's POST": "POST /v1/chat/completions HTTP/1.1\r\n\(jdk)\r\n\r\nhello",
        "a JDK's GET":
            "GET /v1/models HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: a\r\n"
            + "HTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n\r\n",
        "a JDK's chunks": post(
            "Transfer-encoding: chunked\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                + "HTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c", "5\r\nhello\r\n0\r\n\r\n"),
        "an offer of TLS": post(
            "Content-Length: 1\r\nConnection: upgrade\r\nUpgrade: TLS/1.0", "x"),
        "an offer of several": post(
            "Content-Length: 1\r\nConnection: upgrade\r\nUpgrade: h2c, TLS/1.2\r\nUpgrade: IRC/6.9",
            "x"),
        "an offer that Connection does not name":
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
        "a WebSocket handshake":
            "GET /v1/realtime HTTP/1.1\r\nConnection: Upgrade\r\nContent-Length: 0\r\nHost: a\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + "Upgrade: websocket\r\n\r\n",
        "an offer in HTTP/1.0":
            "GET / HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: h2c\r\n\r\n",
    ]

    /// Spaces and tabs around the values that decide about the framing.
    static let lengths = [
        "tabs around a length": post("Content-Length:\t 5 \t", "hello"),
        "a tab behind a length": post("Content-Length: 5\t", "hello"),
        "spaces around a length": post("Content-Length:   5   ", "hello"),
        "no space before a length": post("Content-Length:5\t\t ", "hello"),
        "zeros before a length": post("Content-Length: 0005\t", "hello"),
        "tabs around a coding": post("Transfer-Encoding:\tchunked\t", "5\r\nhello\r\n0\r\n\r\n"),
        "tabs around an expectation": post(
            "Expect:\t100-continue\t\r\nContent-Length:\t5", "hello"),
    ]

    /// Extensions of chunks, each with the body "hello world".
    static let chunks = [
        "a name": ";a", "a token": ";a=b", "several": ";a=b;c;d=e", "quotes": ";a=\"b\"",
        "nothing in quotes": ";a=\"\"", "a semicolon in quotes": ";a=\"b;c\";d",
        "a space and a tab in quotes": ";a=\" b\tc \"",
        "an escaped quote": ";a=\"b\\\"c\"", "an escaped escape": ";a=\"\\\\\"",
        "an escaped quote at the end": ";a=\"\\\"\";b=c",
        "UTF-8 in quotes": ";a=\"\u{E9}\"", "spaces around the semicolon": " ; a",
        "tabs around everything": "\t;\ta\t=\t\"b\"\t;\tc\t=\td",
        "a signature": ";chunk-signature=\(String(repeating: "0af", count: 21))0",
        "many": String(repeating: ";x=1", count: 900),
    ].reduce(into: [String: String]()) { all, item in
        all["chunks with an extension: \(item.key)"] = post(
            "Transfer-Encoding: chunked",
            "5\(item.value)\r\nhello\r\n6\r\n world\r\n0\(item.value)\r\nX-Sum: 1\r\n\r\n")
    }
}
