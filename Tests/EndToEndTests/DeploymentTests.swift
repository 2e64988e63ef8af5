import Glibc
import JSON
import Support
import Testing

/// What operators are given to start from, held by the tools that will read it.
@Suite("Deployment")
struct DeploymentTests {
    private static let root = Repository.root

    private static func tools() throws -> String {
        let venv = try ChildProcess(
            "\(root)/Tests/EndToEndTests/SDK/venv",
            [
                "\(root)/.build/lint-venv", "check-jsonschema", "kubernetes-validate",
                "setuptools<81",
            ])
        try #require(try venv.wait(seconds: 600) == 0, "\(venv.text)")
        return "\(root)/.build/lint-venv/bin"
    }

    private static func check(_ path: String, _ arguments: [String]) throws {
        let process = try ChildProcess(path, arguments)
        #expect(try process.wait(seconds: 120) == 0, "\(process.text)")
    }

    @Test("the manifests for Kubernetes and the compose file are right")
    func manifests() throws {
        let tools = try Self.tools()
        try Self.check(
            "\(tools)/check-jsonschema",
            ["--builtin-schema", "vendor.compose-spec", "\(Self.root)/deploy/compose/compose.yaml"])
        let manifest = "\(Self.root)/deploy/kubernetes/weir.yaml"
        try Self.check("\(tools)/kubernetes-validate", Self.validation + [manifest])
        // The tool finds what is wrong, if it is asked in the right way.
        let text = Repository.text("deploy/kubernetes/weir.yaml")
        let folder = try TemporaryFolder()
        for (right, wrong) in [("replicas: 2", "replicas: two"), ("podSelector", "podSelecter")] {
            let file = try folder.write(text.replacing(right, with: wrong), to: "wrong.yaml")
            let process = try ChildProcess(
                "\(tools)/kubernetes-validate", Self.validation + [file])
            #expect(try process.wait(seconds: 120) == 1, "\(wrong): \(process.text)")
        }
        // What an attacker in a pod would look for first.
        #expect(text.split(separator: "automountServiceAccountToken: false").count == 3)
        #expect(!text.contains("secretRef") && !text.contains("subPath"))
        #expect(text.contains("kind: NetworkPolicy") && text.contains("kind: PodDisruptionBudget"))
    }

    private static let validation = ["--strict", "--kubernetes-version", "1.30"]

    @Test("Helm takes the chart, and Kubernetes what comes out of it, with values of all kinds")
    func chart() throws {
        let venv = "\(Self.root)/.build/helm-venv"
        let made = try ChildProcess(
            "\(Self.root)/Tests/EndToEndTests/SDK/venv", [venv, "helm-python-sdk"])
        try #require(try made.wait(seconds: 600) == 0, "\(made.text)")
        let folder = try TemporaryFolder()
        try Self.check(
            "\(venv)/bin/python",
            [
                "\(Self.root)/Tests/EndToEndTests/Helm/render.py", "\(Self.root)/deploy/helm/weir",
                folder.path,
            ])
        let tools = try Self.tools()
        for values in ["usual", "all", "none", "closed"] {
            for release in ["gate", "weir"] {
                try Self.check(
                    "\(tools)/kubernetes-validate",
                    Self.validation + ["\(folder.path)/\(values)-\(release).yaml"])
            }
        }
        // A policy without peers lets none in.
        let closed = try Self.text("\(folder.path)/closed-gate.yaml")
        #expect(closed.contains("kind: NetworkPolicy") && !closed.contains("ingress:"))
        let chart = Repository.text("deploy/helm/weir/values.yaml")
        let start = try #require(chart.firstRange(of: "config: |\n")?.upperBound)
        let end = try #require(chart[start...].firstRange(of: "\n\n")?.lowerBound)
        let lines = chart[start..<end].split(separator: "\n").map { $0.dropFirst(2) }
        let file = try folder.write(lines.joined(separator: "\n"), to: "config.toml")
        let check = try ChildProcess(try Binaries.weir, ["check", "--config", file])
        #expect(try check.wait() == 0)
        #expect(!check.text.contains("warning"), "\(check.text)")
    }

    private static func text(_ path: String) throws -> String {
        let process = try ChildProcess("/bin/cat", [path])
        try #require(try process.wait() == 0)
        return process.text
    }

    @Test(
        "a container serves with the repository's own configuration, called from outside of it",
        .enabled(if: getuid() == 0, "namespaces need root"))
    func container() throws {
        let process = try ChildProcess(
            "\(Self.root)/bin/try-container", [try Binaries.weir])
        #expect(try process.wait(seconds: 300) == 0, "\(process.text)")
        #expect(process.text.contains("own configuration: well"))
    }

    @Test("the configurations in them are right too")
    func configurations() throws {
        let folder = try TemporaryFolder()
        let manifest = Repository.text("deploy/kubernetes/weir.yaml")
        let start = try #require(manifest.firstRange(of: "config.toml: |\n")?.upperBound)
        let end = try #require(manifest[start...].firstRange(of: "\n---")?.lowerBound)
        let text = manifest[start..<end].split(separator: "\n").map { $0.dropFirst(4) }
        let file = try folder.write(text.joined(separator: "\n"), to: "config.toml")
        for path in [
            file, "\(Self.root)/deploy/compose/weir.toml", "\(Self.root)/docker/config.toml",
        ] {
            let process = try ChildProcess(
                try Binaries.weir, ["check", "--config", path],
                environment: ["CLICKHOUSE_PASSWORD": "x"])
            #expect(try process.wait() == 0)
            #expect(!process.text.contains("warning"), "\(process.text)")
        }
    }

