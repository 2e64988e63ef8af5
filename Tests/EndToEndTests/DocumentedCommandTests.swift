import Glibc
import JSON
import Support
import Testing

/// Runs every command that the documents show, against a gateway of its own.
///
/// What cannot be run here stands in `exceptions` with the reason, or with the test that runs it.
@Suite("Commands of the documents", .serialized)
struct DocumentedCommandTests {
    /// Why commands that begin so are not run here: a reason, or a test's file and what it says.
    private static let exceptions: [(beginning: String, reason: Reason)] = [
        ("docker ", .other("the tests have no Docker daemon; bin/image makes and tries the image")),
        ("kubectl ", .other("the tests have no cluster; DeploymentTests lint the file")),
        ("sudo apt ", .other("it changes this machine; bin/package --try installs the package")),
        ("bin/", .other("these build the project, or are what runs this test")),
        ("WEIR_CHAOS_SECONDS=", .test("ChaosTests", "WEIR_CHAOS_SECONDS")),
        ("Benchmarks/", .other("they take minutes and a quiet machine")),
        ("weir bench --direct ", .other("it needs a vendor, or another gateway")),
        ("weir bench --rate ", .other("it takes a minute; BenchReportTests run the others")),
        ("weir bench", .test("BenchReportTests", "Self.run([]")),
    ]

    private enum Reason {
        case test(String, String)
        case other(String)
    }

    private struct Command {
        let page: String
        let text: String
        /// The lines that the page shows below it.
        var shown: [String] = []
    }

    /// A block between fences.
    private struct Block {
        let page: String
        let language: Substring
        var lines: [Substring] = []
    }

    // MARK: What stands in the documents

    private static var pages: [String] {
        get throws {
            let find = try ChildProcess(
                "/bin/sh",
                [
                    "-c",
                    "cd \(Repository.root) && ls README.md CONTRIBUTING.md && "
                        + "find docs examples -name '*.md' | sort",
                ])
            #expect(try find.wait() == 0)
            return find.text.split(separator: "\n").map(String.init)
        }
    }

    /// Files beside the pages whose comments show commands, too.
    private static var others: [String] {
        get throws {
            let find = try ChildProcess(
                "/bin/sh",
                [
                    "-c",
                    "cd \(Repository.root) && ls CHANGELOG.md config.toml Dockerfile && "
                        + "find examples docker deploy -type f ! -name '*.md' | sort",
                ])
            #expect(try find.wait() == 0)
            return find.text.split(separator: "\n").map(String.init)
        }
    }

    private static func blocks() throws -> [Block] {
        var blocks: [Block] = []
        for page in try pages {
            var open: Block?
            for line in Repository.text(page).split(
                separator: "\n", omittingEmptySubsequences: false)
            {
                let text = line.drop { $0 == " " }
                if !text.hasPrefix("```") {
                    open?.lines.append(line)
                } else if let block = open {
                    blocks.append(block)
                    open = nil
                } else {
                    open = Block(page: page, language: text.dropFirst(3))
                }
            }
            #expect(open == nil, "\(page): a block has no end")
        }
        return blocks
    }

    private static func withoutComment(_ line: Substring) -> Substring {
        line[..<(line.firstRange(of: " #")?.lowerBound ?? line.endIndex)]
    }

    /// The lines of the blocks that are a shell's, without their comments.
    private static func commands() throws -> [Command] {
        try blocks().filter { $0.language == "sh" }.flatMap { block in
            block.lines.compactMap { indented in
                let line = indented.drop { $0 == " " }
                guard !line.hasPrefix("#") else { return nil }
                let text = withoutComment(line).split(separator: " ").joined(separator: " ")
                return text.isEmpty ? nil : Command(page: block.page, text: text)
            }
        }
    }

    /// Commands after a `$`, with what they print below them.
    private static func transcripts() throws -> [Command] {
        var commands: [Command] = []
        for block in try blocks() where block.language.isEmpty {
            var isBelow = false
            for line in block.lines {
                if line.hasPrefix("$ ") {
                    isBelow = true
                    commands.append(Command(page: block.page, text: String(line.dropFirst(2))))
                } else if isBelow {
                    let end = withoutComment(line).lastIndex { $0 != " " }
                    let shown = end.map { line[...$0] } ?? ""
                    commands[commands.count - 1].shown.append(String(shown))
                }
            }
        }
        return commands
    }

