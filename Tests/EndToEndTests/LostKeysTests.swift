import Glibc
import JSON
import Support
import Testing

/// Keys that were made while a gateway ran, and a record that cannot be read at its next start.
@Suite("Keys in a record that is lost")
struct LostKeysTests {
    @Test(
        "a client that shows none is let in by no later start",
        arguments: ["garbage", "empty", "folder", "gone", "no room for journals"])
    func closed(_ damage: String) throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let toml = AccessCommandTests.toml(vendor.port, "[groups.team]\n")
        let first = try AccessCommandTests.start(toml, folder: folder)
        // Before there is a key none is asked for.
        #expect(try Self.anonymous(first) == 200)
        let key = try AccessCommandTests.storedKey("ann", first)
        #expect(try AccessCommandTests.status(first, key) == 200)
        #expect(try Self.anonymous(first) == 401)
        first.process.signal(SIGTERM)
        #expect(try first.process.wait() == 0)
        try Self.harm("\(first.recordPath)/weir.db", damage)
        let second = try GatewayProcess(
            // A journal is larger: it cannot be made, as on a full disk.
            toml, limits: damage.hasPrefix("no room") ? "-f 20000" : "",
            environment: ["KEY": "gateway-canary"], folder: folder)
        #expect(try Self.anonymous(second) == 401)
        let status = try AccessCommandTests.status(second, key)
        if damage.hasPrefix("no room") {
            #expect(status == 200, "its keys can be read all the same")
        } else {
            #expect(status == 401 || status == 503)
        }
    }

    @Test(
        "a database that cannot be opened is opened when it can be, and its keys are in force",
        arguments: [
            // Without a key ever, in the same file and in another one; with a key.
            (key: false, isOther: false, before: 200, ready: 200),
            (key: false, isOther: true, before: 401, ready: 503),
            (key: true, isOther: false, before: 401, ready: 503),
            (key: true, isOther: true, before: 401, ready: 503),
        ])
    func reopened(_ row: (key: Bool, isOther: Bool, before: Int, ready: Int)) throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let toml = AccessCommandTests.toml(vendor.port, "[groups.team]\n")
        let first = try AccessCommandTests.start(toml, folder: folder)
        #expect(try Self.anonymous(first) == 200)
        let key = row.key ? try AccessCommandTests.storedKey("ann", first) : "sk-vendor-key"
        first.process.signal(SIGTERM)
        #expect(try first.process.wait() == 0)
        let path = "\(first.recordPath)/weir.db"
        unsafe unlink("\(path).keys")
        try Self.copy(path, to: "\(path).copy")
        for ending in ["-wal", "-shm"] { unsafe unlink(path + ending) }
        // It is kept: what is removed may give its number to the next file.
        if row.isOther { try #require(unsafe rename(path, "\(path).before") == 0) }
        try Self.write(path, String(repeating: "garbage ", count: 10_000))
        let second = try AccessCommandTests.start(toml, folder: folder)
        #expect(try Self.anonymous(second) == row.before)
        #expect(try AccessCommandTests.status(second, key) == (row.before == 200 ? 200 : 503))
        #expect(try second.page("/readyz").status == row.ready)
        let health = try second.page("/healthz").text
        #expect(health.contains("clients are refused") == (row.ready != 200))
        #expect(health.contains("not recorded"))
        for ending in ["-wal", "-shm"] { unsafe unlink(path + ending) }
        try Self.copy("\(path).copy", to: path)
        try second.await("the keys of the database") {
            try AccessCommandTests.status(second, key) == 200
        }
        #expect(try Self.anonymous(second) == (row.key ? 401 : 200))
        #expect(try second.page("/readyz").status == 200)
        // So are calls from then on.
        try second.await("the record") {
            try !second.page("/healthz").text.contains("not recorded")
        }
        let stored = try second.metric("weir_records_stored_total")
        _ = try AccessCommandTests.status(second, key)
        try second.await("a call to be stored") {
            try second.metric("weir_records_stored_total") > stored
        }
        // The calls from before are named, and nothing else is lost.
        let verified = try RecordTests.logs(second, ["verify", "--json"])
        let losses = try JSONValue(parsing: verified.text)["losses"]?.elements ?? []
        #expect(losses.map { $0["kind"] } == [.string("unrecorded")], "\(verified.text)")
        // A key that is made now counts.
        guard !row.key else { return }
        let new = try AccessCommandTests.storedKey("bob", second)
        try second.await("the new key") { try Self.anonymous(second) == 401 }
        #expect(try AccessCommandTests.status(second, new) == 200)
    }

    /// Into the same file, where there is one.
    private static func copy(_ path: String, to other: String) throws {
        let process = try ChildProcess("/bin/cp", [path, other])
        #expect(try process.wait() == 0)
    }

    private static func anonymous(_ gateway: GatewayProcess) throws -> Int {
        try RawConnection(port: gateway.port).exchange(
            RecordTests.request("/v1/chat/completions", #"{"model":"gpt-4o"}"#)
        ).status
    }

    private static func harm(_ path: String, _ damage: String) throws {
        guard !damage.hasPrefix("no room") else { return }
        for file in ["-wal", "-shm", ""] { unsafe unlink(path + file) }
        switch damage {
        case "garbage": try write(path, String(repeating: "garbage ", count: 10_000))
        case "empty": try write(path, "")
        case "folder": try #require(unsafe mkdir(path, 0o700) == 0)
        default: break
        }
    }

    private static func write(_ path: String, _ text: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try #require(descriptor >= 0)
        let bytes = Array(text.utf8)
        let count = unsafe bytes.withUnsafeBytes { bytes in
            unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
        close(descriptor)
        #expect(count == bytes.count)
    }
}
