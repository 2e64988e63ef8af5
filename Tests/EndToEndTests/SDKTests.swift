import Support
import Testbed
import Testing

@Suite("Official SDKs")
struct SDKTests {
    private static let folder = "\(Repository.root)/Tests/EndToEndTests/SDK"

    /// The interpreter of an environment with the newest SDKs.
    static func python() throws -> String {
        let venv = try ChildProcess("\(folder)/venv", ["\(Repository.root)/.build/sdk-venv"])
        try #require(try venv.wait(seconds: 600) == 0, "\(venv.text)")
        return String(venv.text.split(separator: "\n").last ?? "")
    }

    @Test("through the gateway see, and are seen, exactly as without it")
    func calls() throws {
        let python = try Self.python()
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port)
        let calls = try ChildProcess(
            python, ["\(Self.folder)/calls.py", "\(vendor.port)", "\(gateway.port)"]
        )
        let status = try calls.wait(seconds: 300)
        #expect(status == 0, "\(calls.text)")
        #expect(calls.text.contains("23 calls, 0 differ"))
    }

    @Test("read a translated stream as one of their own dialect, and a cut one as none")
    func translation() throws {
        let python = try Self.python()
        let reading = try ChildProcess(
            python, ["\(Self.folder)/translation.py", try Binaries.weir])
        let status = try reading.wait(seconds: 600)
        #expect(status == 0, "\(reading.text)")
        #expect(reading.text.contains("80 streams, 0 differ"), "\(reading.text)")
    }

    @Test("raise the right exception for each refusal of a key, and try none again in vain")
    func refusals() throws {
        let python = try Self.python()
        let vendor = try MockProcess()
        var toml = ""
        for (dialect, base) in [("openai", "/v1"), ("anthropic", ""), ("gemini", "")] {
            toml += "[vendors.\(dialect)]\nbase_url = \"http://127.0.0.1:\(vendor.port)\(base)\"\n"
            toml += "credential = \"gateway-canary\"\n"
        }
        toml += "[prices.models.\"*\"]\ninput = 1\noutput = 10\nmax_output = 100\n"
        var arguments: [String] = []
        for (name, lines) in [
            ("limited", "requests = \"1/1h\""), ("spent", "budget = \"$0.000001/month\""),
            ("narrow", "models = [\"other\"]"), ("expired", "expires = 2020-01-01"),
            ("large", "tokens = \"5/1h\""), ("soon", "requests = \"1/1s\""),
        ] {
            let (key, text) = try AccessCommandTests.newKey(name)
            toml += "\(text)\n\(lines)\n"
            arguments.append("\(name)=\(key)")
        }
        arguments.append("unknown=\(try AccessCommandTests.newKey("unknown").key)")
        // A typing error: the last letter is another one.
        let typo = try AccessCommandTests.newKey("typo").key
        arguments.append("malformed=\(typo.dropLast())\(typo.hasSuffix("0") ? "1" : "0")")
        let gateway = try GatewayProcess(toml)
        // The only one that the limit lets pass.
        let limited = String(arguments[0].dropFirst("limited=".count))
        let first = try RawConnection(port: gateway.port).exchange(
            RecordTests.request(
                "/v1/chat/completions", "{\"model\":\"m\"}", "x-weir-key: \(limited)\r\n"))
        #expect(first.status == 200)
        let calls = try ChildProcess(
            python,
            ["\(Self.folder)/refusals.py", "\(gateway.port)", "\(gateway.adminPort)"] + arguments)
        let status = try calls.wait(seconds: 300)
        #expect(status == 0, "\(calls.text)")
        #expect(calls.text.contains("55 refusals, 0 wrong"), "\(calls.text)")
        #expect(!gateway.process.text.contains("weir_"))
    }

    /// A vendor's table; what it does wrong is asked of the scripted vendor through its own fields.
    private static func vendor(
        _ name: String, _ dialect: String, _ port: Int, _ fields: String = ""
    ) -> String {
        """
        [vendors.\(name)-\(dialect)]
        dialect = "\(dialect)"
        base_url = "http://127.0.0.1:\(port)\(dialect == "openai" ? "/v1" : "")"
        credential = "key-of-\(name)"
        headers = { \(fields) }

        """
    }

    private static func chain(
        _ way: String, _ first: String, _ second: String?, _ more: String = ""
    ) -> String {
        let targets = ["openai", "anthropic", "gemini"].flatMap { dialect in
            [first, second].compactMap(\.self).map { "{ vendor = \"\($0)-\(dialect)\" }" }
        }
        return """
            [[chains]]
            name = "\(way)"
            prefix = "/\(way)"
            # The last vendor's own error is what is asked for here, and of its own dialect.
            translate = false
            \(more)
            targets = [\(targets.joined(separator: ", "))]
            [chains.clocks]
            first_content = "500ms"

            """
    }

    @Test("see one right answer behind signs of life while a vendor stalls, or the right exception")
    func heartbeats() throws {
        let python = try Self.python()
        let vendor = try MockProcess()
        // It says nothing, or sends a head and nothing behind it.
        let ways = [
            ("silent", "\"X-Mock-Hang\" = \"1\""), ("late", "\"X-Mock-Ttft\" = \"3600000\""),
            ("quiet", "\"X-Mock-Hang\" = \"1\""),
        ]
        var toml = ""
        for dialect in ["openai", "anthropic", "gemini"] {
            toml += Self.vendor("good", dialect, vendor.port)
            for (way, fields) in ways {
                toml +=
                    Self.vendor(way, dialect, vendor.port, fields)
                    + "first_content = \"1s\"\n"
            }
        }
        for (way, _) in ways {
            toml += Self.chain(way, way, "good", "heartbeat = \"100ms\"")
        }
        toml += Self.chain("alone", "silent", nil, "heartbeat = \"100ms\"")
        let gateway = try GatewayProcess(toml)
        let calls = try ChildProcess(
            python,
            ["\(Self.folder)/heartbeats.py", "\(vendor.port)", "\(gateway.port)"]
                + ["quiet", "silent", "alone", "late"])
        let status = try calls.wait(seconds: 300)
        #expect(status == 0, "\(calls.text)")
        #expect(calls.text.contains("15 checks, 0 wrong"), "\(calls.text)")
    }

    @Test("in front of a chain whose first vendor fails see one answer; of a dead one, their error")
    func failover() throws {
        let python = try Self.python()
        let vendor = try MockProcess()
        let down = try ByteVendor.closedPort()
        let ways = [
            ("status-500", "\"X-Mock-Status\" = \"500\""),
            ("status-429", "\"X-Mock-Status\" = \"429\""),
            ("status-529", "\"X-Mock-Status\" = \"529\""),
            ("no-head", "\"X-Mock-Fault\" = \"no_head\""),
            ("half-head", "\"X-Mock-Fault\" = \"half_head\""), ("hang", "\"X-Mock-Hang\" = \"1\""),
            ("garbage", "\"X-Mock-Fault\" = \"garbage\""), ("slow", "\"X-Mock-Ttft\" = \"5000\""),
        ]
        let dialects = ["openai", "anthropic", "gemini"]
        var toml = ""
        for dialect in dialects {
            toml += Self.vendor("good", dialect, vendor.port)
            toml += Self.vendor("down", dialect, down)
            toml += Self.vendor("limited", dialect, vendor.port, "\"X-Mock-Status\" = \"429\"")
            toml += Self.vendor("busy", dialect, vendor.port, "\"X-Mock-Status\" = \"503\"")
            for (way, fields) in ways { toml += Self.vendor(way, dialect, vendor.port, fields) }
        }
        for (way, _) in ways { toml += Self.chain(way, way, "good") }
        toml += Self.chain("refused", "down", "good")
        toml += Self.chain("all-429", "down", "limited") + Self.chain("all-503", "busy", "busy")
        toml += Self.chain("all-down", "down", "down")
        let gateway = try GatewayProcess(toml)
        let calls = try ChildProcess(
            python,
            ["\(Self.folder)/failover.py", "\(vendor.port)", "\(gateway.port)"] + ways.map(\.0)
                + ["refused", "all-429", "all-503", "all-down"]
        )
        let status = try calls.wait(seconds: 300)
        #expect(status == 0, "\(calls.text)")
        #expect(calls.text.contains(" 0 wrong"))
        #expect(!gateway.process.text.contains("key-of-"))
    }
}

/// `weir mock`, started on a free port.
final class MockProcess {
    let process: ChildProcess
    let port: Int

    init() throws {
        process = try ChildProcess(try Binaries.weir, ["mock", "--listen", "127.0.0.1:0"])
        let line = try process.awaitLine("mock vendor on port ")
        port = Int(line.split(separator: " ").last ?? "") ?? 0
    }

    /// What it saw.
    func statistics() throws -> VendorView {
        let response = try RawConnection(port: port).exchange(
            "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        return try VendorView(response.text)
    }
}
