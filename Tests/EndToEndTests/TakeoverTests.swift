import Glibc
import JSON
import Primitives
import Reactor
import Support
import Testing

@Suite("Upgrades without a cut")
struct TakeoverTests {
    static func chat(_ fields: String = "", stream: Bool = false) -> String {
        let body = "{\"model\":\"gpt-4o\",\"stream\":\(stream),\"messages\":[]}"
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + "\(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    private static let slow = chat("X-Mock-Chunks: 60\r\nX-Mock-Delay: 20\r\n", stream: true)

    static func toml(_ vendor: Int, more: String = "") -> String {
        """
        [vendors.first]
        dialect = "openai"
        base_url = "http://127.0.0.1:\(vendor)/v1"
        \(more)
        [[chains]]
        name = "chat"
        targets = [{ vendor = "first" }]

        """
    }

    /// Starts the program anew, as the one that takes over from a gateway.
    static func successor(of gateway: GatewayProcess) throws -> ChildProcess {
        try ChildProcess(
            try Binaries.weir, ["serve", "--takeover", "--config", gateway.configurationPath])
    }

    /// The process that answers operators.
    static func serving(_ gateway: GatewayProcess) throws -> Int {
        let status = try JSONValue(parsing: try gateway.page("/api/status").text)
        return status["process"]?.integer ?? 0
    }

    /// `process`: whose output says what happened, if it did not end well.
    static func expectWholeAccount(_ path: String, _ process: ChildProcess? = nil) throws {
        let verify = try RecordTests.logs(path, ["verify"])
        #expect(
            verify.status == 0 && verify.text.contains("pending 0"),
            "\(verify.text)\(process?.text ?? "")")
    }

