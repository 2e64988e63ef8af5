import ArgumentParser
import Primitives
import Reactor
import Support
import Synchronization

/// `weir-load cancel`.
struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Goes away in every phase of a call, and measures until the vendor sees it.",
        discussion: """
            This program is client and vendor at once. The gateway's openai vendor is \
            http://127.0.0.1:PORT/v1, its anthropic vendor https://127.0.0.1:PORT, with the PORT \
            that is listened on here, and its replay_limit 1KiB.
            """
    )

    @Option(name: .long, help: "The gateway's port.") var gateway: Int
    @Option(name: .long, help: "The port to be the vendor on.") var listen: Int
    @Option(name: .long, help: "Departures in each phase.") var count = 200

    /// Where a call stands when its client goes away.
    enum Phase: String, CaseIterable {
        case connecting, uploading, waiting, streaming, plain
    }

    func run() throws {
        var lines: [String] = []
        guard let address = SocketAddress("127.0.0.1:\(listen)") else {
            throw ValidationError("\(listen) is no port")
        }
        let listener = try Socket.listen(on: address, reusePort: false)
        for phase in Phase.allCases {
            var delays: [Int64] = []
            for _ in 0..<count { delays.append(try depart(in: phase, listener)) }
            delays.sort()
            func share(_ part: Double) -> Int64 { delays[Int(Double(delays.count - 1) * part)] }
            lines.append(
                """
                "\(phase.rawValue)":{"count":\(count),"p50_ns":\(share(0.5)),\
                "p99_ns":\(share(0.99)),"max_ns":\(share(1))}
                """
            )
        }
        print("{\(lines.joined(separator: ",\n"))}")
    }

    /// One departure: nanoseconds from the client's close to the end of the vendor's connection.
    private func depart(in phase: Phase, _ listener: Int32) throws -> Int64 {
        let client = try RawConnection(port: gateway)
        try client.send(request(phase))
        let vendor = RawConnection(descriptor: try accept(listener))
        switch phase {
        case .connecting:
            try vendor.receiveMore("a TLS greeting")
        case .uploading:
            _ = try vendor.take(through: "\r\n\r\n")
            _ = try vendor.take(1000)
        case .waiting:
            _ = try vendor.request()
        case .streaming:
            _ = try vendor.request()
            try vendor.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            _ = try client.take(through: "hello")
        case .plain:
            _ = try vendor.request()
            try vendor.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello")
            _ = try client.take(through: "hello")
        }
        // The vendor's side waits on a thread of its own, so that the wait has begun before the
        // client goes away.
        let ended = Atomic<Int64>(0)
        let waiter = try Reactor.Thread(name: "vendor") {
            try? vendor.awaitEnd()
            ended.store(Instant.now().nanoseconds, ordering: .releasing)
        }
        let left = Instant.now()
        client.close()
        waiter.join()
        return ended.load(ordering: .acquiring) - left.nanoseconds
    }

    private func accept(_ listener: Int32) throws -> Int32 {
        let end = Instant.now() + .seconds(10)
        while Instant.now() < end {
            if case .connection(let descriptor) = Socket.accept(listener) { return descriptor }
        }
        throw RawConnection.Failure.timedOut("the gateway's connection")
    }

    private func request(_ phase: Phase) -> String {
        let body = String(repeating: "b", count: 500)
        switch phase {
        case .connecting:
            return "POST /v1/messages HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 500\r\n\r\n\(body)"
        case .uploading:
            return "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
                + String(repeating: body, count: 10)
        case .waiting, .streaming, .plain:
            return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                + "Content-Length: 500\r\n\r\n\(body)"
        }
    }
}
