import Cryptography
import ExchangeCore
import Glibc
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry
import Testbed
import Testing

@Suite("Back-pressure")
struct BackPressureTests {
    @Test(
        "a client that rests holds its vendor up, in bounded memory, and gets every byte after",
        .disabled(if: QuickRun.isOn, "64 MB pass a client that reads slowly"))
    func download() throws {
        let total = 64 << 20
        let sent = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            var piece = [UInt8](repeating: 0, count: 64 << 10)
            for offset in stride(from: 0, to: total, by: piece.count) {
                for index in piece.indices {
                    piece[index] = UInt8(truncatingIfNeeded: (offset >> 16) &+ index)
                }
                try connection.send(piece)
                sent.add(piece.count, ordering: .relaxed)
            }
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port, receiveBufferBytes: 16 << 10)
        try client.send(Request.get("/v1/files/x/content"))
        _ = try client.take(through: "\r\n\r\n")
        // Until nothing moves any more: every buffer on the way is full.
        var last = -1
        try gateway.await("the vendor to be held up") {
            defer { last = sent.load(ordering: .relaxed) }
            return last > 0 && last == sent.load(ordering: .relaxed) && isQuiet(sent)
        }
        // Kernel buffers of two connections, and ours: far from the whole.
        #expect(last < 24 << 20)
        let relayed = gateway.metrics.vendors[0].responseBytes.current
        #expect(relayed < last + 1)
        // Another client is served meanwhile.
        let other = try RawConnection(port: gateway.port)
        try other.send(Request.get("/v1/files/x/content"))
        _ = try other.take(through: "\r\n\r\n")
        other.close()

