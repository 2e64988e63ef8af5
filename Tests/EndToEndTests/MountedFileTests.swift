import Glibc
import Support
import Testing

/// Files as containers and Kubernetes mount them.
@Suite("Mounted files")
struct MountedFileTests {
    private static func toml(_ vendor: Int, key: String, more: String = "") -> String {
        """
        [server]
        listen = "127.0.0.1:0"
        watch = true
        [admin]
        listen = ""
        [log]
        path = "record"
        journal_size = "16MiB"
        [vendors.first]
        dialect = "openai"
        base_url = "http://127.0.0.1:\(vendor)/v1"
        credential = "file:\(key)"
        \(more)
        [[chains]]
        name = "chat"
        targets = [{ vendor = "first" }]

        """
    }

    private static func port(_ process: ChildProcess) throws -> Int {
        let line = try process.awaitLine(" serving ")
        let word = line.split(separator: " ").first { $0.hasPrefix("listen=") }
        return try #require(word.flatMap { Int($0.split(separator: ":").last ?? "") })
    }

    private static func link(_ target: String, _ path: String) throws {
        unsafe unlink("\(path).new")
        try #require(unsafe symlink(target, "\(path).new") == 0)
        try #require(unsafe rename("\(path).new", path) == 0)
    }

    /// A folder as kubelet lays it: files are links through `..data`, which is replaced at once.
    private static func mount(
        _ folder: TemporaryFolder, _ name: String, _ files: [(name: String, text: String)]
    ) throws {
        try #require(unsafe mkdir("\(folder.path)/\(name)", 0o755) == 0)
        for file in files {
            _ = try folder.write(file.text, to: "\(name)/\(file.name)")
            if unsafe access("\(folder.path)/\(file.name)", F_OK) != 0 {
                try link("..data/\(file.name)", "\(folder.path)/\(file.name)")
            }
        }
        try link(name, "\(folder.path)/..data")
    }

    @Test("a ConfigMap and a Secret that Kubernetes replaces are read again, with watch")
    func replaced() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let key = "\(folder.path)/openai"
        try Self.mount(
            folder, "..first",
            [("config.toml", Self.toml(vendor.port, key: key)), ("openai", "canary-one\n")])
        let process = try ChildProcess(
            "/bin/sh",
            [
                "-c",
                "cd \(folder.path) && exec \(try Binaries.weir) serve --config "
                    + "\(folder.path)/config.toml",
            ])
        let port = try Self.port(process)
        func seen() throws -> String? {
            let call = RecordTests.request("/v1/chat/completions", #"{"model":"gpt-4o"}"#)
            #expect(try RawConnection(port: port).exchange(call).isWhole)
            return try vendor.statistics().requests.last?["authorization"]
        }
        #expect(try seen() == "Bearer canary-one")
        try Self.mount(
            folder, "..second",
            [("config.toml", Self.toml(vendor.port, key: key)), ("openai", "canary-two\n")])
        try process.awaitLines(" notice reloaded ", count: 1)
        #expect(try seen() == "Bearer canary-two")
        let changed = Self.toml(vendor.port, key: key, more: "first_content = \"9s\"")
        try Self.mount(
            folder, "..third", [("config.toml", changed), ("openai", "canary-two\n")])
        try process.awaitLines(" notice reloaded ", count: 2)
        let digest = try ChildProcess("/usr/bin/sha256sum", ["\(folder.path)/config.toml"])
        #expect(try digest.wait() == 0)
        #expect(process.text.contains("sha256=\(digest.text.prefix(64))"))
        // One with a fault changes nothing, and the next one is found all the same.
        try Self.mount(
            folder, "..fourth", [("config.toml", "[server\n"), ("openai", "canary-three\n")])
        try process.awaitLine(" not reloaded: ")
        #expect(try seen() == "Bearer canary-two")
        try Self.mount(
            folder, "..fifth", [("config.toml", changed), ("openai", "canary-four\n")])
        try process.awaitLines(" notice reloaded ", count: 3)
        #expect(try seen() == "Bearer canary-four")
        process.signal(SIGTERM)
        #expect(try process.wait() == 0)
    }

    @Test(
        "a file that is replaced behind a bind mount is noticed, and said",
        .enabled(if: getuid() == 0, "a mount namespace needs root"))
    func behindMount() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let key = try folder.write("canary\n", to: "key")
        let text = Self.toml(vendor.port, key: key).replacing("watch = true\n", with: "")
        let outside = try folder.write(text, to: "outside.toml")
        let inside = try folder.write("", to: "inside.toml")
        let process = try ChildProcess(
            "/usr/bin/unshare",
            [
                "--mount", "/bin/sh", "-c",
                "cd \(folder.path) && mount --bind \(outside) \(inside) && exec "
                    + "\(try Binaries.weir) serve --config \(inside)",
            ])
        _ = try Self.port(process)
        process.signal(SIGHUP)
        try process.awaitLines(" notice reloaded ", count: 1)
        #expect(!process.text.contains("outside of this container"))
        // Editors and deployments write a new file and rename it.
        let next = try folder.write(text + "# changed\n", to: "next.toml")
        try #require(unsafe rename(next, outside) == 0)
        process.signal(SIGHUP)
        try process.awaitLines(" notice reloaded ", count: 2)
        #expect(process.text.contains("the file was replaced outside of this container"))
        process.signal(SIGTERM)
        #expect(try process.wait() == 0)
    }
}
