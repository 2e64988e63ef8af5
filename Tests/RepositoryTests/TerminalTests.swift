import Testing

/// One door to the terminal: what a client or a vendor wrote is made safe where it goes out, so
/// that no command can forget it.
@Suite("Terminals")
struct TerminalTests {
    private static let commands = SourceTree.sources.filter { $0.target == "Command" }

    private static func calls(_ text: String) -> [String] {
        commands.flatMap { file in
            file.lines.filter { $0.contains(text) }.map { "\(file.name): \($0)" }
        }
    }

    @Test("commands write through Output alone")
    func door() {
        for call in [
            " print(", "fputs(", "puts(", "Glibc.write(", "FileHandle", "stdout", "stderr",
        ] {
            let users = Self.commands.filter { file in
                file.name != "Output" && file.lines.contains { $0.contains(call) && !isText($0) }
            }
            #expect(users.map(\.name) == [], "\(call)")
        }
        #expect(!Self.calls("Output.text(").isEmpty)
    }

    /// A line of a program in another language, which the demonstration shows.
    private func isText(_ line: Substring) -> Bool { line.contains("print(OpenAI(") }

    @Test("only JSON goes to standard output as it is, and only progress to standard error")
    func exact() {
        let exact = Self.calls("Output.exact(")
        #expect(exact.count >= 5)
        for call in exact { #expect(call.contains("json") || call.contains("JSON"), "\(call)") }
        let raw = Self.calls("Output.write(")
        #expect(raw.count >= 2)
        for call in raw {
            // Exports, and a file of a local process: neither is for people to read here.
            let isFile = call.contains("to: descriptor") || call.contains("to: file")
            #expect(isFile, "\(call)")
        }
        // Pages have escapes of their own.
        for call in Self.calls("Output.file(") { #expect(call.contains(".html, to:"), "\(call)") }
        for call in Self.calls("Output.bytes(") {
            let isBody = call.contains("body.bytes") || call.contains("framed(body")
            #expect(isBody, "\(call)")
        }
        for call in Self.calls("Output.progress(") {
            // Bars, and a screen that is cleared.
            let isBar = ["BenchCommand", "LogsExportCommand", "TopCommand"].contains {
                call.hasPrefix($0)
            }
            #expect(isBar, "\(call)")
        }
    }

    @Test("the operational log makes its messages and values safe")
    func log() throws {
        let file = try #require(SourceTree.sources.first { $0.name == "OperationalLog" })
        #expect(file.text.components(of: "Printable.text(") == 2)
    }
}

extension String {
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
