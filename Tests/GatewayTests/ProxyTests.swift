import Glibc
import LogStore
import Support
import Synchronization
import Testbed
import Testing

/// A vendor that is reached by way of a proxy, and fields that a vendor does not get.
@Suite("Proxies")
struct ProxyTests {
    /// A proxy that serves plain requests by a vendor of this machine and refuses tunnels.
    private final class PlainProxy: Sendable {
        let vendor: ByteVendor
        private let seen: Seen
        var requests: [String] { seen.all }

        init(to port: Int) throws {
            let heads = Seen()
            vendor = try ByteVendor { connection, _ in
                while true {
                    let (head, body) = try connection.request()
                    heads.add(head)
                    let upstream = try RawConnection(port: port)
                    var lines = head.split(separator: "\r\n").filter {
                        !$0.lowercased().hasPrefix("proxy-")
                    }
                    let parts = lines[0].split(separator: " ")
                    let path = parts[1].dropFirst("http://".count).drop { $0 != "/" }
                    lines[0] = "\(parts[0]) \(path) HTTP/1.1"
                    try upstream.send(
                        Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
                    let answer = try upstream.response()
                    try connection.send(
                        "HTTP/1.1 200 OK\r\nContent-Length: \(answer.body.count)\r\n\r\n")
                    try connection.send(answer.body)
                }
            }
            seen = heads
        }
    }

    /// Heads that were seen on other threads.
    private final class Seen: Sendable {
        private let heads = Mutex<[String]>([])
        var all: [String] { heads.withLock { $0 } }
        func add(_ head: String) { heads.withLock { $0.append(head) } }
    }

