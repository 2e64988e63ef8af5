import Primitives
import Reactor
import Support
import Synchronization
import Testing

/// A vendor's connection carries another request only where no byte of the first one, and none of
/// its answer, can pass for something else.
@Suite("Reuse of a vendor's connection")
struct ConnectionReuseTests {
    /// A vendor that reads heads only: whatever follows a head is its next request.
    ///
    /// Each answer names the path that it answers; `head` may differ for the first request.
    private static func headReader(
        first: @escaping @Sendable (RawConnection, String) throws -> Void
    ) throws -> ByteVendor {
        try ByteVendor { connection, number in
            var isFirst = number == 1
            while true {
                let head = try connection.take(through: "\r\n\r\n")
                let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? "?"
                if isFirst {
                    try first(connection, path)
                } else {
                    try connection.send(answer(path))
                }
                isFirst = false
            }
        }
    }

    private static func answer(_ path: String, status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Length: \(path.utf8.count)\r\n\r\n\(path)"
    }

    /// A request of another that a body may hold.
    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"

    private static func request(_ method: String, _ path: String, body: String?) -> String {
        let framing = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
        return "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
            + "Authorization: Bearer k\r\n\(framing)\r\n\(body ?? "")"
    }

    /// Makes a first request, then others by other clients, each of which must get its own answer.
    private static func othersGetTheirOwn(
        _ vendor: ByteVendor, _ first: String, isHead: Bool = false
    ) throws {
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        _ = try RawConnection(port: gateway.port).exchange(first, isHead: isHead)
        for number in 0..<5 {
            let path = "/v1/files/\(number)"
            let response = try RawConnection(port: gateway.port).exchange(
                request("GET", path, body: nil))
            #expect(response.text == path, "\(first.prefix(20))")
        }
    }

    @Test(
        "a body that a vendor takes for a request answers no other call",
        arguments: ["GET", "DELETE", "OPTIONS", "HEAD", "PROPFIND"])
    func unreadBody(_ method: String) throws {
        let vendor = try Self.headReader { connection, path in
            try connection.send(
                method == "HEAD"
                    ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" : Self.answer(path))
        }
        defer { vendor.stop() }
        try Self.othersGetTheirOwn(
            vendor, Self.request(method, "/v1/first", body: Self.smuggled), isHead: method == "HEAD"
        )
        #expect(vendor.connectionCount == 2)
    }

    @Test(
        "an error that comes before the body was read ends the connection",
        arguments: ["401 Unauthorized", "413 Too Large", "503 Busy", "302 Found"])
    func earlyError(_ status: String) throws {
        let vendor = try Self.headReader { connection, path in
            try connection.send(Self.answer(path, status: status))
        }
        defer { vendor.stop() }
        try Self.othersGetTheirOwn(
            vendor, Self.request("POST", "/v1/chat/completions", body: Self.smuggled))
        #expect(vendor.connectionCount == 2)
    }

    @Test(
        "bytes after an answer, however late and however the answer was framed, are no answer",
        arguments: [
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false),
            ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", false),
            ("GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false),
            ("GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
            (
                "GET",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true
            ),
        ])
    func surplus(_ method: String, _ answer: String, _ isAtOnce: Bool) throws {
        let maySend = Atomic<Bool>(isAtOnce)
        let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
        let vendor = try Self.headReader { connection, _ in
            if isAtOnce { return try connection.send(answer + surplus) }
            try connection.send(answer)
            // Not before the first client has its answer: the connection would rest by then.
            while !maySend.load(ordering: .acquiring) { _ = try connection.isEnded(within: 0.002) }
            try connection.send(surplus)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        _ = try RawConnection(port: gateway.port).exchange(
            Self.request(method, "/v1/first", body: nil), isHead: method == "HEAD")
        maySend.store(true, ordering: .releasing)
        for number in 0..<5 {
            let path = "/v1/files/\(number)"
            let response = try RawConnection(port: gateway.port).exchange(
                Self.request("GET", path, body: nil))
            #expect(response.text == path)
        }
    }

    @Test(
        "a surplus answer that comes in two pieces answers no call",
        arguments: [
            "Content-Length: 2\r\n\r\nok",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ])
    func splitSurplus(_ framing: String) throws {
        let vendor = try Self.headReader { connection, _ in
            try connection.send(
                "HTTP/1.1 200 OK\r\n\(framing)HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 5\r\n")
            // The rest comes with the next request on this connection, if there is one.
            _ = try connection.take(through: "\r\n\r\n")
            try connection.send("\r\nother")
        }
        defer { vendor.stop() }
        try Self.othersGetTheirOwn(vendor, Self.request("GET", "/v1/first", body: nil))
    }

    @Test(
        "where nothing speaks against it the connection is used again",
        arguments: [
            ("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false),
            ("POST", false),
        ])
    func reuse(_ method: String, _ hasBody: Bool) throws {
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                let path = request.head.split(separator: " ")[1]
                try connection.send(Self.answer(String(path)))
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        for number in 0..<8 {
            let path = "/v1/files/\(number)"
            let response = try RawConnection(port: gateway.port).exchange(
                Self.request(method, path, body: hasBody ? "{}" : nil))
            #expect(response.text == path)
        }
        #expect(vendor.connectionCount == 1)
    }

    @Test(
        "large answers reach slow clients whole while other calls come and go, on few connections",
        .disabled(if: QuickRun.isOn, "half a gigabyte passes"),
        arguments: [true, false])
    func largeAnswers(_ isChunked: Bool) throws {
        let (clients, rounds, bytes) = (10, 6, 4 << 20)
        let piece = (0..<(64 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let vendor = try ByteVendor { connection, _ in
            while true {
                let request = try connection.request()
                guard request.head.contains("/large") else {
                    try connection.send(Self.answer("small"))
                    continue
                }
                let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(bytes)"
                try connection.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n")
                for _ in 0..<(bytes / piece.count) {
                    if isChunked { try connection.send("10000\r\n") }
                    try connection.send(piece)
                    if isChunked { try connection.send("\r\n") }
                }
                if isChunked { try connection.send("0\r\n\r\n") }
            }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let faults = Mutex<[String]>([])
        let threads = try (0..<clients).map { number in
            try Reactor.Thread(name: "client-\(number)") {
                do {
                    let client = try RawConnection(
                        port: gateway.port, receiveBufferBytes: number % 2 == 0 ? 32 << 10 : nil)
                    for _ in 0..<rounds {
                        let large = try client.exchange(
                            Self.request("GET", "/v1/files/large", body: nil))
                        let isRight =
                            large.isWhole && large.body.count == bytes
                            && large.body.suffix(piece.count).elementsEqual(piece)
                        if !isRight { faults.withLock { $0.append("\(large.body.count) bytes") } }
                        let small = try client.exchange(
                            Self.request("GET", "/v1/files/small", body: nil))
                        if small.text != "small" { faults.withLock { $0.append("crossed") } }
                    }
                } catch {
                    faults.withLock { $0.append("\(error)") }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(faults.withLock { $0 } == [], "\(gateway.log.lines)")
        // One each, and no connection was lost.
        #expect(vendor.connectionCount <= clients, "\(vendor.connectionCount)")
    }
}