    @Test("another process takes new clients, and those who are here get their answers")
    func takeover() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml(vendor.port), server: "workers = 2")
        let stream = try RawConnection(port: gateway.port)
        try stream.send(Self.slow)
        _ = try stream.take(through: "\r\n\r\n")
        let resting = try RawConnection(port: gateway.port)
        #expect(try resting.exchange(Self.chat()).isWhole)
        let next = try Self.successor(of: gateway)
        try next.awaitLine(" taken over ")
        try gateway.process.awaitLine(" another process has taken over")
        #expect(try Self.serving(gateway) == Int(next.pid))
        let last = try resting.exchange(Self.chat())
        #expect(last.isWhole && last["connection"] == "close")
        for _ in 0..<8 {
            let answer = try RawConnection(port: gateway.port).exchange(Self.chat())
            #expect(answer.isWhole && answer["connection"] == nil)
        }
        // The old one's ring is read by the new one, while the stream goes on.
        try gateway.await("the old one's records") {
            try gateway.metric("weir_records_recovered_total") >= 1
        }
        #expect(try stream.takeToBodyEnd().contains("[DONE]"))
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(try gateway.process.wait() == 0)
        try Self.expectWholeAccount(gateway.recordPath)
    }

    @Test("when the new process is killed the old one serves again, and nothing is lost")
    func killed() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml(vendor.port), server: "workers = 2")
        let stream = try RawConnection(port: gateway.port)
        try stream.send(Self.slow)
        _ = try stream.take(through: "\r\n\r\n")
        for round in 1...3 {
            let next = try Self.successor(of: gateway)
            try next.awaitLine(" taken over ")
            #expect(try RawConnection(port: gateway.port).exchange(Self.chat()).isWhole)
            next.signal(SIGKILL)
            // A client that comes before the old one has noticed waits, and is served.
            #expect(try RawConnection(port: gateway.port).exchange(Self.chat()).isWhole)
            try gateway.process.awaitLines(" this one serves again", count: round)
            #expect(try Self.serving(gateway) == Int(gateway.process.pid))
        }
        #expect(try stream.takeToBodyEnd().contains("[DONE]"))
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        try Self.expectWholeAccount(gateway.recordPath)
    }

    @Test("a start that fails changes nothing, wherever it fails")
    func failure() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(Self.toml(vendor.port))
        let resting = try RawConnection(port: gateway.port)
        let holder = try Socket.listen(
            on: try #require(SocketAddress("127.0.0.1:0")), reusePort: false)
        defer { Socket.close(holder) }
        let taken = try SocketAddress(boundTo: holder).port
        // Before anything is asked for, and after the record was given.
        for (fault, words) in [
            ("[prices]\nfile = \"/nowhere\"\n", "/nowhere"),
            ("[server.tls]\ncertificate = \"/nowhere\"\nkey = \"/nowhere\"\n", "/nowhere"),
            ("listen = [\"127.0.0.1:0\", \"127.0.0.1:\(taken)\"]", "bind 127.0.0.1:\(taken)"),
        ] {
            let isServer = fault.hasPrefix("listen")
            let folder = try TemporaryFolder()
            let file = try folder.write(
                """
                [server]
                \(isServer ? fault : "listen = \"127.0.0.1:0\"")
                [admin]
                listen = "127.0.0.1:0"
                [log]
                path = "\(gateway.recordPath)"
                \(isServer ? "" : fault)
                \(Self.toml(vendor.port))
                """, to: "config.toml")
            let next = try ChildProcess(
                try Binaries.weir, ["serve", "--takeover", "--config", file])
            #expect(try next.wait() != 0)
            #expect(next.text.contains(words), "\(next.text)")
            let answer = try resting.exchange(Self.chat())
            #expect(answer.isWhole && answer["connection"] == nil)
        }
        #expect(try Self.serving(gateway) == Int(gateway.process.pid))
        // A plain second start is refused as ever, also in the moment before the record is back.
        let second = try ChildProcess(
            try Binaries.weir, ["serve", "--config", gateway.configurationPath])
        #expect(try second.wait() == 1 && second.text.contains("in use by another gateway"))
        try gateway.await("the records") {
            try gateway.metric("weir_records_stored_total") == 3
                && gateway.metric("weir_records_failing") == 0
        }
    }

    @Test("where no gateway runs, one that is to take over starts as usual")
    func alone() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"\"\n[log]\npath = "
                + "\"\(folder.path)/record\"\n" + Self.toml(vendor.port), to: "config.toml")
        let process = try ChildProcess(
            try Binaries.weir, ["serve", "--takeover", "--config", file])
        try process.awaitLine(" serving ")
        process.signal(SIGTERM)
        #expect(try process.wait() == 0)
        #expect(unsafe access("\(folder.path)/record/handover", F_OK) != 0)
    }

    @Test("SIGUSR2 starts the program anew; a chain of them knows each other")
    func signal() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/notify"
        let supervisor = try Self.supervisor(path)
        defer { Socket.close(supervisor) }
        let gateway = try GatewayProcess(
            Self.toml(vendor.port), environment: ["NOTIFY_SOCKET": path])
        #expect(Self.word(for: supervisor) == "READY=1")
        let stream = try RawConnection(port: gateway.port)
        try stream.send(Self.slow)
        _ = try stream.take(through: "\r\n\r\n")
        gateway.process.signal(SIGUSR2)
        try gateway.process.awaitLine(" another process has taken over")
        let second = try Self.serving(gateway)
        #expect(second != Int(gateway.process.pid))
        // The one in the middle stays for as long as the first does.
        kill(pid_t(second), SIGUSR2)
        try gateway.await("the third") { try Self.serving(gateway) != second }
        let third = try Self.serving(gateway)
        #expect(try stream.takeToBodyEnd().contains("[DONE]"))
        // A supervisor takes the next process for its service's before the one before it goes.
        let words = [Self.word(for: supervisor), Self.word(for: supervisor)].sorted()
        #expect(words == ["MAINPID=\(second)\nREADY=1", "MAINPID=\(third)\nREADY=1"].sorted())
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat()).isWhole)
        kill(pid_t(third), SIGTERM)
        // Its end is that of all three: each has the other end of its output.
        #expect(try gateway.process.wait() == 0)
        #expect(Patience.await(everyMilliseconds: 20) { kill(pid_t(third), 0) != 0 })
        try Self.expectWholeAccount(gateway.recordPath)
    }

    static func supervisor(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address) {
            unsafe $0[2...].copyBytes(from: Array(path.utf8))
        }
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(code == 0)
        return descriptor
    }

    /// What a supervisor learns next.
    private static func word(for supervisor: Int32) -> String {
        var entry = pollfd(fd: supervisor, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, 60_000) > 0 else { return "nothing" }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe recv(supervisor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test("slots count across both processes, and a revoked key is refused by both")
    func keys() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            Self.toml(vendor.port, more: "credential = \"none\"\n[groups.team]\nconcurrent = 1"))
        func keys(_ arguments: [String]) throws -> String {
            let process = try ChildProcess(
                try Binaries.weir, ["keys"] + arguments + ["--config", gateway.configurationPath])
            #expect(try process.wait() == 0, "\(process.text)")
            return process.text
        }
        let made = try keys(["add", "eve", "--group", "team"])
        let key = try #require(made.split(separator: "\n").first)
        let shown = "Authorization: Bearer \(key)\r\n"
        let resting = try RawConnection(port: gateway.port)
        #expect(try resting.exchange(Self.chat(shown)).isWhole)
        // A slot becomes free a moment after the answer's last byte.
        var stream = try RawConnection(port: gateway.port)
        try gateway.await("the slot") {
            stream = try RawConnection(port: gateway.port)
            try stream.send(
                Self.chat(shown + "X-Mock-Chunks: 100\r\nX-Mock-Delay: 20\r\n", stream: true))
            return try stream.take(through: "\r\n\r\n").contains(" 200 ")
        }
        let next = try Self.successor(of: gateway)
        try next.awaitLine(" taken over ")
        // The one slot is the old process's, and the new one knows it from the first call on.
        let refused = try RawConnection(port: gateway.port).exchange(Self.chat(shown))
        #expect(refused.status == 429, "\(refused.text)")
        #expect(try stream.takeToBodyEnd().contains("[DONE]"))
        try gateway.await("the slot") {
            try RawConnection(port: gateway.port).exchange(Self.chat(shown)).status == 200
        }
        _ = try keys(["revoke", "eve"])
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat(shown)).status == 401)
        // The old one's last answer on a connection at rest is a refusal, too.
        try gateway.process.awaitLines(" changed keys are in force", count: 2)
        #expect(try resting.exchange(Self.chat(shown)).status == 401)
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(try gateway.process.wait() == 0)
    }

    /// What is used of a limit, as operators see it.
    private static func used(_ gateway: GatewayProcess, _ kind: String) throws -> Int {
        let limits = try JSONValue(parsing: try gateway.page("/limits").text).elements ?? []
        let team = limits.first { $0["name"]?.text == "team" }
        let use = team?["limits"]?.elements?.first { $0["on"]?.text == kind }
        return use?["used"]?.integer ?? -1
    }

    @Test("who serves again knows what killed processes have charged, stored or not, to the cent")
    func chargesOfTheKilled() throws {
        let vendor = try MockProcess()
        let (key, lines) = try AccessCommandTests.newKey("ci", ["--group", "team"])
        let limits = """
            [prices.models."*"]
            input = 1
            output = 10
            max_output = 100
            [groups.team]
            requests = "100000/1d"
            tokens = "100M/1d"
            budget = "$50/month"

            """
        let gateway = try GatewayProcess(
            Self.toml(
                vendor.port,
                more: "credential = \"none\"\ninclude_usage = \"inject\"\n"
                    + limits + lines), server: "workers = 2")
        func call() throws {
            let client = try RawConnection(port: gateway.port)
            let answer = try client.exchange(
                Self.chat("Authorization: Bearer \(key)\r\n", stream: true))
            #expect(answer.status == 200 && answer.isWhole, "\(answer.text)")
        }
        func stored(_ count: Int) throws {
            try gateway.await("\(count) records") {
                try RecordTests.logs(gateway, ["verify"]).text.contains("stored \(count) ")
            }
        }
        try call()
        try stored(1)
        let one = ["requests", "tokens", "budget"].map { kind in
            (kind: kind, used: (try? Self.used(gateway, kind)) ?? -1)
        }
        #expect(one.allSatisfy { $0.used > 0 }, "\(one)")
        var count = 1
        for round in 0..<4 {
            let next = try Self.successor(of: gateway)
            try next.awaitLine(" taken over ")
            for _ in 0...round {
                try call()
                count += 1
            }
            // Either in the store by then, or still in the killed one's ring.
            if round % 2 == 0 { try stored(count) }
            next.signal(SIGKILL)
            try gateway.process.awaitLines(" this one serves again", count: round + 1)
            for (kind, used) in one {
                #expect(try Self.used(gateway, kind) == count * used, "\(round): \(kind)")
            }
            try call()
            count += 1
        }
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        try Self.expectWholeAccount(gateway.recordPath)
    }

    @Test("under load no client is refused or cut off, by upgrades and by new processes killed")
    func load() throws {
        let load = try ChildProcess(
            "/usr/bin/env",
            [
                "python3", "\(Repository.root)/Benchmarks/upgrade", "--upgrades", "4", "--kills",
                "4", "--streams", "100", "--rate", "50", "--delay", "200", "--kill-within", "1",
            ])
        let status = try load.wait(seconds: 600)
        #expect(status == 0 && load.text.contains("\n0 refused, 0 cut\n"), "\(load.text)")
    }
}

extension RawConnection {
    /// The rest of a chunked body, through its end.
    fileprivate func takeToBodyEnd() throws -> String { try take(through: "\r\n0\r\n\r\n") }
}
