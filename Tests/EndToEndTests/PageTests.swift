import Glibc
import JSON
import Support
import Testing

/// The operators' page in a browser, with a record that means it harm.
@Suite("The page")
struct PageTests {
    private static let token = "canary-token"
    static let hostile = "<script>window.hostile=1</script><img src=x onerror=alert(1)>"

    /// `enemy` is a vendor's port whose name, and whose chain's, are hostile, too.
    private static func gateway(_ vendor: Int, enemy: Int = 9) throws -> GatewayProcess {
        try GatewayProcess(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor)/v1"
            [vendors.anthropic]
            base_url = "http://127.0.0.1:\(vendor)"
            [vendors.away]
            dialect = "openai"
            base_url = "http://127.0.0.1:9/v1"
            credential = "none"
            [[chains]]
            name = "chat"
            models = ["gpt-*"]
            targets = [{ vendor = "away" }, { vendor = "openai", model = "gpt-4o" }]
            [vendors."\(hostile)"]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(enemy)/v1"
            credential = "none"
            [[chains]]
            name = "\(hostile)"
            models = ["hostile-*", "odd-*"]
            targets = [{ vendor = "\(hostile)" }]
            [[chains]]
            name = "rest"
            targets = [{ vendor = "openai" }, { vendor = "anthropic" }]
            [prices.models."*"]
            input = 1
            output = 2
            """, adminToken: token + "\"\nshow_content = true\n#")
    }

    private static func call(
        _ gateway: GatewayProcess, _ body: String, path: String = "/v1/chat/completions",
        fields: String = ""
    ) throws {
        let text =
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
        #expect(try RawConnection(port: gateway.port).exchange(text).isWhole)
    }

    private static func api(_ gateway: GatewayProcess, _ path: String) throws -> RawResponse {
        try RawConnection(port: gateway.adminPort).exchange(
            "GET /api/\(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                + "Authorization: Bearer \(token)\r\n\r\n")
    }

    /// Makes calls of each kind; returns the name of one with a hostile conversation.
    private static func makeCalls(_ gateway: GatewayProcess) throws -> String {
        for number in 0..<12 {
            try call(
                gateway,
                """
                {"model":"gpt-4o","stream":\(number % 2 == 0),
                "stream_options":{"include_usage":true},
                "messages":[{"role":"user","content":"How deep is the weir?"}]}
                """, fields: "X-Claude-Code-Session-Id: session-1\r\n")
        }
        try call(
            gateway, "{\"model\":\"claude-3\",\"max_tokens\":9,\"messages\":[]}",
            path: "/v1/messages", fields: "x-api-key: sk-ant-x\r\n")
        let long = String(repeating: "x", count: 10 << 20)
        try call(
            gateway,
            "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"\(long)\"}]}")
        let escaped = hostile.replacing("\"", with: "\\\"")
        try call(
            gateway,
            """
            {"model":"gpt-\(escaped)","messages":[{"role":"\(escaped)","content":[
            {"type":"text","text":"\(escaped)"},
            {"type":"image_url","image_url":{"url":"javascript:alert(1)"}},
            {"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,PHN2Zz4="}},
            {"type":"\(escaped)","x":"\(escaped)"}],"tool_calls":[{"function":
            {"name":"\(escaped)","arguments":"\(escaped)"}}]}]}
            """, fields: "X-Claude-Code-Session-Id: \(hostile)\r\nX-Note: \(hostile)\r\n")
        var name = ""
        try gateway.await("the records") {
            let found = try JSONValue(parsing: api(gateway, "calls").text)["calls"]?.elements ?? []
            name = found.first { $0["model"]?.text?.contains("<") ?? false }?["id"]?.text ?? ""
            return found.count == 15 && !name.isEmpty
        }
        return name
    }

    /// Calls that a hostile vendor answers; their names.
    private static func makeHostileCalls(_ gateway: GatewayProcess) throws -> [String] {
        for kind in HostileVendor.kinds {
            try call(
                gateway,
                """
                {"model":"hostile-\(kind)\u{202E}","messages":[{"role":"user","content":"Hello"}]}
                """, fields: "X-Claude-Code-Agent-Id: \(hostile)\r\nUser-Agent: \(hostile)\r\n")
        }
        var names: [String] = []
        try gateway.await("the hostile records") {
            let found = try JSONValue(parsing: api(gateway, "calls?model=hostile-*").text)
            names = (found["calls"]?.elements ?? []).compactMap { $0["id"]?.text }
            return names.count == HostileVendor.kinds.count
        }
        return names
    }

    /// Calls whose bodies are of no API's form; their names.
    private static func makeOddCalls(_ gateway: GatewayProcess) throws -> [String] {
        var calls = OddBody.requests("odd-request")
        for odd in OddBody.answers {
            let isStream = !odd.events.isEmpty
            calls.append(
                (
                    "/v1/chat/completions",
                    "{\"model\":\"odd-\(odd.kind)\",\"stream\":\(isStream),\"messages\":[]}"
                ))
        }
        let names = try calls.map { path, body in
            let answer = try RawConnection(port: gateway.port).exchange(
                "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            return try #require(answer["x-weir-id"])
        }
        let last = try #require(names.last)
        try gateway.await("the odd records") { try api(gateway, "calls/\(last)").status == 200 }
        return names
    }

    @Test("shows calls whose bodies are of any form, and says what is known of them")
    func odd() throws {
        let vendor = try MockProcess()
        let enemy = try HostileVendor.start()
        defer { enemy.stop() }
        let gateway = try Self.gateway(vendor.port, enemy: enemy.port)
        let names = try Self.makeOddCalls(gateway)
        let folder = try TemporaryFolder()
        let shown = try Self.browse(
            gateway, folder, names.map { "call/\($0)\tConversation\n" }.joined())
        #expect(shown.count == OddBody.requests("").count + OddBody.answers.count)
        for (view, name) in zip(shown, names) {
            #expect(view["complaints"]?.elements == [], "\(name): \(view)")
            #expect(view["odd"] == .bool(false), "\(name): \(view)")
            #expect(view["wide"]?.elements == [], "\(name): \(view)")
        }
    }

    /// What a browser sees of views, each a line as browse.py reads it.
    private static func browse(
        _ gateway: GatewayProcess, _ folder: TemporaryFolder, _ views: String, axe: String = ""
    ) throws -> [JSONValue] {
        let file = try folder.write(views, to: "views")
        let script = "\(Repository.root)/Tests/EndToEndTests/Page/browse.py"
        let browse = try ChildProcess(
            "/bin/sh",
            [
                "-c",
                "exec python3 -B \(script) http://127.0.0.1:\(gateway.adminPort) \(token) "
                    + "\(folder.path) \(axe) < \(file)",
            ])
        #expect(try browse.wait(seconds: 300) == 0, "\(browse.text)")
        return try JSONValue(parsing: browse.text)["views"]?.elements ?? []
    }

    /// The script of axe, which looks for what hinders readers.
    private static func axe() throws -> String {
        let environment = try ChildProcess(
            "\(Repository.root)/Tests/EndToEndTests/SDK/venv",
            ["\(Repository.root)/.build/axe-venv", "--no-deps", "axe-playwright-python"])
        try #require(try environment.wait(seconds: 300) == 0, "\(environment.text)")
        let find = try ChildProcess(
            "/usr/bin/find", ["\(Repository.root)/.build/axe-venv", "-name", "axe.min.js"])
        try #require(try find.wait() == 0)
        return String(find.text.split(separator: "\n").first ?? "")
    }

    /// A report of `weir bench` whose names mean harm.
    private static var hostileReport: String {
        let name = JSONValue.string(hostile)
        return """
            {"scenarios":[{"name":\(name),"rounds":3,"streams":true,"targets":[{"name":\(name),
            "verified":9,"calls_per_second":12.5,"errors":{\(name):1},
            "added_first_content_us":{"median":110}}]}]}
            """
    }

    /// A call that the gateway refuses; its name.
    private static func makeRefusedCall(_ gateway: GatewayProcess) throws -> String {
        let answer = try RawConnection(port: gateway.port).exchange(
            "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(answer.status == 404)
        let name = try #require(answer["x-weir-id"])
        try gateway.await("the refused call") { try api(gateway, "calls/\(name)").status == 200 }
        return name
    }

    @Test(
        "opens in a browser: every view, no complaint, no request elsewhere, nothing hostile runs")
    func browser() throws {
        let vendor = try MockProcess()
        let enemy = try HostileVendor.start()
        defer { enemy.stop() }
        let gateway = try Self.gateway(vendor.port, enemy: enemy.port)
        let hostile = try Self.makeCalls(gateway)
        let answers = try Self.makeHostileCalls(gateway)
        let refused = try Self.makeRefusedCall(gateway)
        let folder = try TemporaryFolder()
        let name = Self.hostile.replacing(" ", with: "%20")
        let report = try folder.write(Self.hostileReport, to: "report.json")
        let views =
            """
            now\tVendors
            calls\tThe newest first
            calls?vendor=nothing\tNo call matches
            call/\(hostile)\tConversation
            call/\(refused)\tNo vendor was asked
            sessions\tsession-1
            session?name=session-1\tMain agent
            spend\tBy model
            chains\tWhat would happen
            bench\tA report of\t\(report)\tVerified
            nothing\tThere is no such view
            nothing/%E0%A4%A\tThere is no such view
            calls?chain=\(name)\tThe newest first
            calls?session=\(name)\tThe newest first
            session?name=\(name)\tAll of it