    private static func mirror(_ seen: Seen) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            while true {
                let (head, body) = try connection.request()
                seen.add(head)
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
                try connection.send(body)
            }
        }
    }

    private static func gateway(
        base: String, proxy: Int, credentials: String = "me:canary-password@"
    ) throws -> TestGateway {
        try TestGateway(
            """
            [vendors.openai]
            base_url = "\(base)"
            credential = "client"
            proxy = "http://\(credentials)127.0.0.1:\(proxy)"
            """)
    }

    @Test("are asked for vendors of plain http, and their password goes no further")
    func plain() throws {
        let seen = Seen()
        let vendor = try Self.mirror(seen)
        defer { vendor.stop() }
        let proxy = try PlainProxy(to: vendor.port)
        defer { proxy.vendor.stop() }
        let gateway = try Self.gateway(
            base: "http://127.0.0.1:\(vendor.port)/v1", proxy: proxy.vendor.port)
        let client = try RawConnection(port: gateway.port)
        for _ in 0..<3 {
            let answer = try client.exchange(
                Request.chat(extra: "Proxy-Authorization: Basic Y2xpZW50OnNlY3JldA==\r\n"))
            #expect(answer.status == 200 && answer.text.contains("gpt-4o"))
        }
        gateway.stop()
        // One connection to the proxy, used again.
        #expect(proxy.vendor.connectionCount == 1)
        #expect(proxy.requests.count == 3)
        for head in proxy.requests {
            let target = "POST http://127.0.0.1:\(vendor.port)/v1/chat/completions HTTP/1.1\r\n"
            #expect(head.hasPrefix(target), "\(head)")
            #expect(head.contains("Host: 127.0.0.1:\(vendor.port)\r\n"))
            // me:canary-password
            #expect(head.contains("Proxy-Authorization: Basic bWU6Y2FuYXJ5LXBhc3N3b3Jk\r\n"))
            #expect(!head.contains("Y2xpZW50"))
        }
        #expect(seen.all.count == 3)
        #expect(!seen.all.contains { $0.lowercased().contains("proxy-auth") })
        try Self.expectNoTrace(of: gateway)
    }

    @Test("open tunnels for vendors of https: the vendor's name and the password, and nothing else")
    func tunnel() throws {
        let seen = Seen()
        let proxy = try ByteVendor { connection, _ in
            seen.add(try connection.take(through: "\r\n\r\n"))
            try connection.send("HTTP/1.1 200 Connection established\r\nX-Of-Proxy: 1\r\n\r\n")
            // A TLS hello follows, and no vendor is there to answer it.
            seen.add(try connection.take(1) == [0x16] ? "TLS" : "something else")
        }
        defer { proxy.stop() }
        let gateway = try Self.gateway(base: "https://vendor.test/v1", proxy: proxy.port)
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(
            Request.chat(extra: "Authorization: Bearer sk-canary-of-the-client\r\n"))
        #expect(answer.status == 502)
        #expect(answer["x-of-proxy"] == nil)
        gateway.stop()
        let head = try #require(seen.all.first)
        #expect(head.hasPrefix("CONNECT vendor.test:443 HTTP/1.1\r\n"))
        #expect(head.contains("Proxy-Authorization: Basic bWU6Y2FuYXJ5LXBhc3N3b3Jk\r\n"))
        #expect(!head.contains("canary") && !head.lowercased().contains("content-type"))
        #expect(seen.all.dropFirst().first == "TLS")
        try Self.expectNoTrace(of: gateway)
    }

    @Test(
        "that refuse a tunnel, or cannot be reached, are an attempt that failed before it was sent",
        arguments: ["407 Proxy Authentication Required", "403 Forbidden", ""])
    func refused(_ status: String) throws {
        let proxy = try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            try connection.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
            _ = try connection.receiveMore()
        }
        defer { proxy.stop() }
        let port = status.isEmpty ? try ByteVendor.closedPort() : proxy.port
        let gateway = try Self.gateway(base: "https://vendor.test/v1", proxy: port)
        let client = try RawConnection(port: gateway.port)
        let answer = try client.exchange(Request.chat())
        #expect(answer.status == 502)
        #expect(answer.text.contains("fault: "))
        if !status.isEmpty { #expect(answer.text.contains("\(status.prefix(3))")) }
        gateway.stop()
        let record = try #require(try gateway.record.records().first)
        #expect(record.attempts.map(\.wasSent) == [false])
        try Self.expectNoTrace(of: gateway)
    }

    @Test("of the environment are ignored, with a proxy of the vendor's or without")
    func environment() throws {
        let stray = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send("HTTP/1.1 500 Stray\r\nContent-Length: 0\r\n\r\n")
        }
        defer { stray.stop() }
        let seen = Seen()
        let vendor = try Self.mirror(seen)
        defer { vendor.stop() }
        let proxy = try PlainProxy(to: vendor.port)
        defer { proxy.vendor.stop() }
        // Each of the process's other tests goes to this machine, too, and none asks these.
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            unsafe setenv(name, "http://127.0.0.1:\(stray.port)", 1)
        }
        unsafe setenv("no_proxy", "127.0.0.1", 1)
        defer {
            for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
                unsafe unsetenv(name)
            }
        }
        let base = "http://127.0.0.1:\(vendor.port)/v1"
        let direct = try TestGateway(vendor: vendor.port)
        #expect(try RawConnection(port: direct.port).exchange(Request.chat()).status == 200)
        direct.stop()
        let by = try Self.gateway(base: base, proxy: proxy.vendor.port, credentials: "")
        #expect(try RawConnection(port: by.port).exchange(Request.chat()).status == 200)
        by.stop()
        #expect(proxy.requests.count == 1 && seen.all.count == 2)
        #expect(stray.connectionCount == 0)
        #expect(!proxy.requests[0].lowercased().contains("proxy-authorization"))
    }

    private static func expectNoTrace(of gateway: TestGateway) throws {
        #expect(try gateway.record.files(holding: "canary-password").isEmpty)
        #expect(try gateway.record.files(holding: "bWU6Y2FuYXJ5").isEmpty)
        #expect(!gateway.log.lines.contains { $0.contains("canary-password") })
    }

    @Test("fields that a vendor does not get are dropped for it alone, in any case")
    func droppedFields() throws {
        let first = Seen()
        let second = Seen()
        let failing = try ByteVendor { connection, _ in
            first.add(try connection.request().head)
            try connection.send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")
        }
        defer { failing.stop() }
        let vendor = try Self.mirror(second)
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.a]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(failing.port)/v1"
            credential = "none"
            drop_headers = ["CF-*", "x-forwarded-*", "via", "x-?"]
            headers = { "X-Forwarded-Own" = "1" }
            [vendors.b]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "none"
            [[chains]]
            name = "c"
            targets = [{ vendor = "a" }, { vendor = "b" }]
            """)
        defer { gateway.stop() }
        let fields =
            "cf-ray: 1\r\nCF-Connecting-IP: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nVIA: 1.1 a\r\n"
            + "X-A: 1\r\nX-Ab: 1\r\nViable: 1\r\n"
        let client = try RawConnection(port: gateway.port)
        _ = try client.exchange(Request.chat(extra: fields))
        let dropping = try #require(first.all.first)
        for field in ["cf-", "CF-", "X-Forwarded-For", "VIA", "X-A:"] {
            #expect(!dropping.contains(field), "\(field) in \(dropping)")
        }
        for field in ["X-Ab: 1", "Viable: 1", "X-Forwarded-Own: 1"] {
            #expect(dropping.contains(field), "\(field) not in \(dropping)")
        }
        let whole = try #require(second.all.first)
        for field in ["cf-ray: 1", "VIA: 1.1 a", "X-A: 1", "X-Forwarded-For: 1.2.3.4"] {
            #expect(whole.contains(field), "\(field) not in \(whole)")
        }
    }
}
