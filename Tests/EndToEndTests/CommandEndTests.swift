import Glibc
import Support
import Testing

/// How commands that serve nothing end: by a signal at once, and by themselves in time, whatever
/// they wait for.
@Suite("The end of commands")
struct CommandEndTests {
    /// Takes connections and answers nothing, or a byte now and then without an end.
    private static func silentVendor(drips: Bool = false) throws -> ByteVendor {
        try ByteVendor { connection, _ in
            guard drips else {
                while try !connection.isEnded(within: 1) {}
                return
            }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
            while true {
                try connection.send(" ")
                poll(nil, 0, 500)
            }
        }
    }

    /// A configuration whose operators' listener and whose vendor are one port.
    private static func file(_ port: Int, _ folder: TemporaryFolder) throws -> String {
        try folder.write(
            """
            [server]
            listen = "127.0.0.1:0"
            [admin]
            listen = "127.0.0.1:\(port)"
            [log]
            path = "\(folder.path)/record"
            [vendors.first]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(port)/v1"
            credential = "none"
            [[chains]]
            name = "chat"
            targets = [{ vendor = "first" }]
            """, to: "config.toml")
    }

    private static let commands = [
        ["status"], ["reload"], ["top", "--once"], ["check", "--health"], ["check", "--probe"],
    ]

    @Test(
        "is at once by a signal, while what they ask does not answer",
        arguments: commands, [SIGTERM, SIGINT, SIGHUP])
    func signals(_ command: [String], _ signal: Int32) throws {
        let vendor = try Self.silentVendor()
        defer { vendor.stop() }
        let folder = try TemporaryFolder()
        let file = try Self.file(vendor.port, folder)
        let process = try ChildProcess(try Binaries.weir, command + ["--config", file])
        try #require(Patience.await { vendor.connectionCount > 0 })
        process.signal(signal)
        #expect(try process.wait() == 128 + signal, "\(process.text)")
    }

    @Test(
        "is at once by a signal, while a pipe instead of a file gives nothing",
        arguments: [["check"], ["serve"], ["status"], ["reload"]], [SIGTERM, SIGINT])
    func pipes(_ command: [String], _ signal: Int32) throws {
        let folder = try TemporaryFolder()
        let pipe = "\(folder.path)/pipe"
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        let process = try ChildProcess(try Binaries.weir, command + ["--config", pipe])
        // A writer gets in once there is a reader.
        var writer: Int32 = -1
        try #require(
            Patience.await {
                writer = unsafe open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
                return writer >= 0
            })
        defer { close(writer) }
        process.signal(signal)
        #expect(try process.wait() == 128 + signal, "\(process.text)")
    }

    @Test(
        "of a question without an answer, or with one that has no end, comes in time",
        arguments: [["check", "--health"], ["check", "--probe"]], [false, true])
    func time(_ command: [String], drips: Bool) throws {
        let vendor = try Self.silentVendor(drips: drips)
        defer { vendor.stop() }
        let folder = try TemporaryFolder()
        let file = try Self.file(vendor.port, folder)
        let process = try ChildProcess(try Binaries.weir, command + ["--config", file])
        #expect(try process.wait(seconds: 120) == 1, "\(process.text)")
    }
}