    private static func reason(_ command: Command) -> Reason? {
        exceptions.first { command.text.hasPrefix($0.beginning) }?.reason
    }

    // MARK: Where they are run

    /// A folder with the files that the documents speak of, and a gateway with some calls.
    private final class Stage {
        let folder: TemporaryFolder
        let vendor: MockProcess
        let gateway: GatewayProcess
        let call: String
        /// Whose call it is, as the record has it.
        private(set) var key = ""
        static let session = "0b7f6a3e-77d2"

        init() throws {
            folder = try TemporaryFolder()
            vendor = try MockProcess()
            let toml = """
                [vendors.openai]
                base_url = "http://127.0.0.1:\(vendor.port)/v1"
                credential = "none"
                [vendors.anthropic]
                base_url = "http://127.0.0.1:\(vendor.port)"
                credential = "none"
                [vendors.gemini]
                base_url = "http://127.0.0.1:\(vendor.port)"
                credential = "none"

                """
            gateway = try GatewayProcess(
                toml, server: "builtin_vendors = false", folder: folder)
            var call = ""
            for fields in [
                "X-Mock-Status: 503\r\n",
                "Authorization: Bearer key-of-a-person\r\nX-Claude-Code-Session-Id: other\r\n",
                "X-Claude-Code-Session-Id: \(Self.session)\r\n",
                "X-Claude-Code-Session-Id: \(Self.session)\r\n",
            ] {
                let answer = try RawConnection(port: gateway.port).exchange(
                    RecordTests.request(
                        "/v1/chat/completions", "{\"model\":\"gpt-4o\",\"messages\":[]}", fields))
                call = answer["x-weir-id"] ?? ""
            }
            self.call = call
            try gateway.await("the records") {
                try gateway.metric("weir_records_stored_total") == 4
            }
            let list = try ChildProcess(
                try Binaries.weir,
                ["logs", "list", "--columns", "key", "--session", "other", "--path"]
                    + [gateway.recordPath])
            #expect(try list.wait() == 0)
            key = list.text.split(separator: "\n").last.map(String.init) ?? ""
            // Commands find the gateway by the addresses that it has.
            let file = Repository.text(at: gateway.configurationPath)
            let parts = file.split(separator: "127.0.0.1:0", omittingEmptySubsequences: false)
            let known =
                parts[0] + "127.0.0.1:\(gateway.port)" + parts[1]
                + "127.0.0.1:\(gateway.adminPort)" + parts[2...].joined(separator: "127.0.0.1:0")
            try gateway.rewrite(String(known))
            _ = try folder.write(
                known + "[prices.models.\"*\"]\ninput = 1\noutput = 2\n", to: "new.toml")
            _ = try folder.write(
                "model_list:\n- model_name: m\n  litellm_params:\n    model: openai/gpt-4o\n",
                to: "config.yaml")
            _ = try folder.write(
                "{\"model\":\"claude-3\",\"max_tokens\":9,\"messages\":"
                    + "[{\"role\":\"user\",\"content\":\"hello\"}]}", to: "request.json")
            let python = try ChildProcess(
                "\(Repository.root)/Tests/EndToEndTests/SDK/venv",
                ["\(Repository.root)/.build/sdk-venv"])
            try #require(try python.wait(seconds: 300) == 0, "\(python.text)")
            let path = python.text.split(separator: "\n").last.map(String.init) ?? ""
            #expect(unsafe symlink(try Binaries.weir, "\(folder.path)/weir") == 0)
            let wrapper = try folder.write(
                "#!/bin/sh\nexec \(path) \"$@\"\n", to: "python")
            #expect(unsafe chmod(wrapper, 0o700) == 0)
        }