        var offset = client.received.count
        let head = client.received
        var isRight = head.indices.allSatisfy { head[$0] == Self.byte($0) }
        _ = try client.take(head.count)
        while offset < total {
            guard try client.receiveMore("the rest") else { break }
            let bytes = try client.take(client.received.count)
            for index in stride(from: 0, to: bytes.count, by: 997)
            where bytes[index] != Self.byte(offset + index) {
                isRight = false
            }
            offset += bytes.count
        }
        #expect(isRight)
        #expect(offset == total)
    }

    private static func byte(_ offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (offset >> 16) &+ (offset & 0xFFFF))
    }

    /// Whether a count stays for a while: asked by a loop that waits for an event that is an
    /// absence.
    private func isQuiet(_ count: borrowing Atomic<Int>) -> Bool {
        let before = count.load(ordering: .relaxed)
        for _ in 0..<50 {
            if count.load(ordering: .relaxed) != before { return false }
            pause()
        }
        return true
    }

    private func pause() {
        poll(nil, 0, 4)
    }

    /// Rests a vendor until a test lets it go on, without keeping a processor from the others.
    private static func await(_ flag: borrowing Atomic<Bool>) {
        while !flag.load(ordering: .acquiring) { poll(nil, 0, 2) }
    }

    @Test(
        "a large body streams up whole, and a vendor that rests holds its client up",
        arguments: [true, false])
    func upload(_ isChunked: Bool) throws {
        let total = 32 << 20
        let mayRead = Atomic<Bool>(false)
        let digest = Mutex<String>("")
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            Self.await(mayRead)
            let sum = try Self.receiveBody(of: total, isChunked, from: connection)
            digest.withLock { $0 = sum }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"1MiB\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(total)"
        let sent = Atomic<Int>(0)
        let piece = (0..<(64 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let sender = try Sender(client, sent: { sent.add($0, ordering: .relaxed) }) {
            client, count in
            try client.send("POST /v1/files HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\r\n")
            for _ in 0..<(total / piece.count) {
                if isChunked { try client.send("10000\r\n") }
                try client.send(piece)
                if isChunked { try client.send("\r\n") }
                count(piece.count)
            }
            if isChunked { try client.send("0\r\n\r\n") }
        }
        try gateway.await("the client to be held up") {
            sent.load(ordering: .relaxed) > 0 && isQuiet(sent)
        }
        #expect(sent.load(ordering: .relaxed) < total)
        mayRead.store(true, ordering: .releasing)
        #expect(try client.response().text == "ok")
        sender.join()
        #expect(digest.withLock { $0 } == Self.digest(of: piece, times: total / piece.count))
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
        #expect(gateway.metrics.vendors[0].requestBytes.current == total)
    }

    /// Reads a body, and takes chunks of the gateway's own apart.
    private static func receiveBody(
        of total: Int, _ isChunked: Bool, from connection: RawConnection
    ) throws -> String {
        var sum = Digest()
        var count = 0
        while count < total {
            var length = min(total - count, 64 << 10)
            if isChunked {
                length = Int(try connection.take(through: "\r\n").dropLast(), radix: 16) ?? 0
            }
            let bytes = try connection.take(length)
            sum.add(bytes.span)
            count += length
            if isChunked { _ = try connection.take(2) }
        }
        return sum.finish()
    }

    private static func digest(of piece: [UInt8], times: Int) -> String {
        var sum = Digest()
        for _ in 0..<times { sum.add(piece.span) }
        return sum.finish()
    }

    @Test(
        "a vendor that answers before the upload ends is heard at once, and the connection closed")
    func earlyAnswer() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            try connection.send(
                "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n"
                    + "Connection: close\r\n\r\nmuch"
            )
            _ = try connection.takeToEnd()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"1KiB\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send(
            "POST /v1/files HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 1000000\r\n\r\nxxxx")
        let response = try client.response()
        #expect(response.status == 413 && response.text == "much")
        #expect(try client.takeToEnd().isEmpty)
    }

    @Test(
        "time in which the vendor holds an upload up is not the client's, and the rest is",
        .disabled(if: QuickRun.isOn, "it waits for clocks of seconds"))
    func slowParties() throws {
        let mayRead = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            Self.await(mayRead)
            _ = try connection.takeToEnd()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port,
            server: "replay_limit = \"1KiB\"\nslow_client_timeout = \"1500ms\""
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let total = 32 << 20
        try client.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nContent-Length: \(total)\r\n\r\n")
        let sent = Atomic<Int>(0)
        let piece = [UInt8](repeating: 0x62, count: 64 << 10)
        let sender = try Sender(client, sent: { sent.add($0, ordering: .relaxed) }) {
            client, count in
            // All but the last piece, and then nothing more.
            for _ in 1..<(total / piece.count) {
                try client.send(piece)
                count(piece.count)
            }
        }
        // The vendor waits for longer than a client may be slow.
        try gateway.await("the client to be held up") {
            sent.load(ordering: .relaxed) > 0 && (0..<10).allSatisfy { _ in isQuiet(sent) }
        }
        #expect(gateway.metrics.refused.current == 0)
        #expect(gateway.outcomes(.slowClient) == 0)
        mayRead.store(true, ordering: .releasing)
        sender.join()
        #expect(try client.response().status == 408)
        try gateway.await("the settlement") { gateway.outcomes(.refused) == 1 }
    }

    @Test("a vendor that never takes an upload runs into the idle clock")
    func stuckUpload() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            try connection.awaitEnd()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, server: "replay_limit = \"1KiB\"", chain: "idle = \"400ms\""
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let piece = [UInt8](repeating: 0x62, count: 64 << 10)
        let sender = try Sender(client, sent: { _ in }) { client, _ in
            try client.send(
                "POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 60000000\r\n\r\n")
            for _ in 0..<900 { try client.send(piece) }
        }
        #expect(try client.response().status == 504)
        sender.join()
        try gateway.await("the settlement") { gateway.outcomes(.timeoutIdle) == 1 }
    }

    @Test("chunks beyond max_body end an upload that has begun")
    func uploadTooLarge() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, server: "replay_limit = \"1KiB\"\nmax_body = \"100KiB\""
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n")
        let piece = String(repeating: "b", count: 4096)
        try client.send("1000\r\n\(piece)\r\n")
        try gateway.await("the upload to begin") { (try? vendor.statistics().requestCount) == 1 }
        for _ in 0..<25 { try client.send("1000\r\n\(piece)\r\n") }
        #expect(try client.response().status == 413)
        try gateway.await("the vendor to see the end") {
            (try? vendor.statistics().disconnects.contains { $0.phase == "uploading" }) == true
        }
    }

    @Test("chunks beyond max_body break off a response that has begun meanwhile")
    func uploadTooLargeAfterCommit() throws {
        let ended = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
            while try connection.receiveMore() {}
            ended.store(true, ordering: .relaxed)
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(
            vendor: vendor.port, server: "replay_limit = \"1KiB\"\nmax_body = \"100KiB\""
        )
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n")
        let piece = "1000\r\n\(String(repeating: "b", count: 4096))\r\n"
        try client.send(piece)
        _ = try client.take(through: "hi\r\n")
        for _ in 0..<26 { try? client.send(piece) }
        #expect(try client.takeToEnd().isEmpty)
        try gateway.await("the vendor to see the end") { ended.load(ordering: .relaxed) }
        try gateway.await("the settlement") { gateway.outcomes(.truncated) == 1 }
    }

    @Test(
        "an upload that turns out malformed is refused, and never looks whole to its vendor",
        arguments: ["zz\r\n", "5\nhello", "0\r\nX : y\r\n\r\n", "5\r\nhello!!"], [false, true]
    )
    func malformedUpload(_ junk: String, _ answersEarly: Bool) throws {
        let received = Mutex<String>("")
        let ended = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, _ in
            // Refused soon enough, it may end before its head was sent.
            defer { ended.store(true, ordering: .releasing) }
            _ = try connection.take(through: "\r\n\r\n")
            if answersEarly {
                try connection.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
            }
            let rest = try? connection.takeToEnd()
            if rest == nil { Issue.record("the upload has no end") }
            received.withLock { $0 = String(decoding: rest ?? [], as: UTF8.self) }
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"1KiB\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n")
        try client.send("1000\r\n\(String(repeating: "b", count: 4096))\r\n")
        if answersEarly {
            _ = try client.take(through: "hi\r\n")
        } else {
            try gateway.await("the upload to begin") { vendor.connectionCount == 1 }
        }
        try client.send(junk)
        if answersEarly {
            let rest = try client.takeToEnd()
            #expect(!String(decoding: rest, as: UTF8.self).contains("0\r\n\r\n"))
        } else {
            #expect(try client.response().status == 400)
            client.close()
        }
        try gateway.await("the vendor to see the end") { ended.load(ordering: .acquiring) }
        #expect(!received.withLock { $0 }.hasSuffix("0\r\n\r\n"))
        // The gateway lives.
        #expect(throws: Never.self) { try RawConnection(port: gateway.port) }
    }

    @Test("a vendor that answers while it takes the upload gets every byte of it")
    func duplex() throws {
        let total = 2 << 20
        let count = Atomic<Int>(0)
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.take(through: "\r\n\r\n")
            try connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
            while count.load(ordering: .relaxed) < total {
                let bytes = try connection.take(min(4096, total - count.load(ordering: .relaxed)))
                let isRight = bytes.allSatisfy { $0 == 0x62 }
                count.add(isRight ? bytes.count : 1 << 40, ordering: .relaxed)
            }
            try connection.send("3\r\nend\r\n0\r\n\r\n")
            _ = try connection.receiveMore()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"1KiB\"")
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        try client.send("POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nContent-Length: \(total)\r\n\r\n")
        let piece = [UInt8](repeating: 0x62, count: 64 << 10)
        let sender = try Sender(client, sent: { _ in }) { client, _ in
            for _ in 0..<(total / piece.count) { try client.send(piece) }
        }
        let response = try client.response()
        sender.join()
        #expect(response.isWhole && response.text == "hiend")
        #expect(count.load(ordering: .relaxed) == total)
        // The connection serves another request.
        try gateway.await("the settlement") { gateway.outcomes(.complete) == 1 }
    }

    @Test("after an upload that ended early the connection is still read")
    func nextAfterUpload() throws {
        let vendor = try ByteVendor { connection, number in
            let head = try connection.take(through: "\r\n\r\n")
            guard head.contains("1000000") else {
                return try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
            // The upload's last bytes are with the gateway when the vendor goes away.
            try connection.awaitReadable(bytes: 500_000)
            connection.reset()
        }
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port, server: "replay_limit = \"1KiB\"")
        defer { gateway.stop() }
        for _ in 0..<5 {
            let client = try RawConnection(port: gateway.port)
            try client.send(
                "POST /v1/ok HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 1000000\r\n\r\n")
            try client.send([UInt8](repeating: 0x62, count: 1_000_000))
            let response = try client.response()
            #expect(response.status == 502)
            if response["connection"] == nil {
                #expect(try client.exchange(Request.get("/v1/ok")).text == "ok")
            }
        }
    }
}

/// Sends on a thread of its own while the test watches.
private final class Sender: Sendable {
    private let thread: Reactor.Thread

    init(
        _ client: RawConnection, sent: @escaping @Sendable (Int) -> Void,
        _ body: @escaping @Sendable (RawConnection, (Int) -> Void) throws -> Void
    ) throws {
        thread = try Reactor.Thread(name: "sender") { try? body(client, sent) }
    }

    func join() { thread.join() }
}
