import Glibc
import JSON
import Support
import Testing

/// The clients that people use, over TLS, with each way to say who calls.
@Suite("Real clients over TLS")
struct TLSClientTests {
    private static let folder = "\(Repository.root)/Tests/EndToEndTests/SDK"

    /// A way to say who calls.
    private struct Caller {
        /// The name in the record.
        let name: String
        let port: Int
        let credential: String
        /// A certificate, if that is what says it.
        var certificate: TestCertificate?
    }

    private static func vendors(_ port: Int) -> String {
        ["openai", "anthropic", "gemini"].map { name in
            """
            [vendors.\(name)]
            base_url = "http://127.0.0.1:\(port)\(name == "openai" ? "/v1" : "")"
            credential = "env:KEY"

            """
        }.joined()
    }

    /// Runs a client to its end, and says what is wrong.
    private static func run(
        _ program: String, _ arguments: [String], for caller: Caller, shows text: String
    ) throws {
        let client = try ChildProcess(program, arguments)
        let status = try client.wait(seconds: 300)
        #expect(status == 0, "\(caller.name): \(program): \(client.text)")
        #expect(client.text.contains(text), "\(caller.name): \(program): \(client.text)")
    }

    @Test("SDKs, curl and the JDK call with a key, with a token and with a certificate")
    func callers() throws {
        let venv = try ChildProcess("\(Self.folder)/venv", ["\(Repository.root)/.build/sdk-venv"])
        try #require(try venv.wait(seconds: 600) == 0, "\(venv.text)")
        let python = String(venv.text.split(separator: "\n").last ?? "")
        let vendor = try MockProcess()
        let certificate = try TLSFront.localhost()
        let authority = try TestCertificate(names: "DNS:clients", subject: "clients")
        let client = try TestCertificate(of: authority, subject: "ci")
        let (key, lines) = try AccessCommandTests.newKey("ann")
        let signer = try TestIssuer(.p256)
        let list = try certificate.folder.write(
            TestIssuer.list([("k1", signer)]), to: "keys.json")
        let token = try signer.token(
            "{\"iss\":\"https://id.example\",\"aud\":\"weir\",\"sub\":\"bob\",\"exp\":4e9}")
        let tls = "workers = 1\n[server.tls]\n\(TLSFront.pair(certificate))\n"
        let environment = ["KEY": "gateway-canary"]
        let open = try GatewayProcess(
            Self.vendors(vendor.port) + lines + """
                [access.jwt]
                issuer = "https://id.example"
                audience = "weir"
                jwks = "file:\(list)"

                """, server: tls, environment: environment)
        let mutual = try GatewayProcess(
            Self.vendors(vendor.port) + "[keys.ci]\nsubject = \"CN=ci\"\n",
            server: tls + "client_ca = \"\(authority.chain)\"\n", environment: environment)
        let store = "\(client.folder.path)/client.p12"
        let export = try ChildProcess(
            "/usr/bin/openssl",
            [
                "pkcs12", "-export", "-in", client.chain, "-inkey", client.key, "-out", store,
                "-passout", "pass:weir",
            ])
        try #require(try export.wait() == 0, "\(export.text)")
        for caller in [
            Caller(name: "ann", port: open.port, credential: key),
            Caller(name: "jwt:bob", port: open.port, credential: token),
            Caller(
                name: "ci", port: mutual.port, credential: "sk-unused", certificate: client),
        ] {
            let pair = caller.certificate.map { [$0.chain, $0.key] } ?? []
            try Self.run(
                python,
                ["\(Self.folder)/secure.py", "\(caller.port)", certificate.chain]
                    + [caller.credential] + pair,
                for: caller, shows: "google-genai, stream: answered")
            try Self.run(
                "/usr/bin/java",
                ["\(Self.folder)/SecureCall.java", "\(caller.port)", certificate.chain]
                    + [caller.credential] + (pair.isEmpty ? [] : [store]),
                for: caller, shows: "2 answered")
            for body in [#"{"model":"gpt-4o"}"#, #"{"model":"gpt-4o","stream":true}"#] {
                try Self.run(
                    "/usr/bin/curl",
                    [
                        "--silent", "--cacert", certificate.chain, "--write-out", " %{http_code}",
                        "--header", "authorization: Bearer \(caller.credential)",
                        "--header", "content-type: application/json", "--data", body,
                        "https://localhost:\(caller.port)/v1/chat/completions",
                    ] + (pair.isEmpty ? [] : ["--cert", pair[0], "--key", pair[1]]),
                    for: caller, shows: " 200")
            }
        }
        // Each of the callers: six calls of SDKs, two of the JDK, two of curl.
        for (gateway, names) in [(open, ["ann", "jwt:bob"]), (mutual, ["ci"])] {
            gateway.process.signal(SIGTERM)
            #expect(try gateway.process.wait() == 0)
            let records = try RecordTests.records(gateway.recordPath)
            for name in names {
                let own = records.filter { $0["key"]?.text == name }
                #expect(own.count == 10, "\(name): \(own.count)")
                #expect(own.allSatisfy { $0["outcome"]?.text == "complete" })
            }
            #expect(records.count == 10 * names.count)
            #expect(!gateway.process.text.contains(key) && !gateway.process.text.contains(token))
        }
    }

    @Test("without a certificate, a key or a token none of them gets in")
    func strangers() throws {
        let certificate = try TLSFront.localhost()
        let vendor = try MockProcess()
        let authority = try TestCertificate(names: "DNS:clients", subject: "clients")
        let gateway = try GatewayProcess(
            Self.vendors(vendor.port) + "[keys.ci]\nsubject = \"CN=ci\"\n",
            server: "workers = 1\n[server.tls]\n\(TLSFront.pair(certificate))\n"
                + "client_ca = \"\(authority.chain)\"\n",
            environment: ["KEY": "gateway-canary"])
        for (program, arguments) in [
            ("/usr/bin/java", ["\(Self.folder)/SecureCall.java", "\(gateway.port)"]),
            ("/usr/bin/curl", ["--silent", "https://localhost:\(gateway.port)/v1/models"]),
        ] {
            let more =
                program.hasSuffix("curl")
                ? ["--cacert", certificate.chain] : [certificate.chain, "sk-unused"]
            let client = try ChildProcess(program, arguments + more)
            #expect(try client.wait(seconds: 300) != 0, "\(client.text)")
        }
        #expect(try vendor.statistics().requestCount == 0)
    }
}
