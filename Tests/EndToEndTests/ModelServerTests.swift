import Support
import Testing

/// A server library from the field, with the habits it has.
@Suite("Model servers in the field")
struct ModelServerTests {
    private static func start(_ folder: TemporaryFolder) throws -> (ChildProcess, port: Int) {
        let binary = "\(folder.path)/server"
        let compiler = try ChildProcess(
            "/usr/bin/env",
            [
                "g++", "-std=c++17", "-O0", "-o", binary,
                "\(Repository.root)/Tests/EndToEndTests/ModelServer/server.cpp", "-lcpp-httplib",
                "-lpthread",
            ])
        try #require(try compiler.wait(seconds: 300) == 0, "\(compiler.text)")
        let process = try ChildProcess(binary, [])
        let line = try process.awaitLine("port ")
        return (process, Int(line.split(separator: " ").last ?? "") ?? 0)
    }

    @Test("cpp-httplib, which reads no body of a GET, answers no request with another's answer")
    func bodiesOfGet() throws {
        let folder = try TemporaryFolder()
        let (server, port) = try Self.start(folder)
        let gateway = try GatewayProcess(vendor: port, server: "workers = 1")
        // It reads 4 KiB of a body along with the head, and the rest as further requests.
        let smuggled = String(
            repeating: "GET /v1/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n", count: 300)
        for round in 0..<10 {
            for (method, body) in [("GET", smuggled), ("GET", ""), ("DELETE", ""), ("POST", "{}")] {
                let path = "/v1/files/\(method)-\(round)-\(body.count)"
                let framing = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
                let response = try RawConnection(port: gateway.port).exchange(
                    "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n\(framing)\r\n\(body)")
                #expect(response.status == 200 && response.text == path, "\(response)")
            }
        }
        withExtendedLifetime(server) {}
    }
}