    @Test("Prometheus takes its configuration, and our metrics")
    func prometheus() throws {
        try Self.check(
            "/usr/bin/promtool",
            ["check", "config", "--lint=none", "\(Self.root)/deploy/compose/prometheus.yml"])
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(
            vendor: vendor.port,
            log: "[sinks.a]\nkind = \"jsonl\"\npath = \"\(folder.path)/a\"", folder: folder)
        _ = try RawConnection(port: gateway.port).exchange(
            RecordTests.request("/v1/chat/completions", "{\"model\":\"m\"}"))
        let file = try gateway.write(try gateway.page("/metrics").body)
        try Self.check("/bin/sh", ["-c", "promtool check metrics < \(file)"])
    }

    @Test(
        "Prometheus takes the alert rules, which fire when they should, and the board's questions")
    func rules() throws {
        let rules = "\(Self.root)/deploy/prometheus"
        try Self.check("/usr/bin/promtool", ["check", "rules", "\(rules)/alerts.yml"])
        try Self.check("/usr/bin/promtool", ["test", "rules", "\(rules)/alerts_test.yml"])
        let cases = Repository.text("deploy/prometheus/alerts_test.yml")
        let names = Repository.text("deploy/prometheus/alerts.yml").split(separator: "\n")
            .filter { $0.contains("- alert: ") }.compactMap { $0.split(separator: " ").last }
        #expect(names.count > 10)
        for name in names {
            let fires = "alertname: \(name)\n        exp_alerts:\n          - exp_labels"
            #expect(cases.contains(fires), "\(name) is seen to fire by no case")
        }
        let board = try JSONValue(parsing: Repository.text("deploy/grafana/weir.json"))
        let panels = board["panels"]?.elements ?? []
        let questions = panels.flatMap { $0["targets"]?.elements ?? [] }.compactMap {
            $0["expr"]?.text
        }
        #expect(panels.count == 15 && questions.count > panels.count)
        var text = "groups:\n- name: board\n  rules:\n"
        for (index, question) in questions.enumerated() {
            let plain = question.replacing("\"$instance\"", with: "\".*\"")
                .replacing("\"$vendor\"", with: "\".*\"")
            text += "  - record: question_\(index)\n    expr: \(JSONValue.string(plain))\n"
        }
        let folder = try TemporaryFolder()
        try Self.check(
            "/usr/bin/promtool", ["check", "rules", try folder.write(text, to: "board.yml")])
        // None covers another, and each has an identity and a title.
        let corners = panels.map {
            "\($0["gridPos"]?["x"] ?? .null) \($0["gridPos"]?["y"] ?? .null)"
        }
        #expect(Set(corners).count == panels.count)
        #expect(Set(panels.compactMap { $0["id"]?.integer }).count == panels.count)
        #expect(panels.allSatisfy { $0["title"]?.text?.isEmpty == false })
    }

    @Test("a Prometheus server evaluates every rule, and answers each question of the board")
    func board() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let (key, lines) = try AccessCommandTests.newKey("ci", ["--group", "team"])
        let gateway = try GatewayProcess(
            """
            [vendors.away]
            dialect = "openai"
            base_url = "http://127.0.0.1:9/v1"
            credential = "none"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            credential = "none"
            [[chains]]
            name = "chat"
            targets = [{ vendor = "away" }, { vendor = "openai" }]
            [chains.failover]
            cooldown_after = 1000000
            [prices.models."*"]
            input = 1
            output = 2
            max_output = 100
            [groups.team]
            requests = "60/1m"
            budget = "$100/month"
            \(lines)
            [sinks.a]
            kind = "jsonl"
            path = "\(folder.path)/lines"

            """)
        let asked = try ChildProcess(
            "/usr/bin/env",
            [
                "python3", "-B", "\(Self.root)/Tests/EndToEndTests/Prometheus/ask.py", folder.path,
                "\(gateway.port)", "\(gateway.adminPort)",
                "\(Self.root)/deploy/prometheus/alerts.yml",
                "\(Self.root)/deploy/grafana/weir.json", key,
            ])
        try #require(try asked.wait(seconds: 300) == 0, "\(asked.text)")
        let seen = try JSONValue(parsing: asked.text)
        #expect(seen["unanswered"]?.elements == [] && seen["unfit"]?.elements == [], "\(seen)")
        #expect(seen["questions"]?.integer ?? 0 > 15 && seen["rules"]?.integer ?? 0 > 10)
    }

    @Test("the container is built of the packages that the build needs")
    func packages() {
        let packages = Repository.text("bin/packages")
        let start = packages.firstRange(of: "    build)\n")?.upperBound ?? packages.startIndex
        let end = packages[start...].firstRange(of: ";;")?.lowerBound ?? packages.endIndex
        let names = packages[start..<end].split(whereSeparator: { " ()+=\n".contains($0) })
            .filter { $0 != "list" }
        #expect(names.count > 7)
        let dockerfile = Repository.text("Dockerfile")
        for name in names { #expect(dockerfile.contains(name), "\(name)") }
    }
}
