import Glibc
import JSON
import Primitives
import Support
import Testing

@Suite("The record")
struct RecordTests {
    /// `weir logs` on a gateway's record.
    @discardableResult
    static func logs(
        _ gateway: GatewayProcess, _ arguments: [String]
    ) throws -> (status: Int32, text: String) {
        try logs(gateway.recordPath, arguments)
    }

    static func logs(_ path: String, _ arguments: [String]) throws -> (status: Int32, text: String)
    {
        let process = try ChildProcess(
            try Binaries.weir, ["logs"] + arguments + ["--path", path])
        let status = try process.wait()
        return (status, process.text)
    }

    /// The records of a gateway, as `list --json` prints them.
    static func records(_ path: String, _ arguments: [String] = []) throws -> [JSONValue] {
        let list = try logs(path, ["list", "--json", "--limit", "100000"] + arguments)
        return try list.text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    }

    static func request(
        _ path: String, _ body: String, _ fields: String = ""
    ) -> String {
        "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    static func call(
        _ gateway: GatewayProcess, _ request: String
    ) throws -> (id: String, response: RawResponse) {
        let response = try RawConnection(port: gateway.port).exchange(request)
        return (response["x-weir-id"] ?? "", response)
    }

    static func awaitStored(_ gateway: GatewayProcess, _ count: Int) throws {
        try gateway.await("\(count) records") {
            try gateway.metric("weir_records_stored_total") == count
        }
    }

    static let chat = #"{"model":"gpt-4o","stream":true,"messages":[]}"#

