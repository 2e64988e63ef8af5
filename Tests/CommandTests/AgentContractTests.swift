import Config
import Primitives
import Reactor
import Support
import Testbed
import Testing
import Transfers

@testable import weir

@Suite("Contracts of agents")
struct AgentContractTests {
    private static let isPrepared = Curl.initialize()

    private static func origin(_ port: Int) -> Endpoint.Origin {
        Endpoint.Origin(scheme: "http", host: "127.0.0.1", port: port)
    }

    private static func vendor() throws -> ScriptedVendor {
        guard isPrepared, let address = SocketAddress("127.0.0.1:0") else {
            throw SystemError(call: "curl_global_init")
        }
        return try ScriptedVendor(listen: address)
    }

    /// The findings at a server that stands for a gateway.
    private static func findings(
        _ agent: String, gateway: Int, vendor: Int?, _ toml: String = ""
    ) throws -> [String: AgentContract.Finding] {
        let nowhere = SecretSource(environment: { _ in nil }, file: { _ in nil })
        let contract = try #require(AgentContract(of: agent))
        let visit = AgentVisit(
            gateway: origin(gateway), trust: nil, prefix: "", vendor: vendor.map(origin),
            configuration: try Configuration.read(toml, file: "a", secrets: nowhere).configuration,
            key: contract.key, model: contract.model)
        var findings: [String: AgentContract.Finding] = [:]
        for row in contract.rows {
            #expect(findings[row.name] == nil, "two rows \(row.name)")
            findings[row.name] = try row.judge(visit)
        }
        return findings
    }

    @Test("hold at the vendor itself, but for what a gateway does", arguments: AgentContract.names)
    func vendorItself(_ agent: String) throws {
        let vendor = try Self.vendor()
        defer { vendor.stop() }
        let findings = try Self.findings(agent, gateway: vendor.port, vendor: vendor.port)
        for (name, finding) in findings {
            // Only a gateway keeps the warmer from the vendor.
            let isGateways = agent == "claude-code" && name == "A3"
            if isGateways {
                #expect(finding != .holds)
            } else {
                #expect(finding == .holds, "\(name)")
            }
        }
    }

    @Test("fail at a gateway that asks no vendor, row by row", arguments: AgentContract.names)
    func anotherVendor(_ agent: String) throws {
        let gateway = try Self.vendor()
        defer { gateway.stop() }
        let vendor = try Self.vendor()
        defer { vendor.stop() }
        let findings = try Self.findings(agent, gateway: gateway.port, vendor: vendor.port)
        let failing = findings.filter { entry in
            guard case .fails(let reason) = entry.value else { return false }
            return reason.contains("the vendor was not asked")
        }
        #expect(failing.count >= 4, "\(findings)")
    }

    @Test("fail at a gateway that answers nothing or everything in its own way")
    func worse() throws {
        let gateway = try ByteVendor { connection, _ in
            while true {
                _ = try connection.request()
                try connection.send(
                    "HTTP/1.1 301 Moved\r\nLocation: /v2\r\nContent-Length: 0\r\n\r\n")
            }
        }
        defer { gateway.stop() }
        let vendor = try Self.vendor()
        defer { vendor.stop() }
        for agent in AgentContract.names {
            let findings = try Self.findings(agent, gateway: gateway.port, vendor: vendor.port)
            let holding = findings.filter { $0.value == .holds }.map(\.key).sorted()
            // What the configuration alone decides, and the warmer, which bears any status.
            #expect(holding == (agent == "claude-code" ? ["A3", "D3"] : ["S3"]), "\(agent)")
        }
    }

    @Test("are not judged where the vendor's side cannot be seen")
    func unseen() throws {
        let vendor = try Self.vendor()
        defer { vendor.stop() }
        let findings = try Self.findings("claude-code", gateway: vendor.port, vendor: nil)
        for name in ["B1", "B5", "B6", "C1", "E1", "E4"] {
            guard case .unseen = findings[name] else {
                Issue.record("\(name): \(String(describing: findings[name]))")
                continue
            }
        }
        #expect(findings["A1"] == .holds && findings["D6"] == .holds)
    }

    @Test("fail where a clock is shorter than the silence that the agent bears")
    func clocks() throws {
        let vendor = try Self.vendor()
        defer { vendor.stop() }
        let toml = """
            [vendors.openai]
            idle = "299s"
            [[chains]]
            name = "c"
            targets = [{ vendor = "openai" }]
            [chains.clocks]
            idle = "600s"
            content_idle = "20s"
            """
        let finding = try Self.findings(
            "codex", gateway: vendor.port, vendor: vendor.port, toml)["S3"]
        #expect(
            finding
                == .fails("idle of vendor openai is 299s, content_idle of chain c is 20s"),
            "\(String(describing: finding))")
    }

    @Test("a rehearsal asks no vendor but the scripted one, and with no secret of the file's")
    func rehearsal() throws {
        let secrets = SecretSource(environment: { "canary-\($0)" }, file: { _ in nil })
        let toml = """
            [server]
            listen = "0.0.0.0:8080"
            anonymous = true
            [admin]
            token = "env:A"
            [vendors.openai]
            base_url = "https://api.example.com/base/v1?api-key=canary-query"
            credential = "env:B"
            headers = { "x-secret" = "env:C", "x-plain" = "p" }
            proxy = "http://user:canary-proxy@proxy:3128"
            [vendors.local]
            dialect = "openai"
            base_url = "http://10.0.0.1/v1"
            """
        let read = try Configuration.read(toml, file: "a", secrets: secrets)
        let copy = read.configuration.rehearsal(vendorPort: 7, record: "/tmp/r")
        #expect(copy.server.listen == ["127.0.0.1:0"] && copy.admin.listen.isEmpty)
        #expect(copy.vendors.allSatisfy { $0.host == "127.0.0.1" && $0.port == 7 })
        #expect(copy.vendors.allSatisfy { $0.proxy == nil && $0.baseQuery.isEmpty })
        #expect(copy.vendor(named: "openai")?.basePath == "/base/v1")
        #expect(copy.vendor(named: "openai")?.headers.map(\.name) == ["x-plain"])
        #expect(copy.vendor(named: "local")?.credential == .client)
        for secret in copy.vendors.flatMap(\.ownSecrets) {
            #expect(secret.reveal() == Configuration.rehearsalSecret)
        }
    }
}
