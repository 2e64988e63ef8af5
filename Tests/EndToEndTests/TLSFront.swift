import JSON
import Support
import Testing

/// A gateway that speaks TLS before a vendor of ours, and a client of it in Python.
struct TLSFront {
    let certificate: TestCertificate
    let vendor: MockProcess
    let gateway: GatewayProcess

    init(
        _ certificate: TestCertificate, tls: String? = nil, server: String = "workers = 1",
        vendor port: Int? = nil
    ) throws {
        self.certificate = certificate
        vendor = try MockProcess()
        gateway = try GatewayProcess(
            vendor: port ?? vendor.port,
            server: "\(server)\n[server.tls]\n\(tls ?? Self.pair(certificate))")
    }

    static func localhost() throws -> TestCertificate {
        try TestCertificate(names: "DNS:localhost,IP:127.0.0.1", subject: "front")
    }

    /// The lines that name a certificate and its key.
    static func pair(_ certificate: TestCertificate) -> String {
        "certificate = \"\(certificate.chain)\"\nkey = \"\(certificate.key)\""
    }

    /// What the client in Python saw.
    func client(_ mode: String, _ options: String...) throws -> JSONValue {
        try Self.client(mode, gateway.port, certificate.chain, options)
    }

    static func client(
        _ mode: String, _ port: Int, _ authority: String, _ options: [String] = []
    ) throws -> JSONValue {
        try answer(of: start(mode, port, authority, options))
    }

    /// The client, which goes on beside the test.
    static func start(
        _ mode: String, _ port: Int, _ authority: String, _ options: [String] = []
    ) throws -> ChildProcess {
        try ChildProcess(
            "/usr/bin/env",
            [
                "python3", "-W", "ignore", "\(Repository.root)/Tests/EndToEndTests/TLS/client.py",
                mode, "\(port)", authority,
            ] + options)
    }

    /// What a client that ends by itself saw: its last line.
    static func answer(of client: ChildProcess) throws -> JSONValue {
        try #require(try client.wait(seconds: 180) == 0, "\(client.text)")
        return try JSONValue(parsing: String(client.text.split(separator: "\n").last ?? ""))
    }
}