    @Test("every dialect's calls are remembered: who, what, how long, how many tokens")
    func dialects() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let usage = #"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}"#
        let claude = #"{"model":"claude-x","stream":true,"max_tokens":9,"messages":[]}"#
        let calls: [(request: String, dialect: String, model: String)] = [
            (Self.request("/v1/chat/completions", usage), "openai", "gpt-4o"),
            (Self.request("/v1/responses", #"{"model":"gpt-5","input":"x"}"#), "openai", "gpt-5"),
            (Self.request("/v1/messages", claude), "anthropic", "claude-x"),
            (
                Self.request("/v1beta/models/gemini-x:streamGenerateContent?alt=sse&key=k", "{}"),
                "gemini", "gemini-x"
            ),
        ]
        for call in calls {
            let (id, response) = try Self.call(gateway, call.request)
            #expect(response.isWhole)
            try gateway.await("the record") {
                try Self.logs(gateway, ["show", id, "--json"]).status == 0
            }
            let record = try JSONValue(
                parsing: try Self.logs(gateway, ["show", id, "--json"]).text)
            #expect(record["dialect"]?.text == call.dialect)
            #expect(record["model"]?.text == call.model)
            #expect(record["outcome"]?.text == "complete")
            #expect(record["usage_state"]?.text == "reported", "\(record)")
            #expect((record["output_tokens"]?.integer ?? 0) > 0)
            #expect(record["response_body"]?.text?.utf8.count == response.body.count)
            let show = "\(try Binaries.weir) logs show \(id) --path \(gateway.recordPath)"
            let file = try gateway.write(response.body)
            let raw = try ChildProcess(
                "/bin/sh", ["-c", "\(show) --raw response 2>/dev/null | cmp - \(file)"])
            #expect(try raw.wait() == 0)
        }
        let verify = try Self.logs(gateway, ["verify"])
        #expect(verify.status == 0)
        let bodies =
            "fields and bodies of 4 records: 4 whole, 0 gone with their segments, 0 damaged\n"
        #expect(verify.text == "emitted 4 = stored 4 + dropped 0 + pending 0\n" + bodies)
    }

    @Test("bodies are compressed by order, and read as before")
    func sealing() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let prompt = String(repeating: "one word after the other, ", count: 400)
        let body = #"{"model":"gpt-4o","stream":true,"messages":[{"content":"\#(prompt)"}]}"#
        var ids: [String] = []
        for _ in 0..<8 {
            ids.append(try Self.call(gateway, Self.request("/v1/chat/completions", body)).id)
        }
        try Self.awaitStored(gateway, 8)
        let shown = try ids.map { try Self.logs(gateway, ["show", $0, "--json"]).text }
        let seal = try Self.logs(gateway, ["seal", "--json"])
        #expect(seal.status == 0, "\(seal.text)")
        // The gateway packs it, too: one of the two did when the command ends.
        let size = try ChildProcess(
            "/bin/sh",
            ["-c", "test $(stat -c %s \(gateway.recordPath)/segments/00000001.seg) -lt 9000"])
        #expect(try size.wait() == 0)
        ids.append(try Self.call(gateway, Self.request("/v1/chat/completions", body)).id)
        try Self.awaitStored(gateway, 9)
        gateway.process.signal(SIGTERM)
        #expect(try gateway.process.wait() == 0)
        let last = ids.removeLast()
        let again = try Self.logs(gateway, ["seal", "--json"])
        let result = try JSONValue(parsing: again.text)
        #expect(again.status == 0 && result["segment"]?.integer == 2, "\(again.text)")
        #expect((result["before"]?.integer ?? 0) > (result["after"]?.integer ?? .max))
        #expect(try Self.logs(gateway, ["show", last]).status == 0)
        #expect(try ids.map { try Self.logs(gateway, ["show", $0, "--json"]).text } == shown)
        #expect(try Self.records(gateway.recordPath, ["--text", "after the other"]).count == 9)
        #expect(try Self.logs(gateway, ["verify"]).text.contains("9 records: 9 whole, 0 gone"))
        #expect(try Self.logs(gateway, ["seal"]).text.isEmpty)
        let file = "\(gateway.recordPath)/segments/00000001.seg"
        let cut = try ChildProcess("/bin/sh", ["-c", "truncate -s 100 \(file)"])
        #expect(try cut.wait() == 0)
        let damaged = try Self.logs(gateway, ["verify"])
        #expect(damaged.status == 1 && damaged.text.contains("1 whole, 0 gone"), "\(damaged.text)")
        #expect(damaged.text.contains("request_body is damaged: segment 1, offset "))
        let remove = try ChildProcess("/bin/rm", [file])
        #expect(try remove.wait() == 0)
        #expect(try Self.logs(gateway, ["show", ids[0]]).text.contains("segment 1 is gone"))
        // Neither retain nor max_size took it, so that it is lost, which no count of records shows.
        let lost = try Self.logs(gateway, ["verify"])
        #expect(lost.status == 1 && lost.text.contains("segment 1 IS NOT THERE"), "\(lost.text)")
    }

    @Test("while the gateway runs a session is forgotten, and the record is copied and restored")
    func forgetting() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        var ids: [String] = []
        for number in 0..<6 {
            let name = number % 2 == 0 ? "kept" : "gone"
            let body = #"{"model":"gpt-4o","messages":[{"content":"the \#(name) secret"}]}"#
            let field = "X-Claude-Code-Session-Id: \(name)-session\r\n"
            ids.append(
                try Self.call(gateway, Self.request("/v1/chat/completions", body, field)).id)
        }
        try Self.awaitStored(gateway, 6)
        func isInFolder(_ text: String) throws -> Bool {
            let grep = try ChildProcess("/bin/grep", ["-r", "-q", "-a", text, gateway.recordPath])
            return try grep.wait() == 0
        }
        // Rings are wiped as they are read; the store keeps both.
        #expect(try isInFolder("kept secret") && isInFolder("gone secret"))
        #expect(try Self.logs(gateway, ["show", ids[1], "--raw", "request"]).status == 0)
        let forgotten = try Self.logs(gateway, ["forget", "--session", "gone-session"])
        #expect(forgotten.status == 0 && forgotten.text == "erased the text of 3 exchanges\n")
        #expect(try isInFolder("kept secret") && !isInFolder("gone secret"))
        #expect(try Self.logs(gateway, ["show", ids[1], "--raw", "request"]).status == 1)

