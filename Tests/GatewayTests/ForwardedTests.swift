import Support
import Synchronization
import Testing

@Suite("Fields in which proxies name the client")
struct ForwardedTests {
    /// The head that a vendor gets of a request with these lines.
    private static func head(_ policy: String, _ lines: String, vendor: String = "") throws
        -> String
    {
        let seen = Mutex("")
        let mirror = try ByteVendor { connection, _ in
            let head = try connection.request().head
            seen.withLock { $0 = head }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        }
        defer { mirror.stop() }
        let gateway = try TestGateway(
            """
            [server]
            forwarded = "\(policy)"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(mirror.port)/v1"
            \(vendor)
            """)
        defer { gateway.stop() }
        let answer = try RawConnection(port: gateway.port).exchange(Request.chat(extra: lines))
        #expect(answer.status == 200)
        return seen.withLock { $0 }
    }

    private static let lines =
        "X-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2\r\nX-Forwarded-Proto: https\r\n"
        + "X-Forwarded-Port: 443\r\nForwarded: for=192.0.2.1\r\n"

    @Test("pass as they came, unless the configuration says otherwise")
    func pass() throws {
        let head = try Self.head("pass", Self.lines)
        for line in Self.lines.split(separator: "\r\n") { #expect(head.contains(line)) }
        #expect(try !Self.head("pass", "").lowercased().contains("forwarded"))
    }

    @Test("are dropped, all of them")
    func drop() throws {
        #expect(try !Self.head("drop", Self.lines).lowercased().contains("forwarded"))
    }

    @Test("grow by this gateway's client")
    func append() throws {
        let head = try Self.head("append", Self.lines)
        for line in [
            "x-forwarded-for: 192.0.2.1, 192.0.2.2, 127.0.0.1\r\n", "X-Forwarded-Proto: https\r\n",
            "X-Forwarded-Port: 443\r\n", "x-forwarded-host: ",
            "forwarded: for=192.0.2.1, for=127.0.0.1;proto=http\r\n",
        ] {
            #expect(head.contains(line), "\(line) in \(head)")
        }
        #expect(head.lowercased().split(separator: "x-forwarded-for:").count == 2)
        let first = try Self.head("append", "")
        #expect(first.contains("x-forwarded-for: 127.0.0.1\r\n"))
        #expect(first.contains("x-forwarded-proto: http\r\n"))
        #expect(!first.contains("\r\nforwarded:"))
    }

    @Test("grow by no value whose quote has no end", arguments: ["\"[broken", "\"a\\\""])
    func quotes(_ value: String) throws {
        let fields = "Forwarded: for=\(value)\r\nForwarded: for=\"192.0.2.9\"\r\n"
        let head = try Self.head("append", fields)
        #expect(head.contains("forwarded: for=\"192.0.2.9\", for=127.0.0.1;proto=http\r\n"))
    }

    @Test("obey what a vendor's section says of its fields")
    func vendor() throws {
        let head = try Self.head(
            "append", Self.lines,
            vendor: """
                drop_headers = ["x-forwarded-*"]
                headers = { Forwarded = "for=hidden" }
                """)
        #expect(!head.lowercased().contains("x-forwarded-"))
        #expect(head.contains("Forwarded: for=hidden\r\n") && !head.contains("192.0.2.1"))
    }
}
