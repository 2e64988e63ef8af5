import Glibc
import JSON
import Support
import Testing

/// Standard output of every command: what cannot be written, and what must not be.
@Suite("Output of commands")
struct OutputTests {
    private static func shell(_ script: String) throws -> (status: Int32, text: String) {
        let process = try ChildProcess("/bin/bash", ["-c", script])
        let status = try process.wait()
        return (status, process.text)
    }

    /// A gateway that has ended, with the record of one call.
    private static func record(_ folder: TemporaryFolder, target: String) throws -> String {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(vendor: vendor.port, folder: folder)
        let body =
            #"{"model":"m\u001b[31m\u202ex","messages":[{"content":"C1 and \u001b]0;t\u0007"}]}"#
            .replacing("C1", with: "\u{9B}")
        _ = try RawConnection(port: gateway.port).exchange(
            "POST \(target) HTTP/1.1\r\nHost: localhost\r\nX-Note: \u{9B}31m\u{202E}\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(
            Patience.await {
                (try? RecordTests.logs(gateway, ["verify"]).text.contains("stored 1")) == true
            })
        return gateway.recordPath
    }

    @Test(
        "a full disk ends every command with status 1; a reader that goes ends it quietly")
    func full() throws {
        let folder = try TemporaryFolder()
        let path = try Self.record(folder, target: "/v1/chat/completions")
        let weir = try Binaries.weir
        let logs = [
            "list", "list --json", "tail", "show 0", "show 0 --json", "stats", "verify",
            "show 0 --raw request", "verify --json", "export", "export --format csv",
        ]
        .map { "logs \($0) --path \(path)" }
        for command in logs + ["--version", "--help", "check", "logs --help"] {
            let result = try Self.shell("\(weir) \(command) > /dev/full")
            #expect(result.status == 1, "\(command): \(result)")
            #expect(result.text.contains("No space left on device"), "\(command): \(result)")
            let quiet = try Self.shell("trap '' PIPE; \(weir) \(command) | true")
            #expect(quiet.text.isEmpty, "\(command): \(quiet)")
        }
        let file = try Self.shell("\(weir) logs export --path \(path) -o /dev/full")
        #expect(file.status == 1 && file.text.contains("/dev/full cannot be written"))
    }

    @Test("nothing that a client wrote moves a terminal, and JSON is exact")
    func terminal() throws {
        let folder = try TemporaryFolder()
        let path = try Self.record(folder, target: "/v1/chat/completions?%E2%80%AEa")
        for command in [["list"], ["show", "0"], ["tail"], ["stats"]] {
            let text = try RecordTests.logs(path, command).text
            let hostile = text.unicodeScalars.filter { scalar in
                scalar.properties.isBidiControl
                    || scalar.properties.generalCategory == .control && scalar != "\n"
            }
            #expect(hostile.isEmpty, "\(command): \(text)")
            // A column may be too narrow for the whole name.
            #expect(text.contains(#"m\u001B["#), "\(command): \(text)")
        }
        let json = try JSONValue(parsing: try RecordTests.logs(path, ["list", "--json"]).text)
        #expect(json["model"]?.text == "m\u{1B}[31m\u{202E}x")
    }

    @Test("verify fails where it cannot look, and looks where it cannot write")
    func verify() throws {
        let folder = try TemporaryFolder()
        let path = try Self.record(folder, target: "/v1/chat/completions")
        #expect(try RecordTests.logs(path, ["verify"]).status == 0)
        let nowhere = try RecordTests.logs("\(folder.path)/nowhere", ["verify"])
        #expect(nowhere.status == 1 && nowhere.text.contains("No such file"))
        _ = try folder.write("no journal", to: "record/A.journal")
        let damaged = try RecordTests.logs(path, ["verify"])
        #expect(damaged.status == 1 && damaged.text.contains("A.journal"), "\(damaged)")
    }
}