        let folder = try TemporaryFolder()
        let copy = "\(folder.path)/record.tar"
        #expect(try Self.logs(gateway, ["backup", copy]).status == 0)
        #expect(try Self.logs(gateway, ["restore", copy, "--replace"]).status == 1)
        let restored = "\(folder.path)/record"
        #expect(try Self.logs(restored, ["restore", copy]).status == 0)
        for path in [gateway.recordPath, restored] {
            let verify = try Self.logs(path, ["verify"])
            #expect(verify.status == 0)
            #expect(verify.text.contains("3 records: 3 whole, 0 gone"), "\(verify.text)")
        }
        for id in ids {
            #expect(
                try Self.logs(restored, ["show", id, "--json"]).text
                    == Self.logs(gateway, ["show", id, "--json"]).text)
        }
    }

    @Test("the commands answer, and end with 1 where nothing matched and 2 where nothing was meant")
    func commands() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        #expect(try Self.logs(gateway, ["list"]).status == 1)
        for number in 0..<6 {
            let script = number % 3 == 0 ? "X-Mock-Status: 429\r\n" : "X-Mock-Chunks: 5\r\n"
            _ = try Self.call(
                gateway, Self.request("/v1/chat/completions", Self.chat, script))
        }
        try Self.awaitStored(gateway, 6)
        let list = try Self.logs(gateway, ["list"])
        #expect(list.status == 0 && list.text.split(separator: "\n").count == 7)
        #expect(try Self.records(gateway.recordPath, ["--status", "4xx"]).count == 2)
        #expect(
            try Self.records(gateway.recordPath, ["--since", "5m", "--model", "gpt*"]).count == 6)
        #expect(try Self.records(gateway.recordPath, ["--text", "rate limit"]).count >= 0)
        let none = try Self.logs(gateway, ["list", "--vendor", "unknown"])
        #expect(none.status == 1 && none.text.isEmpty)
        for wrong in [
            ["list", "--status", "9"], ["list", "--since", "yesterday"], ["show"],
            ["export", "--format", "xml"], ["export", "--format", "csv", "--bodies"],
            ["stats", "--reprice"],
        ] { #expect(try Self.logs(gateway, wrong).status == 2, "\(wrong)") }
        #expect(try Self.logs(gateway, ["show", "ZZZZ"]).status == 1)
        #expect(try Self.logs("/nowhere", ["list"]).status == 1)
        let stats = try Self.logs(gateway, ["stats", "--plot"])
        #expect(stats.status == 0 && stats.text.contains("█") && stats.text.contains("p99"))
        let csv = try Self.logs(gateway, ["export", "--format", "csv"])
        #expect(csv.text.split(separator: "\r\n").count == 7)
        let id = try #require(try Self.records(gateway.recordPath).first?["id"]?.text)
        let show = try Self.logs(gateway, ["show", String(id.prefix(20))])
        #expect(show.status == 0 || show.text.contains("several"))
        let whole = try Self.logs(gateway, ["show", id])
        for word in ["outcome", "tokens", "attempt", "openai"] {
            #expect(whole.text.contains(word))
        }
    }

    @Test("tail follows what comes, and stops at a signal")
    func tail() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let first = try Self.call(gateway, Self.request("/v1/chat/completions", Self.chat)).id
        try Self.awaitStored(gateway, 1)
        let tail = try ChildProcess(
            try Binaries.weir, ["logs", "tail", "--follow", "--path", gateway.recordPath])
        try tail.awaitLine(first)
        let second = try Self.call(gateway, Self.request("/v1/chat/completions", Self.chat)).id
        try tail.awaitLine(second)
        tail.signal(SIGINT)
        #expect(try tail.wait(seconds: 10) != 0)
        // One whose reader has gone ends without another line to write.
        let piped = try ChildProcess(
            "/bin/sh",
            [
                "-c",
                "\(try Binaries.weir) logs tail --follow --path \(gateway.recordPath) | head -n 1",
            ])
        #expect(try piped.wait(seconds: 30) == 0)
    }

    @Test("usage that the client did not ask for is recorded, and the client does not see it")
    func injected() throws {
        let vendor = try MockProcess()
        func gateway(_ policy: String, _ chain: String) throws -> GatewayProcess {
            try GatewayProcess(
                """
                [vendors.openai]
                base_url = "http://127.0.0.1:\(vendor.port)/v1"
                include_usage = "\(policy)"
                [vendors.second]
                dialect = "openai"
                base_url = "http://127.0.0.1:\(vendor.port)/v1"
                credential = "none"
                \(chain)
                """)
        }
        let chain = """
            [[chains]]
            name = "all"
            targets = [{ vendor = "openai", model = "other" }, { vendor = "second" }]
            """
        let plain = try gateway("client", "")
        let request = Self.request("/v1/chat/completions", Self.chat, "X-Mock-Cut: 7\r\n")
        let expected = try Self.call(plain, request).response
        for chain in ["", chain] {
            let asking = try gateway("inject", chain)
            let (id, response) = try Self.call(asking, request)
            // Each chunk says that it has no usage; the one that has any is gone.
            let text = response.text.replacing(",\"usage\":null", with: "")
                .replacing("\"other\"", with: "\"gpt-4o\"")
            #expect(text == expected.text && response.isWhole)
            try asking.await("the record") {
                try Self.logs(asking, ["show", id, "--json"]).status == 0
            }
            let record = try JSONValue(parsing: try Self.logs(asking, ["show", id, "--json"]).text)
            #expect(record["usage_state"]?.text == "reported")
            #expect(record["input_tokens"]?.integer == 14)
        }
        let asked = Self.request(
            "/v1/chat/completions",
            #"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}"#)
        let both = try [plain, gateway("inject", "")].map { try Self.call($0, asked).response.text }
        #expect(both[0] == both[1] && both[0].contains("\"prompt_tokens\":14"))
    }

    @Test(
        "an answer whose client has gone is recorded to its end, usage and all, where it is drained"
    )
    func detached() throws {
        let vendor = try MockProcess()
        for (policy, isWhole, isGiven) in [
            ("continue", true, true), ("continue", true, false), ("cancel", false, true),
        ] {
            let gateway = try GatewayProcess(
                """
                [vendors.openai]
                base_url = "http://127.0.0.1:\(vendor.port)/v1"
                on_client_disconnect = "\(policy)"
                """)
            let asked = #"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}"#
            let script = isGiven ? "X-Mock-Delay: 20\r\n" : "X-Mock-TTFT: 300\r\n"
            let client = try RawConnection(port: gateway.port)
            try client.send(
                Self.request("/v1/chat/completions", isGiven ? asked : #"{"model":"m"}"#, script))
            if isGiven {
                _ = try client.take(through: "stream ")
            } else {
                try gateway.await("the attempt") {
                    try gateway.metric("weir_attempts_total", where: "openai") == 1
                }
            }
            client.close()
            try Self.awaitStored(gateway, 1)
            let record = try #require(try Self.records(gateway.recordPath).first)
            #expect(record["outcome"]?.text == "client_cancelled")
            // The status is what the client was given.
            #expect(record["status"]?.integer == (isGiven ? 200 : 0), "\(record)")
            #expect(record["vendor"]?.text == "openai")
            #expect((record["usage_state"]?.text == "reported") == isWhole)
            #expect((record["finish_reason"]?.text == "stop") == isWhole)
            #expect(try gateway.metric("weir_detached_answers_total") == (isWhole ? 1 : 0))
        }
    }

    @Test("an answer that was kept is recorded as what it was, whatever another vendor did since")
    func kept() throws {
        let vendor = try MockProcess()
        let broken = try ByteVendor { connection, _ in
            _ = try connection.request()
            try connection.send(
                "HTTP/1.1 503 No\r\nContent-Length: 9000\r\n\r\n"
                    + String(repeating: "x", count: 5000))
            connection.reset()
        }
        defer { broken.stop() }
        let closed = try ByteVendor.closedPort()
        for others in [[closed], [broken.port, closed]] {
            let ports = [vendor.port] + others
            let vendors = ports.enumerated().map { index, port in
                """
                [vendors.v\(index)]
                dialect = "openai"
                base_url = "http://127.0.0.1:\(port)/v1"
                credential = "none"
                """
            }
            let targets = ports.indices.map { "{ vendor = \"v\($0)\" }" }
            let chain =
                "\n[[chains]]\nname = \"all\"\ntargets = [\(targets.joined(separator: ", "))]\n"
            let gateway = try GatewayProcess(vendors.joined(separator: "\n") + chain)
            let request = Self.request(
                "/v1/chat/completions", Self.chat, "X-Mock-Status: 429\r\n")
            let (id, response) = try Self.call(gateway, request)
            #expect(response.status == 429 && response["x-weir-vendor"] == "v0")
            try Self.awaitStored(gateway, 1)
            let record = try JSONValue(
                parsing: try Self.logs(gateway, ["show", id, "--json"]).text)
            #expect(record["vendor"]?.text == "v0" && record["answered"]?.integer == 1)
            #expect(record["status"]?.integer == 429, "\(record)")
            #expect(record["response_bytes"]?.integer == response.body.count)
            let attempts = try #require(record["attempts"]?.elements)
            #expect(attempts.map { $0["vendor"]?.text } == ports.indices.map { "v\($0)" })
            let head = try #require(record["head_us"]?.integer)
            #expect(head == attempts[0]["head_us"]?.integer)
            let next = try #require(attempts[1]["began_us"]?.integer)
            #expect(head...next ~= (try #require(record["last_byte_us"]?.integer)))
        }
    }

    @Test("tokens are priced by the configuration, and repriced by another")
    func prices() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(
            vendor: vendor.port,
            log: "[prices]\nversion = \"mine\"\n[prices.models.\"gpt*\"]\ninput = 1000\noutput = 1",
            folder: folder)
        let body = #"{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}"#
        _ = try Self.call(
            gateway, Self.request("/v1/chat/completions", body, "X-Mock-Chunks: 6\r\n"))
        try Self.awaitStored(gateway, 1)
        let record = try #require(try Self.records(gateway.recordPath).first)
        #expect(record["cost_usd"]?.double == 0.014006)
        #expect(record["price_version"]?.text?.hasPrefix("mine 20") == true)
        let file = try folder.write(
            #"{"gpt-4o":{"input_cost_per_token":1,"output_cost_per_token":0}}"#, to: "prices.json")
        let config = try folder.write(
            "[log]\npath = \"\(gateway.recordPath)\"\n[prices]\nfile = \"\(file)\"\n",
            to: "reprice.toml")
        let stats = try ChildProcess(
            try Binaries.weir, ["logs", "stats", "--reprice", "--json", "--config", config])
        #expect(try stats.wait() == 0)
        #expect(try JSONValue(parsing: stats.text)["cost_usd"]?.double == 14)
    }

    @Test("a second gateway on one folder is refused, and the first goes on")
    func twoProcesses() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(vendor: vendor.port, folder: folder)
        let second = try ChildProcess(
            try Binaries.weir, ["serve", "--config", "\(folder.path)/config.toml"])
        #expect(try second.wait() == 1)
        #expect(second.text.contains("in use by another gateway, process \(gateway.process.pid)"))
        #expect(
            try Self.call(gateway, Self.request("/v1/chat/completions", Self.chat)).response.isWhole
        )
    }
}