            """ + answers.map { "call/\($0)\tConversation\n" }.joined()
        let shown = try Self.browse(gateway, folder, views, axe: try Self.axe())
        #expect(shown.count == 15 + answers.count)
        for view in shown {
            #expect(view["complaints"]?.elements == [], "\(view)")
            #expect(view["elsewhere"]?.elements == [], "\(view)")
            #expect(view["scripts"]?.integer == 0 && view["ran"]?.text == "", "\(view)")
            #expect(view["marks"] == .bool(false), "\(view)")
            #expect(view["wide"]?.elements == [], "\(view)")
            #expect(view["axe"]?.elements ?? [] == [], "\(view)")
        }
        if let kept = unsafe getenv("WEIR_TEST_PICTURES") {
            let copy = try ChildProcess(
                "/bin/sh", ["-c", "cp \(folder.path)/*.png \(unsafe String(cString: kept))"])
            #expect(try copy.wait() == 0)
        }
    }

    @Test("has the numbers of weir logs stats")
    func numbers() throws {
        let vendor = try MockProcess()
        let gateway = try Self.gateway(vendor.port)
        _ = try Self.makeCalls(gateway)
        let page = try JSONValue(parsing: Self.api(gateway, "stats?by=vendor,model&since=90d").text)
        let stats = try ChildProcess(
            try Binaries.weir,
            ["logs", "stats", "--json", "--path", gateway.recordPath])
        #expect(try stats.wait() == 0)
        let lines = try stats.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines.count > 1 && page["lines"]?.elements == lines)
        let days = try JSONValue(parsing: Self.api(gateway, "days?since=2d").text)
        let calls = (days["days"]?.elements ?? []).reduce(0) { $0 + ($1["calls"]?.integer ?? 0) }
        #expect(calls == lines.reduce(0) { $0 + ($1["calls"]?.integer ?? 0) })
    }

    @Test("follows calls as they are stored")
    func live() throws {
        let vendor = try MockProcess()
        let gateway = try Self.gateway(vendor.port)
        let page = try RawConnection(port: gateway.adminPort)
        try page.send(
            "GET /api/tail?vendor=openai HTTP/1.1\r\nHost: localhost\r\n"
                + "Authorization: Bearer \(Self.token)\r\n\r\n")
        let head = try page.take(through: "\r\n\r\n")
        #expect(head.contains("text/event-stream") && head.contains("content-security-policy"))
        _ = try page.take(through: ": weir")
        try Self.call(gateway, "{\"model\":\"gpt-4o\",\"messages\":[]}")
        #expect(try page.take(through: "\"vendor\":\"openai\"").contains("event: call"))
        let now = try RawConnection(port: gateway.adminPort)
        try now.send(
            "GET /api/live HTTP/1.1\r\nHost: localhost\r\n"
                + "Authorization: Bearer \(Self.token)\r\n\r\n"
        )
        for _ in 0..<2 { _ = try now.take(through: "event: now") }
    }

    @Test("shows nothing without the token, and no content unless that is said")
    func closed() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            "[vendors.openai]\nbase_url = \"http://127.0.0.1:\(vendor.port)/v1\"\n",
            adminToken: Self.token)
        try Self.call(gateway, "{\"model\":\"gpt-4o\",\"messages\":[\"canary-prompt\"]}")
        var name = ""
        try gateway.await("the record") {
            let found = try JSONValue(parsing: Self.api(gateway, "calls").text)["calls"]?.elements
            name = found?.first?["id"]?.text ?? ""
            return !name.isEmpty
        }
        for path in ["status", "calls", "live", "tail", "stats", "calls/\(name)", "route"] {
            #expect(try gateway.page("/api/\(path)").status == 401, "\(path)")
        }
        #expect(try gateway.page("/").status == 303)
        let call = try Self.api(gateway, "calls/\(name)")
        #expect(call.status == 200 && !call.text.contains("canary-prompt"))
        #expect(try Self.api(gateway, "calls/\(name)/request").status == 403)
        #expect(try Self.api(gateway, "calls?text=canary").status == 400)
        #expect(try Self.api(gateway, "nothing").status == 404)
    }
}
