import Glibc
import JSON
import Primitives
import Reactor
import Support
import Synchronization
import Testing

/// Keys of clients and their budgets, from the command line on and over the death of the gateway.
@Suite("Access from the command line")
struct AccessCommandTests {
    private static let killRounds = 50

    /// A new key, and the lines that let it in.
    static func newKey(_ name: String, _ options: [String] = []) throws -> (
        key: String, lines: String
    ) {
        let process = try ChildProcess(try Binaries.weir, ["keys", "new", name] + options)
        #expect(try process.wait() == 0)
        let lines = process.text.split(separator: "\n", omittingEmptySubsequences: false)
        return (String(lines[0]), lines.dropFirst().joined(separator: "\n"))
    }

    static func toml(_ vendor: Int, _ rest: String) -> String {
        """
        [vendors.openai]
        base_url = "http://127.0.0.1:\(vendor)/v1"
        credential = "env:KEY"
        include_usage = "inject"
        [prices.models."*"]
        input = 1
        output = 10
        max_output = 100
        \(rest)

        """
    }

    static func start(
        _ toml: String, folder: TemporaryFolder? = nil, server: String = ""
    ) throws -> GatewayProcess {
        try GatewayProcess(
            toml, server: server, environment: ["KEY": "gateway-canary"], folder: folder)
    }

    private static func chat(_ key: String, _ fields: String = "") -> String {
        RecordTests.request(
            "/v1/chat/completions", #"{"model":"gpt-4o","stream":true}"#,
            "Authorization: Bearer \(key)\r\n\(fields)")
    }

    static func status(_ gateway: GatewayProcess, _ key: String) throws -> Int {
        try RawConnection(port: gateway.port).exchange(chat(key)).status
    }

