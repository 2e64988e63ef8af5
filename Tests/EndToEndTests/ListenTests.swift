import Glibc
import Support
import Testing

/// The addresses that clients come to, tried on the program.
@Suite("Addresses")
struct ListenTests {
    @Test("all of a list serve, each by what its own address allows")
    func list() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let file = try folder.write(
            """
            [server]
            listen = ["127.0.0.1:0", "[::]:0"]
            workers = 2
            [admin]
            listen = ""
            [log]
            path = "\(folder.path)/record"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            """, to: "weir.toml")
        let process = try ChildProcess(try Binaries.weir, ["serve", "--config", file])
        let line = try process.awaitLine(" serving ")
        let list = try #require(line.split(separator: "\"").dropFirst().first)
        let addresses = list.split(separator: ", ").map(String.init)
        #expect(addresses.count == 2)
        #expect(addresses[0].hasPrefix("127.0.0.1:") && addresses[1].hasPrefix("[::]:"))
        let ports = addresses.compactMap { Int($0.split(separator: ":").last ?? "") }
        try #require(ports.count == 2)
        // More connections than workers: both of them listen on both.
        for _ in 0..<8 {
            for (host, port, name, status) in [
                ("127.0.0.1", ports[0], "localhost", 200), ("127.0.0.1", ports[0], "evil", 421),
                ("127.0.0.1", ports[1], "localhost", 200), ("127.0.0.1", ports[1], "any", 200),
                ("[::1]", ports[1], "any", 200),
            ] {
                let client = try RawConnection(port: port, host: host)
                let answer = try client.exchange(
                    "GET /v1/models HTTP/1.1\r\nHost: \(name)\r\n\r\n")
                #expect(answer.status == status, "\(host) \(port) \(name)")
            }
        }
        process.signal(SIGTERM)
        #expect(try process.wait() == 0)
    }
}
