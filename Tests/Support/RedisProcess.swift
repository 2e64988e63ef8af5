import Glibc

/// A Redis server from the distribution's packages, on a free port, gone with the test.
package final class RedisProcess {
    package let port: Int
    private let folder: ScratchFolder
    private let options: [String]
    private var process: ChildProcess?

    /// Starts a server; `options` as in its configuration, a word each.
    package init(_ options: [String] = []) throws {
        folder = try ScratchFolder("weir-redis")
        port = try ByteVendor.closedPort()
        self.options = options
        try start()
    }

    /// Starts it, with nothing in it but what it has kept in a file of its own.
    package func start() throws {
        process = try ChildProcess(
            "/usr/bin/redis-server",
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", folder.path,
            ] + options)
        try process?.awaitLine("Ready to accept connections")
    }

    /// Ends it at once, and what it has in memory alone is gone.
    package func kill() {
        process?.signal(SIGKILL)
        _ = try? process?.wait()
        process = nil
    }

    package func signal(_ number: Int32) {
        process?.signal(number)
    }

    /// What the server answers to a command, by its own client.
    @discardableResult
    package func ask(_ words: [String]) throws -> String {
        let client = try ChildProcess("/usr/bin/redis-cli", ["-p", "\(port)"] + words)
        _ = try client.wait()
        return client.text.split(separator: "\n").joined(separator: "\n")
    }
}