        /// Runs a command; what follows without an end is ended after its first line.
        func run(_ command: String) throws -> (status: Int32, text: String) {
            var text = command.replacing("show ID", with: "show \(call)")
                .replacing("curl ", with: "curl --fail ")
                .replacing("key-of-ann", with: key.filter { $0 != " " })
                .replacing("01K9ZC", with: call.prefix(24))
                .replacing("http://127.0.0.1:9090", with: "http://127.0.0.1:\(gateway.adminPort)")
                .replacing("http://127.0.0.1:8080", with: "http://127.0.0.1:\(gateway.port)")
                .replacing("http://localhost:8080", with: "http://127.0.0.1:\(gateway.port)")
            if text.contains("--follow") { text += " | head -n 1" }
            let process = try ChildProcess(
                "/bin/sh", ["-c", "cd \(folder.path) && \(text)"],
                environment: [
                    "PATH": "\(folder.path):/usr/bin:/bin",
                    "WEIR_CONFIG": gateway.configurationPath, "OPENAI_API_KEY": "x",
                    "ANTHROPIC_API_KEY": "x", "GEMINI_API_KEY": "x",
                ])
            let status = try process.wait(seconds: 60)
            return (status, process.text)
        }
    }

    @Test("each is run here, or says why it is not")
    func all() throws {
        let commands = try Self.commands()
        #expect(commands.count > 60)
        let here = commands.filter { Self.reason($0) == nil }
        #expect(here.count > 30)
        let stage = try Stage()
        var seen: Set<String> = []
        // Once the gateway has ended its record can be restored.
        let last = here.filter {
            $0.text.hasPrefix("kill ") || $0.text.hasPrefix("weir logs restore")
        }
        for command in here
        where !last.contains(where: { $0.text == command.text })
            && seen.insert(command.text).inserted
        {
            let result = try stage.run(command.text)
            #expect(
                result.status == 0, "\(command.page): \(command.text): \(result.text.suffix(500))")
        }
        #expect(last.contains { $0.text == "kill -TERM PID" })
        stage.gateway.process.signal(SIGTERM)
        #expect(try stage.gateway.process.wait() == 0)
        for command in last
        where command.text.hasPrefix("weir ") && seen.insert(command.text).inserted {
            let result = try stage.run(
                "rm -rf \(stage.gateway.recordPath) && \(command.text)")
            #expect(result.status == 0, "\(command.page): \(command.text): \(result.text)")
        }
    }

    @Test("those in Python run, too")
    func python() throws {
        let blocks = try Self.blocks().filter { $0.language == "python" }
        #expect(blocks.count > 2)
        let stage = try Stage()
        for block in blocks {
            let text = block.lines.joined(separator: "\n")
                .replacing("http://127.0.0.1:8080", with: "http://127.0.0.1:\(stage.gateway.port)")
            _ = try stage.folder.write(text, to: "block.py")
            let result = try stage.run("./python block.py")
            #expect(result.status == 0, "\(block.page): \(text): \(result.text)")
        }
    }

    @Test("those after a $ print what stands below them")
    func shown() throws {
        let transcripts = try Self.transcripts()
        #expect(transcripts.count > 2)
        let folder = try TemporaryFolder()
        let usual = try folder.write("", to: "usual.toml")
        _ = try folder.write(
            "[[chains]]\nname = \"chat\"\ntargets = [{ vendor = \"anthropic\" }]\n"
                + "clocks = { idle = \"60s\" }\n", to: "weir.toml")
        #expect(unsafe symlink(try Binaries.weir, "\(folder.path)/weir") == 0)
        for command in transcripts {
            let process = try ChildProcess(
                "/bin/sh", ["-c", "cd \(folder.path) && \(command.text)"],
                environment: ["PATH": "\(folder.path):/usr/bin:/bin", "WEIR_CONFIG": usual])
            let status = try process.wait()
            #expect(status == (command.shown.contains { $0.hasPrefix("FAILS") } ? 1 : 0))
            var lines = process.text.split(separator: "\n", omittingEmptySubsequences: false)[...]
            for shown in command.shown {
                // What stands for anything is written as "…".
                let parts = shown.split(separator: "…", omittingEmptySubsequences: false)
                let index = lines.firstIndex { line in
                    line.hasPrefix(parts[0]) && parts.allSatisfy { $0.isEmpty || line.contains($0) }
                        && (parts.count > 1 || line == parts[0])
                }
                #expect(index != nil, "\(command.page): \(shown): \(process.text)")
                if let index, shown != "…" { lines = lines[(index + 1)...] }
            }
        }
    }

    @Test("the example without a vendor shows what it says")
    func example() throws {
        // Its ports are free in a network of its own.
        let process = try ChildProcess(
            "/usr/bin/unshare",
            [
                "--net", "--map-root-user", "sh", "-c",
                "ip link set lo up && exec \(Repository.root)/examples/try-without-a-vendor.sh",
            ])
        #expect(try process.wait() == 0, "\(process.text)")
        for (outcome, count) in [("complete", 1), ("status_4xx", 1), ("truncated", 1)] {
            let line = "weir_exchanges_total{vendor=\"openai\",outcome=\"\(outcome)\"} \(count)\n"
            #expect(process.text.contains(line), "\(process.text)")
        }
    }

    @Test("a block says what it is in, and a command is one line")
    func languages() throws {
        let blocks = try Self.blocks()
        let known: Set<Substring> = ["", "sh", "python", "toml", "json"]
        for block in blocks {
            #expect(known.contains(block.language), "\(block.page): \(block.language)")
            guard block.language.isEmpty else { continue }
            let programs = ["weir", "curl", "bin/", "docker", "kubectl", "systemctl", "python"]
            for line in block.lines where programs.contains(where: line.hasPrefix) {
                #expect(line.hasPrefix("weir_"), "\(block.page): \(line) is run by no test")
            }
        }
        for command in try Self.commands() {
            #expect(!command.text.hasSuffix("\\"), "\(command.page): \(command.text)")
        }
    }

    @Test("no exception is left over, and the tests that it names are there")
    func exceptions() throws {
        let commands = try Self.commands()
        for (index, (beginning, reason)) in Self.exceptions.enumerated() {
            let isUsed = commands.contains { command in
                Self.exceptions.firstIndex { command.text.hasPrefix($0.beginning) } == index
            }
            #expect(isUsed, "\(beginning)")
            guard case .test(let file, let words) = reason else { continue }
            let text = Repository.text("Tests/EndToEndTests/\(file).swift")
            #expect(text.contains(words), "\(file): \(words)")
        }
    }

    /// What stands between marks of code, also over the end of a line, and behind the marks of
    /// comments that are indented as code.
    private static func fragments(of text: String) -> [String] {
        let marked = text.split(separator: "`").dropFirst()
            .filter { $0.hasPrefix("weir ") && $0.utf8.count < 200 }
            .map { part in
                part.split(separator: "\n").map { line in
                    line.drop { " #".contains($0) }
                }.joined(separator: " ")
            }
        let indented = text.split(separator: "\n").compactMap { line -> String? in
            guard line.hasPrefix("#   "), let start = line.firstRange(of: "weir ")?.lowerBound
            else { return nil }
            let before = line[..<start].last
            return before == " " ? String(line[start...]) : nil
        }
        return marked + indented
    }

    @Test("those in running text name commands and options that there are")
    func fragments() throws {
        var helps: [String: String] = [:]
        var count = 0
        for page in try Self.pages + Self.others {
            for part in Self.fragments(of: Repository.text(page)) {
                var words = part.split(separator: " ").dropFirst().map(String.init)
                var names: [String] = []
                while let word = words.first, word.allSatisfy({ $0.isLowercase || $0 == "-" }),
                    !word.hasPrefix("-"), names.count < 2
                {
                    names.append(word)
                    words.removeFirst()
                }
                guard let first = names.first else { continue }
                // Of two words the second one may be a value.
                let isGroup = ["logs", "keys", "import"].contains(first)
                let command = isGroup ? names : [first]
                let name = command.joined(separator: " ")
                if helps[name] == nil {
                    let help = try ChildProcess(try Binaries.weir, command + ["--help"])
                    #expect(try help.wait() == 0, "\(page): weir \(name)")
                    helps[name] = help.text
                }
                for word in words where word.hasPrefix("--") {
                    let option = word.prefix { $0 != "=" && $0 != "," && $0 != "…" }
                    #expect(helps[name]?.contains(option) == true, "\(page): weir \(part)")
                    count += 1
                }
            }
        }
        #expect(helps.count > 20 && count > 15)
    }
}