    @Test("a new key lets its client in with the lines below it, and nothing else does")
    func newKeys() throws {
        let vendor = try MockProcess()
        let (key, lines) = try Self.newKey("ci", ["--group", "team"])
        let (other, _) = try Self.newKey("ci")
        #expect(key.hasPrefix("weir_") && key != other && !lines.contains(key))
        let group = "[groups.team]\nrequests = \"100/1h\"\n"
        let gateway = try Self.start(Self.toml(vendor.port, group + lines), server: "workers = 2")
        #expect(try Self.status(gateway, key) == 200)
        #expect(try Self.status(gateway, other) == 401)
        #expect(
            try gateway.metric("weir_limit_admitted_total", where: "name=\"team\"") == 1)
        #expect(!gateway.process.text.contains(key))
        for name in ["a b", "", "ä", String(repeating: "x", count: 65)] {
            let process = try ChildProcess(try Binaries.weir, ["keys", "new", name])
            #expect(try process.wait() == 2, "\(name)")
        }
    }

    @Test("to take the last key out closes the gateway, after a restart, too")
    func lastKey() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let (key, lines) = try Self.newKey("ci")
        let gateway = try Self.start(Self.toml(vendor.port, lines), folder: folder)
        #expect(try Self.status(gateway, key) == 200)
        try gateway.reload(Self.toml(vendor.port, ""))
        try gateway.process.awaitLine(" notice reloaded ")
        #expect(try Self.status(gateway, key) == 401)
        gateway.process.signal(SIGTERM)
        _ = try gateway.process.wait()
        let again = try Self.start(Self.toml(vendor.port, ""), folder: folder)
        #expect(try Self.status(again, key) == 401)
    }

    @Test("to take the issuer of tokens, or the wish for keys, out closes the gateway, too")
    func lastIssuer() throws {
        let vendor = try MockProcess()
        let signer = try TestIssuer(.ed25519)
        let token = try signer.token(
            "{\"iss\":\"https://id.example\",\"aud\":\"weir\",\"sub\":\"ann\",\"exp\":4e9}")
        let list = try TemporaryFolder()
        let path = try list.write(TestIssuer.list([("k1", signer)]), to: "keys.json")
        let issuer = """
            [access.jwt]
            issuer = "https://id.example"
            audience = "weir"
            jwks = "file:\(path)"

            """
        for (lines, before) in [(issuer, 200), ("[access]\nrequired = true\n", 401)] {
            let folder = try TemporaryFolder()
            let gateway = try Self.start(Self.toml(vendor.port, lines), folder: folder)
            try gateway.await("the keys of the issuer") {
                try Self.status(gateway, token) == before
            }
            try gateway.reload(Self.toml(vendor.port, ""))
            try gateway.process.awaitLine(" notice reloaded ")
            #expect(try Self.status(gateway, token) == 401)
            #expect(try Self.status(gateway, "") == 401)
            gateway.process.signal(SIGTERM)
            _ = try gateway.process.wait()
            let again = try Self.start(Self.toml(vendor.port, ""), folder: folder)
            #expect(try Self.status(again, token) == 401)
            #expect(try Self.status(again, "") == 401)
        }
    }

    @Test("keys are added, rotated and revoked while the gateway runs, on all of its workers")
    func runningKeys() throws {
        let vendor = try MockProcess()
        let group = "[groups.team]\nrequests = \"100000/1h\"\n[access]\nrequired = true\n"
        let gateway = try Self.start(
            Self.toml(vendor.port, group), server: "workers = 2")
        func keys(_ arguments: [String]) throws -> (status: Int32, text: String) {
            let process = try ChildProcess(
                try Binaries.weir,
                ["keys"] + arguments + ["--config", gateway.configurationPath])
            let status = try process.wait()
            return (status, process.text)
        }
        func line(_ text: String) -> String {
            text.split(separator: "\n").first.map(String.init) ?? ""
        }
        // Each on a connection of its own, so that both workers are asked.
        func statuses(_ key: String) throws -> Set<Int> {
            Set(try (0..<16).map { _ in try Self.status(gateway, key) })
        }
        let first = line(try keys(["add", "ann", "--group", "team"]).text)
        #expect(first.hasPrefix("weir_"))
        #expect(try statuses(first) == [200])
        let second = line(try keys(["rotate", "ann"]).text)
        #expect(try statuses(first) == [200] && statuses(second) == [200])
        #expect(try keys(["rotate", "ann", "--finish"]).status == 0)
        #expect(try statuses(first) == [401] && statuses(second) == [200])
        #expect(try keys(["revoke", "ann"]).status == 0)
        #expect(try statuses(second) == [401])
        #expect(try keys(["list"]).text.contains("revoked"))
        for wrong in [
            ["add", "ann"], ["add", "bob", "--group", "none"], ["revoke", "bob"],
            ["rotate", "ann"],
        ] { #expect(try keys(wrong).status == 1, "\(wrong)") }
        #expect(!gateway.process.text.contains(first))
    }

    @Test("the operators' pages want their token, probes do not")
    func token() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            Self.toml(vendor.port, ""), environment: ["KEY": "gateway-canary"],
            adminToken: "operator-canary")
        for path in ["/healthz", "/readyz"] { #expect(try gateway.page(path).status == 200) }
        #expect(try gateway.page("/metrics").status == 401)
        for (token, status) in [("operator-canary", 200), ("operator-canarx", 401), ("", 401)] {
            let response = try RawConnection(port: gateway.adminPort).exchange(
                "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Authorization: Bearer \(token)\r\n\r\n")
            #expect(response.status == status)
        }
    }

    @Test("after kill -9 the ledger is the record, no key is lost, and no limit begins anew")
    func kills() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let (key, lines) = try Self.newKey("ci")
        let toml = Self.toml(
            vendor.port,
            """
            [groups.team]
            requests = "1000000/1d"
            concurrent = 1000
            \(lines)
            budget = "$0.50/month"
            """)
        var random = RandomSource(seed: UInt64(getpid()))
        var made: [String] = []
        for round in 0..<Self.killRounds {
            let gateway = try Self.start(toml, folder: folder)
            // Keys of the store, each made by the time its gateway dies.
            made.append(try Self.storedKey("k\(round)", gateway))
            if round > 0 { #expect(try Self.status(gateway, made[round - 1]) == 200) }
            try Self.load(
                gateway.port, [key, made[round]], Int.random(in: 50...200, using: &random)
            ) {
                gateway.process.signal(SIGKILL)
            }
            _ = try gateway.process.wait()
        }
        let gateway = try Self.start(toml, folder: folder)
        try gateway.await("what was left") {
            try RecordTests.logs(gateway, ["verify"]).text.contains("pending 0")
        }
        try Self.expectLimitsOfRecord(gateway, keys: made)
        // The rest of the budget, and not a new one.
        while [200, 503].contains(try Self.status(gateway, key)) {}
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let verify = try RecordTests.logs(gateway.recordPath, ["verify", "--json"])
        #expect(verify.status == 0, "\(verify.text)")
        let account = try JSONValue(parsing: verify.text)
        #expect(account["ledger"]?["balanced"]?.isTrue == true)
        let charged = try RecordTests.records(gateway.recordPath, ["--key", "ci"])
            .reduce(0) { $0 + ($1["charged_nanodollars"]?.integer ?? 0) }
        #expect(charged <= 500_000_000 && charged > 490_000_000)
    }

    /// A key that is made while a gateway runs, in the group.
    static func storedKey(_ name: String, _ gateway: GatewayProcess) throws -> String {
        let add = try ChildProcess(
            try Binaries.weir,
            ["keys", "add", name, "--group", "team", "--config", gateway.configurationPath],
            environment: ["KEY": "gateway-canary"])
        #expect(try add.wait() == 0, "\(add.text)")
        return String(add.text.split(separator: "\n").first ?? "")
    }

    /// What limits show after the last start is what the records of all processes say.
    private static func expectLimitsOfRecord(_ gateway: GatewayProcess, keys: [String]) throws {
        for key in keys { #expect(try status(gateway, key) == 200) }
        func limit(_ kind: String, _ name: String, _ member: String) throws -> Int? {
            let limits = try JSONValue(parsing: try gateway.page("/limits").text).elements ?? []
            let own = limits.first { $0["name"]?.text == name }
            let use = own?["limits"]?.elements?.first { $0["on"]?.text == kind }
            return use?[member]?.integer
        }
        try gateway.await("an empty house") { try limit("concurrent", "team", "used") == 0 }
        try gateway.await("records") {
            try RecordTests.logs(gateway, ["verify"]).text.contains("pending 0")
        }
        let records = try RecordTests.records(gateway.recordPath)
        // A call that a kill met before its first attempt counts against no rate.
        let ofTeam = records.filter {
            $0["key"]?.text?.hasPrefix("k") == true && $0["attempts"]?.elements?.isEmpty == false
        }
        let used = try limit("requests", "team", "used") ?? 0
        if Set(ofTeam.map { $0["time"]?.text?.prefix(10) }).count == 1 {
            #expect(used == ofTeam.count)
        } else {
            // Where a day ended meanwhile, a share of the day before is past.
            #expect(used <= ofTeam.count && used * 10 > ofTeam.count * 9, "\(ofTeam.count)")
        }
        let ofKey = records.filter { $0["key"]?.text == "ci" }
        let spent = ofKey.reduce(0) { $0 + ($1["charged_nanodollars"]?.integer ?? 0) }
        #expect(try limit("budget", "ci", "used") == spent)
        #expect(try limit("budget", "ci", "held") == 0)
    }

    @Test("a start spends no budget before it knows what a killed process had spent")
    func restart() throws {
        let vendor = try MockProcess()
        // One call may cost more than what another one leaves.
        let budget = "budget = \"$0.0011/month\"\n"
        for _ in 0..<10 {
            let folder = try TemporaryFolder()
            let (key, lines) = try Self.newKey("ci")
            let toml = Self.toml(vendor.port, lines + budget)
            let first = try Self.start(toml, folder: folder)
            #expect(try Self.status(first, key) == 200)
            first.process.signal(SIGKILL)
            _ = try first.process.wait()
            let second = try Self.start(toml, folder: folder)
            var status = 503
            while status == 503 { status = try Self.status(second, key) }
            #expect(status == 429)
        }
    }

    @Test("a token of an issuer whose keys are fetched lets in, and unknown keys fetch few times")
    func issuer() throws {
        let signer = try TestIssuer(.rsa)
        let list = TestIssuer.list([("k1", signer)])
        let provider = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 200 OK\r\nContent-Length: \(list.utf8.count)\r\n"
                    + "Connection: close\r\n\r\n\(list)")
        }
        defer { provider.stop() }
        let vendor = try MockProcess()
        let gateway = try Self.start(
            Self.toml(
                vendor.port,
                """
                [access.jwt]
                issuer = "https://id.example"
                audience = "weir"
                jwks = "http://127.0.0.1:\(provider.port)/keys"
                """), server: "workers = 2")
        let claims =
            "{\"iss\":\"https://id.example\",\"aud\":\"weir\",\"sub\":\"ann\",\"exp\":4e9}"
        let good = try signer.token(claims)
        let unknown = try signer.token(claims, keyName: "k2")
        try gateway.await("the keys") { try Self.status(gateway, good) != 503 }
        #expect(try Self.status(gateway, good) == 200)
        let began = Instant.now()
        // A refusal before the body ends its connection.
        for _ in 0..<1000 {
            let status = try Self.status(gateway, unknown)
            guard status != 401 else { continue }
            Issue.record("\(status)")
            break
        }
        let most = 2 + Int((Instant.now() - began).seconds) / 30
        #expect(provider.connectionCount <= most)
        #expect(!gateway.process.text.contains(good.suffix(40)))
    }

    /// Streams from 16 clients until the gateway is gone.
    private static func load(
        _ port: Int, _ keys: [String], _ milliseconds: Int, _ kill: () -> Void
    ) throws {
        let isOver = Atomic<Bool>(false)
        let threads = try (0..<16).map { number in
            try Reactor.Thread(name: "client-\(number)") {
                guard let client = try? RawConnection(port: port) else { return }
                while !isOver.load(ordering: .relaxed) {
                    guard
                        let response = try? client.exchange(
                            chat(
                                keys[number % keys.count],
                                "X-Mock-Chunks: 12\r\nX-Mock-Delay: 2\r\n")),
                        response.isWhole
                    else { return }
                }
            }
        }
        poll(nil, 0, Int32(milliseconds))
        kill()
        isOver.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
    }
}
