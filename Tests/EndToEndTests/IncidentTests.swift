import Glibc
import JSON
import Support
import Testing

/// Ten incidents of docs/incidents.md, staged; each cause is on the page after three clicks.
@Suite("Incidents on the page")
struct IncidentTests {
    private static let token = "canary-token"
    /// Calls of the agent that does not stop.
    private static let runaway = 25

    /// What has happened, and the way to its cause.
    private struct Incident {
        let name: String
        let gateway: GatewayProcess
        var steps: [(kind: String, text: String)] = []
        let cause: [String]

        var line: String {
            let steps = steps.map { JSONValue.array([.string($0.kind), .string($0.text)]) }
            let value = JSONValue.object([
                .init("name", .string(name)),
                .init("origin", .string("http://127.0.0.1:\(gateway.adminPort)")),
                .init("steps", .array(steps)),
                .init("cause", .array(cause.map { .string($0) })),
            ])
            return "\(value)\n"
        }
    }

    private static func start(
        _ toml: String, server: String = "", log: String = "", limits: String? = nil
    ) throws -> GatewayProcess {
        try GatewayProcess(
            toml, server: server, log: log, limits: limits,
            adminToken: token + "\"\nshow_content = true\n#")
    }

    private static func chat(_ model: String, _ fields: String = "") -> String {
        RecordTests.request(
            "/v1/chat/completions",
            "{\"model\":\"\(model)\",\"stream\":true,\"messages\":"
                + "[{\"role\":\"user\",\"content\":\"How deep is the weir?\"}]}", fields)
    }

    private static func awaitRecords(_ gateway: GatewayProcess, _ count: Int) throws {
        try gateway.await("the records") {
            let answer = try RawConnection(port: gateway.adminPort).exchange(
                "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Authorization: Bearer \(token)\r\n\r\n")
            return answer.text.contains("weir_records_stored_total \(count)\n")
        }
    }

    // MARK: The stages

    /// Vendors that are down, locked, slow or break off; a client that goes; an agent in a loop; a
    /// configuration with a fault.
    private static func ordinary(_ vendor: Int) throws -> [Incident] {
        func vendorTable(_ name: String, _ address: String, _ credential: String) -> String {
            """
            [vendors.\(name)]
            dialect = "openai"
            base_url = "\(address)"
            credential = "\(credential)"

            """
        }
        func chain(_ name: String, _ targets: String...) -> String {
            let list = targets.map { "{ vendor = \"\($0)\" }" }.joined(separator: ", ")
            return "[[chains]]\nname = \"\(name)\"\nmodels = [\"\(name)-model\"]\n"
                + "targets = [\(list)]\n"
        }
        let own = "http://127.0.0.1:\(vendor)/v1"
        let away = "http://127.0.0.1:\(try ByteVendor.closedPort())/v1"
        let toml =
            vendorTable("main", own, "none") + vendorTable("down", away, "none")
            + vendorTable("locked", own, "canary-revoked") + vendorTable("slow", own, "none")
            + chain("main", "main") + chain("down", "down", "main") + chain("locked", "locked")
            + chain("slow", "slow")
        let gateway = try start(toml)
        func call(_ model: String, _ fields: String = "") throws {
            _ = try RawConnection(port: gateway.port).exchange(chat(model, fields))
        }
        for _ in 0..<4 { try call("down-model") }
        try call("locked-model", "X-Mock-Status: 401\r\n")
        for _ in 0..<3 { try call("slow-model", "X-Mock-Ttft: 1200\r\n") }
        for _ in 0..<2 { try call("main-model", "X-Mock-Fault: early_close\r\n") }
        for _ in 0..<runaway {
            try call(
                "main-model",
                "X-Claude-Code-Session-Id: nightly-7f3a\r\nX-Claude-Code-Agent-Id: explore\r\n")
        }
        let client = try RawConnection(port: gateway.port)
        try client.send(chat("main-model", "X-Mock-Chunks: 5000\r\nX-Mock-Delay: 50\r\n"))
        _ = try client.take(through: "content")
        client.close()
        try awaitRecords(gateway, 11 + runaway)
        try gateway.reload("[vendors.main]\nbase = 3\n")
        try gateway.process.awaitLine("not reloaded")
        return [
            Incident(
                name: "vendor-down", gateway: gateway,
                steps: [("link", "Calls that failed at down"), ("row", "main")],
                cause: ["COULDNT_CONNECT", "so the next was tried"]),
            Incident(
                name: "wrong-key", gateway: gateway,
                steps: [("link", "Calls that failed at locked"), ("row", "locked-model")],
                cause: ["status 401"]),
            Incident(
                name: "slow-vendor", gateway: gateway,
                steps: [("link", "slow"), ("row", "slow-model")],
                cause: ["first content 1.", "to content"]),
            Incident(
                name: "truncated-streams", gateway: gateway,
                steps: [("link", "truncated"), ("row", "main-model")],
                cause: ["truncated: the answer broke off"]),
            Incident(
                name: "clients-abort", gateway: gateway,
                steps: [("link", "client cancelled"), ("row", "main-model")],
                cause: ["client cancelled: the client went away"]),
            Incident(
                name: "runaway-agent", gateway: gateway,
                steps: [("view", "Sessions"), ("link", "nightly-7f3a")],
                cause: ["explore: \(runaway) calls"]),
            Incident(
                name: "bad-reload", gateway: gateway,
                cause: ["The configuration was not reloaded", "vendors.main.base"]),
        ]
    }

