import Glibc
import JSON
import Reactor
import Support
import Synchronization
import Testing

/// What may be in the way of an upgrade, and all that goes over with it.
@Suite("Upgrades at their edges")
struct TakeoverEdgeTests {
    private static let chat = TakeoverTests.chat()

    /// A copy of the program, which may become another one.
    private static func program(in folder: TemporaryFolder) throws -> String {
        let path = "\(folder.path)/weir"
        let copy = try ChildProcess("/bin/cp", [try Binaries.weir, path])
        try #require(try copy.wait() == 0)
        return path
    }

    @Test("a new program whose configuration is broken, or that hangs, changes nothing")
    func unfit() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let program = try Self.program(in: folder)
        let toml = TakeoverTests.toml(vendor.port)
        let gateway = try GatewayProcess(toml, folder: folder, program: program)
        let resting = try RawConnection(port: gateway.port)
        func expectServing() throws {
            let answer = try resting.exchange(Self.chat)
            #expect(answer.isWhole && answer["connection"] == nil)
            #expect(try TakeoverTests.serving(gateway) == Int(gateway.process.pid))
        }
        try gateway.rewriteKeepingSections("[vendors.first]\ndialect = \"none\"\n")
        gateway.process.signal(SIGUSR2)
        try gateway.process.awaitLine(" the program that was started to take over has ended")
        try expectServing()
        try gateway.rewriteKeepingSections(toml)
        let hanging = try folder.write("#!/bin/sh\nexec sleep 3600\n", to: "hanging")
        try #require(unsafe chmod(hanging, 0o755) == 0 && rename(hanging, program) == 0)
        gateway.process.signal(SIGUSR2)
        try gateway.process.awaitLines(" a program is started to take over", count: 2)
        gateway.process.signal(SIGUSR2)
        try gateway.process.awaitLine(" no program is started to take over: another is at it")
        try expectServing()
        // The program's end is waited for, too: it has the other end of the gateway's output.
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        try TakeoverTests.expectWholeAccount(gateway.recordPath)
    }

    @Test("a process that takes the record and hangs is ended, and the record is taken back")
    func hanging() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(TakeoverTests.toml(vendor.port))
        let script = """
            import socket, sys, time
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            channel.connect(sys.argv[1])
            channel.send(b"hello\\n1")
            while True:
                text = socket.recv_fds(channel, 65536, 253)[0]
                if text == b"offered":
                    channel.send(b"claim")
                if text == b"ceded":
                    print("has the record", flush=True)
                    break
            time.sleep(3600)
            """
        let process = try ChildProcess(
            "/usr/bin/env", ["python3", "-c", script, "\(gateway.recordPath)/handover"])
        try process.awaitLine("has the record", seconds: 120)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        #expect(try process.wait(seconds: 300) == 128 + SIGKILL)
        try gateway.process.awaitLine(" this one serves again", seconds: 120)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        try gateway.await("the records") {
            try gateway.metric("weir_records_stored_total") == 2
        }
        let next = try TakeoverTests.successor(of: gateway)
        try next.awaitLine(" taken over ", seconds: 120)
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(try gateway.process.wait() == 0)
        try TakeoverTests.expectWholeAccount(gateway.recordPath)
    }

    @Test("a process that serves and then hangs is ended; the old one had waited, and serves again")
    func hangingLate() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(TakeoverTests.toml(vendor.port), server: "workers = 2")
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        let next = try TakeoverTests.successor(of: gateway)
        try next.awaitLine(" taken over ", seconds: 120)
        try gateway.process.awaitLine(" another process has taken over")
        next.signal(SIGSTOP)
        // No client of the old one's is left, and it stays for as long as the new one is silent.
        try gateway.process.awaitLine(" says nothing any more, and is ended", seconds: 120)
        #expect(try next.wait() == 128 + SIGKILL)
        try gateway.process.awaitLine(" this one serves again", seconds: 120)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        #expect(try TakeoverTests.serving(gateway) == Int(gateway.process.pid))
        // The next one says that it lives, and the old one goes.
        let last = try TakeoverTests.successor(of: gateway)
        try last.awaitLine(" taken over ", seconds: 120)
        #expect(try gateway.process.wait(seconds: 120) == 0)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        last.signal(SIGTERM)
        #expect(try last.wait() == 0)
        try TakeoverTests.expectWholeAccount(gateway.recordPath)
    }

    @Test("an alert that was posted before an upgrade is not posted again after it")
    func alerts() throws {
        let posted = Mutex<[String]>([])
        let hook = try ByteVendor { connection, _ in
            while true {
                let body = String(decoding: try connection.request().body, as: UTF8.self)
                posted.withLock { $0.append(body) }
                try connection.send("HTTP/1.1 204 OK\r\n\r\n")
            }
        }
        defer { hook.stop() }
        func subjects() throws -> [String] {
            try posted.withLock { try $0.map { try JSONValue(parsing: $0)["subject"]?.text ?? "" } }
        }
        let vendor = try MockProcess()
        var toml = "[alerts]\nwebhook = \"http://127.0.0.1:\(hook.port)/\"\n"
        for (name, port) in [("away", 9), ("gone", 9), ("here", vendor.port)] {
            toml += "[vendors.\(name)]\ndialect = \"openai\"\ncredential = \"none\"\n"
            toml += "base_url = \"http://127.0.0.1:\(port)/v1\"\n"
        }
        for (name, model) in [("away", "gpt-*"), ("gone", "other-*")] {
            toml += "[[chains]]\nname = \"\(name)\"\nmodels = [\"\(model)\"]\n"
            toml += "targets = [{ vendor = \"\(name)\" }, { vendor = \"here\" }]\n"
            toml += "[chains.failover]\ncooldown = \"1h\"\ncooldown_after = 1\n"
        }
        let gateway = try GatewayProcess(toml)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        try gateway.await("the first alert") { try subjects() == ["away"] }
        let next = try TakeoverTests.successor(of: gateway)
        try next.awaitLine(" taken over ", seconds: 120)
        try gateway.await("the new process's cooldown") {
            #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
            return try gateway.metric("weir_targets_cooling", where: "\"away\"") >= 1
        }
        let other = Self.chat.replacing("\"gpt-4o\"", with: "\"other-\"")
        #expect(try RawConnection(port: gateway.port).exchange(other).isWhole)
        // What begins at the same time is posted in the order of the vendors.
        try gateway.await("the second alert") { try subjects().contains("gone") }
        #expect(try subjects() == ["away", "gone"])
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(try gateway.process.wait() == 0)
    }

    @Test("addresses that a new configuration leaves are closed, and open again when it is undone")
    func otherAddresses() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        func toml(_ listen: [Int], _ admin: Int, _ record: String) -> String {
            let addresses = listen.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", ")
            return "[server]\nlisten = [\(addresses)]\nworkers = 2\n[admin]\n"
                + "listen = \"127.0.0.1:\(admin)\"\n[log]\npath = \"\(record)\"\n"
                + TakeoverTests.toml(vendor.port)
        }
        let record = "\(folder.path)/record"
        let ports = try (0..<5).map { _ in try ByteVendor.closedPort() }
        let (kept, left, added) = (ports[0], ports[1], ports[2])
        let first = try folder.write(toml([left, kept], ports[3], record), to: "first.toml")
        let second = try folder.write(toml([kept, added], ports[4], record), to: "second.toml")
        let old = try ChildProcess(try Binaries.weir, ["serve", "--config", first])
        try old.awaitLine(" serving ")
        func answers(_ port: Int) -> Bool {
            (try? RawConnection(port: port).exchange(Self.chat).isWhole) ?? false
        }
        func isHealthy(_ port: Int) -> Bool {
            let question = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let answer = try? RawConnection(port: port).exchange(question)
            return answer?.status == 200
        }
        func expect(_ open: [Int], _ closed: [Int]) throws {
            for port in open { #expect(Patience.await { answers(port) }) }
            for port in closed {
                #expect(Patience.await { (try? RawConnection(port: port)) == nil })
            }
        }
        for _ in 0..<2 {
            try expect([left, kept], [added])
            #expect(isHealthy(ports[3]))
            let new = try ChildProcess(
                try Binaries.weir, ["serve", "--takeover", "--config", second])
            try new.awaitLine(" taken over ", seconds: 120)
            try expect([kept, added], [left, ports[3]])
            #expect(isHealthy(ports[4]))
            new.signal(SIGKILL)
            _ = try new.wait()
            // Both workers listen again, and a second upgrade finds all in order.
            try expect([left, kept], [added, ports[4]])
            #expect(Patience.await { isHealthy(ports[3]) })
        }
        old.signal(SIGTERM)
        #expect(try old.wait() == 0)
        try TakeoverTests.expectWholeAccount(record, old)
    }

    @Test("a second SIGUSR2 while the first is answered starts nothing")
    func twice() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(TakeoverTests.toml(vendor.port))
        gateway.process.signal(SIGUSR2)
        try gateway.process.awaitLine(" a program is started to take over")
        gateway.process.signal(SIGUSR2)
        try gateway.process.awaitLine(" no program is started to take over: another is at it")
        try gateway.process.awaitLine(" another process has taken over", seconds: 120)
        #expect(gateway.process.text.split(separator: " a program is started to").count == 2)
        #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
        kill(pid_t(try TakeoverTests.serving(gateway)), SIGTERM)
        #expect(try gateway.process.wait() == 0)
        try TakeoverTests.expectWholeAccount(gateway.recordPath)
    }

    @Test("an end that is ordered amid an upgrade is that of both processes")
    func ended() throws {
        let vendor = try MockProcess()
        for moment in [" a program is started to take over", " a process gets ready to take over"] {
            let folder = try TemporaryFolder()
            let supervisor = try TakeoverTests.supervisor("\(folder.path)/notify")
            defer { Socket.close(supervisor) }
            let gateway = try GatewayProcess(
                TakeoverTests.toml(vendor.port),
                environment: ["NOTIFY_SOCKET": "\(folder.path)/notify"])
            #expect(try RawConnection(port: gateway.port).exchange(Self.chat).isWhole)
            gateway.process.signal(SIGUSR2)
            try gateway.process.awaitLine(moment)
            gateway.process.signal(SIGTERM)
            // Both have the other end of the output.
            #expect(try gateway.process.wait(seconds: 120) == 0, "\(gateway.process.text)")
            #expect(throws: (any Error).self) {
                try RawConnection(port: gateway.port).exchange(Self.chat)
            }
            try TakeoverTests.expectWholeAccount(gateway.recordPath, gateway.process)
        }
    }

    @Test(
        "a new program that waits for the old process ends as soon as it is ordered to",
        arguments: ["hello\n1", "claim"])
    func orderedToEnd(_ awaited: String) throws {
        let folder = try TemporaryFolder()
        let record = "\(folder.path)/record"
        let file = try folder.write(
            "[server]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"\"\n[log]\n"
                + "path = \"\(record)\"\n", to: "config.toml")
        // A gateway that has the folder, and answers up to a point.
        let script = """
            import fcntl, os, socket, sys, time
            record, awaited = sys.argv[1:]
            os.mkdir(record, 0o700)
            lock = open(record + "/lock", "w")
            fcntl.flock(lock, fcntl.LOCK_EX)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(record + "/handover")
            listener.listen()
            print("listens", flush=True)
            channel = listener.accept()[0]
            while channel.recv(65536).decode().partition("\\n127")[0].strip() != awaited:
                channel.send(b"offered")
            print("is asked", flush=True)
            time.sleep(3600)
            """
        let old = try ChildProcess("/usr/bin/env", ["python3", "-c", script, record, awaited])
        try old.awaitLine("listens")
        let new = try ChildProcess(try Binaries.weir, ["serve", "--takeover", "--config", file])
        try old.awaitLine("is asked")
        new.signal(SIGTERM)
        #expect(try new.wait() == 128 + SIGTERM, "\(new.text)")
        old.signal(SIGTERM)
    }

    @Test("TLS goes over: an answer in flight ends whole, and the next process has the certificate")
    func tls() throws {
        let isAsked = Atomic<Bool>(false)
        let isOver = Atomic<Bool>(false)
        let vendor = try ByteVendor { connection, number in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{")
            isAsked.store(true, ordering: .relaxed)
            if number == 1 {
                _ = Patience.await(everyMilliseconds: 5) { isOver.load(ordering: .relaxed) }
            }
            try connection.send("}")
        }
        defer { vendor.stop() }
        let front = try TLSFront(try TLSFront.localhost(), vendor: vendor.port)
        let early = try TLSFront.start("get", front.gateway.port, front.certificate.chain)
        try front.gateway.await("the answer") { isAsked.load(ordering: .relaxed) }
        let next = try TakeoverTests.successor(of: front.gateway)
        try next.awaitLine(" taken over ", seconds: 120)
        let late = try front.client("get")
        #expect(late["status"]?.integer == 200 && late["subject"]?.text == "front", "\(late)")
        isOver.store(true, ordering: .relaxed)
        #expect(try TLSFront.answer(of: early)["status"]?.integer == 200)
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(try front.gateway.process.wait() == 0)
        try TakeoverTests.expectWholeAccount(front.gateway.recordPath)
    }

    @Test("a tunnel goes on in the old process, and new ones are the new one's")
    func tunnels() throws {
        let vendor = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
            while true { try connection.send(connection.take(6 + 4).suffix(4)) }
        }
        defer { vendor.stop() }
        let gateway = try GatewayProcess(vendor: vendor.port)
        func open() throws -> RawConnection {
            let client = try RawConnection(port: gateway.port)
            try client.send(
                "GET /v1/responses HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                    + "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            #expect(try client.take(through: "\r\n\r\n").contains(" 101 "))
            return client
        }
        func expectEcho(_ client: RawConnection, _ text: String) throws {
            try client.send(WebSocketFrame.text(text).bytes(mask: [0, 0, 0, 0]))
            #expect(try client.take(through: text) == text)
        }
        let first = try open()
        try expectEcho(first, "abcd")
        let next = try TakeoverTests.successor(of: gateway)
        try next.awaitLine(" taken over ", seconds: 120)
        // The old one had a tunnel: this count is the new one's.
        try gateway.await("the new process to answer") {
            try gateway.metric("weir_tunnels_total") == 0
        }
        var second = try open()
        try expectEcho(second, "abcd")
        // Each worker of the old one takes clients in until its order has reached it, and would
        // keep their tunnels.
        while try gateway.metric("weir_tunnels_total") == 0 {
            second.close()
            second = try open()
            try expectEcho(second, "abcd")
        }
        for text in ["efgh", "ijkl"] {
            try expectEcho(first, text)
            try expectEcho(second, text)
        }
        first.close()
        try gateway.process.awaitLine(" the last clients have their answers", seconds: 120)
        try expectEcho(second, "mnop")
        second.close()
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(try gateway.process.wait() == 0)
        try TakeoverTests.expectWholeAccount(gateway.recordPath)
    }

    @Test("a socket in the file system goes over, and stays when the old process goes")
    func local() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/weir.sock"
        let file = try folder.write(
            "[server]\nlisten = \"unix:\(path)\"\nworkers = 2\n[admin]\nlisten = \"\"\n[log]\n"
                + "path = \"\(folder.path)/record\"\n" + TakeoverTests.toml(vendor.port),
            to: "config.toml")
        func call() throws -> RawResponse {
            let address = try #require(SocketAddress("unix:\(path)"))
            return try RawConnection(descriptor: try Socket.connect(to: address))
                .exchange(Self.chat)
        }
        let old = try ChildProcess(try Binaries.weir, ["serve", "--config", file])
        try old.awaitLine(" serving ")
        #expect(try call().isWhole)
        let next = try ChildProcess(
            try Binaries.weir, ["serve", "--takeover", "--config", file])
        try next.awaitLine(" taken over ", seconds: 120)
        try old.awaitLine(" another process has taken over")
        for _ in 0..<4 { #expect(try call()["connection"] == nil) }
        old.signal(SIGTERM)
        #expect(try old.wait() == 0)
        for _ in 0..<4 { #expect(try call().isWhole) }
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(unsafe access(path, F_OK) != 0)
        try TakeoverTests.expectWholeAccount("\(folder.path)/record")
    }

    @Test("limits in a shared store count on")
    func store() throws {
        let vendor = try MockProcess()
        let redis = try RedisProcess()
        let (key, lines) = try AccessCommandTests.newKey("ci", ["--group", "team"])
        let limits =
            "[limits]\nstore = \"redis://127.0.0.1:\(redis.port)\"\n"
            + "[groups.team]\nrequests = \"3/1d\"\n" + lines
        let gateway = try GatewayProcess(
            TakeoverTests.toml(vendor.port, more: "credential = \"none\"\n" + limits))
        let request = TakeoverTests.chat("Authorization: Bearer \(key)\r\n")
        func status() throws -> Int {
            try RawConnection(port: gateway.port).exchange(request).status
        }
        try gateway.process.awaitLine(" the store of shared limits is reached", seconds: 120)
        // A request that finds no share yet is refused, and counts against no rate.
        for _ in 0..<2 { try gateway.await("a share") { try status() == 200 } }
        let next = try TakeoverTests.successor(of: gateway)
        try next.awaitLine(" taken over ", seconds: 120)
        try next.awaitLine(" the store of shared limits is reached", seconds: 120)
        try gateway.await("the last one") { try status() == 200 }
        for _ in 0..<4 { #expect(try status() == 429) }
        next.signal(SIGTERM)
        #expect(try next.wait() == 0)
        #expect(try gateway.process.wait() == 0)
        try TakeoverTests.expectWholeAccount(gateway.recordPath)
    }
}
