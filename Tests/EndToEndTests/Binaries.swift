import Glibc
import Support

/// The paths of the built programs.
enum Binaries {
    /// The release build: what ships is what is tested.
    static let release = "\(Repository.root)/.build/release"

    /// The program.
    static var weir: String {
        get throws {
            guard unsafe access("\(release)/weir", X_OK) == 0 else {
                throw RawConnection.Failure.broken(
                    "no release build: run bin/test, or `swift build -c release` first"
                )
            }
            return "\(release)/weir"
        }
    }
}

/// A folder of a test's own, gone with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/weir-test-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw RawConnection.Failure.broken("mkdtemp")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        _ = try? ChildProcess("/bin/rm", ["-rf", path]).wait()
    }

    /// Writes a file and returns its path.
    func write(_ text: String, to name: String) throws -> String {
        let path = "\(path)/\(name)"
        guard let file = unsafe fopen(path, "w") else {
            throw RawConnection.Failure.broken("cannot write \(path)")
        }
        defer { unsafe fclose(file) }
        _ = unsafe text.withCString { unsafe fputs($0, file) }
        return path
    }
}

/// `weir serve`, started on free ports.
final class GatewayProcess {
    let process: ChildProcess
    let port: Int
    let adminPort: Int
    /// Where its record is.
    let recordPath: String
    private let folder: TemporaryFolder
    /// What its configuration begins with.
    private let sections: String

    /// Starts the gateway with a configuration; `{` and `}` as in TOML.
    ///
    /// `limits` are for the shell's ulimit, such as `-n 64`; `program` is another file than the
    /// built one.
    init(
        _ toml: String, server: String = "", log: String = "", limits: String? = nil,
        environment: [String: String] = [:], folder: TemporaryFolder? = nil,
        recordPath: String? = nil, adminToken: String = "", program: String? = nil
    ) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        self.recordPath = recordPath ?? "\(folder.path)/record"
        sections = """
            [server]
            listen = "127.0.0.1:0"
            \(server)
            [admin]
            listen = "127.0.0.1:0"
            token = "\(adminToken)"
            [log]
            path = "\(self.recordPath)"
            \(log.contains("journal_size") ? "" : "journal_size = \"16MiB\"")
            \(log)

            """
        let file = try folder.write(sections + toml, to: "config.toml")
        let weir = try program ?? Binaries.weir
        if let limits {
            process = try ChildProcess(
                "/bin/sh", ["-c", "ulimit \(limits); exec \(weir) serve --config \(file)"],
                environment: environment
            )
        } else {
            process = try ChildProcess(
                weir, ["serve", "--config", file], environment: environment
            )
        }
        let line = try process.awaitLine(" serving ")
        func number(_ key: String) -> Int {
            let word = line.split(separator: " ").first { $0.hasPrefix(key) }
            return word.flatMap { Int($0.split(separator: ":").last ?? "") } ?? 0
        }
        port = number("listen=")
        adminPort = number("admin=")
    }

    /// A gateway whose three vendors are one port of this machine.
    convenience init(
        vendor: Int, server: String = "", log: String = "", limits: String? = nil,
        environment: [String: String] = [:], folder: TemporaryFolder? = nil,
        recordPath: String? = nil
    ) throws {
        try self.init(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor)/v1"
            [vendors.anthropic]
            base_url = "http://127.0.0.1:\(vendor)"
            [vendors.gemini]
            base_url = "http://127.0.0.1:\(vendor)"
            """,
            server: server, log: log, limits: limits, environment: environment, folder: folder,
            recordPath: recordPath
        )
    }

    /// Writes its configuration anew, the first sections as they were, and says so with SIGHUP.
    func reload(_ toml: String, more: String = "") throws {
        try rewrite(sections + more + toml)
        process.signal(SIGHUP)
    }

    /// Writes its configuration anew, the first sections as they were.
    func rewriteKeepingSections(_ toml: String) throws {
        try rewrite(sections + toml)
    }

    /// Its configuration.
    var configurationPath: String { "\(folder.path)/config.toml" }

    /// Replaces its configuration, as a whole; nil takes it away.
    func rewrite(_ text: String?) throws {
        guard let text else {
            unsafe unlink(configurationPath)
            return
        }
        let next = try folder.write(text, to: "next.toml")
        guard unsafe rename(next, configurationPath) == 0 else {
            throw RawConnection.Failure.broken("cannot rename \(next)")
        }
    }

    /// Writes bytes into a file beside its configuration, and returns the path.
    func write(_ bytes: [UInt8]) throws -> String {
        let path = "\(folder.path)/body"
        guard let file = unsafe fopen(path, "w") else {
            throw RawConnection.Failure.broken("cannot write \(path)")
        }
        defer { unsafe fclose(file) }
        _ = unsafe fwrite(bytes, 1, bytes.count, file)
        return path
    }

    /// The page of the operators' listener.
    func page(_ path: String) throws -> RawResponse {
        try RawConnection(port: adminPort).exchange(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
    }

    /// The sum of a metric over its labels, those of a filter alone.
    func metric(_ name: String, where filter: String = "") throws -> Int {
        try page("/metrics").text.split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix(name + " ") || line.hasPrefix(name + "{"), line.contains(filter)
            else { return sum }
            return sum + (line.split(separator: " ").last.flatMap { Int($0) } ?? 0)
        }
    }

    /// Waits until a condition holds, asking again and again.
    func await(_ what: String, _ condition: () throws -> Bool) throws {
        guard try Patience.await(everyMilliseconds: 10, condition) else {
            throw RawConnection.Failure.timedOut(what)
        }
    }
}