    private static func spentBudget(_ vendor: Int) throws -> Incident {
        let (key, lines) = try AccessCommandTests.newKey("nightly-job", ["--group", "agents"])
        let gateway = try start(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor)/v1"
            credential = "canary"
            include_usage = "inject"
            [prices.models."*"]
            input = 1000
            output = 100000
            max_output = 20
            [groups.agents]
            budget = "$10/day"
            \(lines)
            """)
        var calls = 0
        var refusals = 0
        // The first refusal may be for what the call before still holds.
        while refusals < 2 && calls < 60 {
            let status =
                try RawConnection(port: gateway.port).exchange(
                    chat("gpt-4o", "Authorization: Bearer \(key)\r\n")
                ).status
            calls += 1
            refusals = status == 429 ? refusals + 1 : 0
            if refusals == 1 { try awaitRecords(gateway, calls) }
        }
        #expect(refusals == 2)
        try awaitRecords(gateway, calls)
        return Incident(
            name: "budget-spent", gateway: gateway,
            steps: [("link", "Spend"), ("link", "nightly-job"), ("row", "gpt-4o")],
            cause: ["nightly-job"])
    }

    private static func fullDisk(_ vendor: Int) throws -> Incident {
        // Files of 4 MiB at most: the journals fit, the segment soon does not.
        let gateway = try start(
            "[vendors.openai]\nbase_url = \"http://127.0.0.1:\(vendor)/v1\"\n",
            server: "workers = 1", log: "journal_size = \"3MiB\"", limits: "-f 8192")
        let pad = String(repeating: "x", count: 200_000)
        let request = RecordTests.request(
            "/v1/chat/completions", "{\"model\":\"gpt-4o\",\"pad\":\"\(pad)\"}")
        try gateway.await("the trouble") {
            #expect(try RawConnection(port: gateway.port).exchange(request).status == 200)
            return try gateway.page("/healthz").text.contains("not recorded")
        }
        return Incident(
            name: "full-disk", gateway: gateway, cause: ["Calls are not recorded: pwritev"])
    }

    private static func oldCertificate(
        _ vendor: Int, _ certificate: TestCertificate
    ) throws -> Incident {
        let gateway = try start(
            """
            [server.tls]
            certificate = "\(certificate.chain)"
            key = "\(certificate.key)"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor)/v1"
            """)
        return Incident(
            name: "certificate", gateway: gateway, cause: ["The certificate of server ends"])
    }

    @Test("lead from the first view to their cause in three clicks")
    func clicks() throws {
        let vendor = try MockProcess()
        let certificate = try TestCertificate(names: "DNS:localhost,IP:127.0.0.1", days: 2)
        let incidents =
            try Self.ordinary(vendor.port) + [
                try Self.spentBudget(vendor.port), try Self.fullDisk(vendor.port),
                try Self.oldCertificate(vendor.port, certificate),
            ]
        #expect(incidents.count == 10)
        let folder = try TemporaryFolder()
        let list = try folder.write(incidents.map(\.line).joined(), to: "incidents")
        let script = "\(Repository.root)/Tests/EndToEndTests/Page/incidents.py"
        let browse = try ChildProcess(
            "/bin/sh",
            ["-c", "exec python3 -B \(script) \(Self.token) \(folder.path) < \(list)"])
        try #require(try browse.wait(seconds: 300) == 0, "\(browse.text)")
        let seen = try JSONValue(parsing: browse.text)["incidents"]?.elements ?? []
        #expect(seen.map { $0["name"]?.text } == incidents.map { $0.name })
        for one in seen {
            #expect(one["complaints"]?.elements == [], "\(one)")
            #expect((one["clicks"]?.integer ?? 4) <= 3, "\(one)")
        }
        if let kept = unsafe getenv("WEIR_TEST_PICTURES") {
            let copy = try ChildProcess(
                "/bin/sh", ["-c", "cp \(folder.path)/*.png \(unsafe String(cString: kept))"])
            #expect(try copy.wait() == 0)
        }
    }
}
