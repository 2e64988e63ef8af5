import Glibc
import JSON
import Primitives
import Support
import Testing

@Suite("weir bench")
struct BenchReportTests {
    private static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> (status: Int32, text: String) {
        let process = try ChildProcess(
            try Binaries.weir, ["bench"] + arguments, environment: environment)
        let status = try process.wait(seconds: 120)
        return (status, process.text)
    }

    @Test("without options it compares direct calls to a vendor with calls through the gateway")
    func nothingSaid() throws {
        let began = Instant.now()
        let folder = try TemporaryFolder()
        let result = try Self.run([], environment: ["TMPDIR": folder.path])
        // A person waits for it.
        #expect((Instant.now() - began).seconds < 60)
        #expect(result.status == 0, "\(result.text)")
        for word in ["plain, 1 at once", "stream, 16 at once", "KiB for each of 200 open streams"] {
            #expect(result.text.contains(word), "\(word)")
        }
        #expect(result.text.contains("weir: every answer verified"))
        // The processes that it started have ended, and its files are gone.
        let left = try ChildProcess("/usr/bin/pgrep", ["-fa", folder.path])
        #expect(try left.wait() == 1, "\(left.text)")
        let files = try ChildProcess("/bin/ls", ["-A", folder.path])
        #expect(try files.wait() == 0 && files.text.isEmpty, "\(files.text)")
    }

    @Test("says what is wrong with what was asked for, and what it costs to go on")
    func usage() throws {
        for (arguments, status, words) in [
            (["--direct", "http://127.0.0.1:1/v1"], Int32(1), "nothing to compare"),
            (
                ["--direct", "nowhere", "--via", "http://127.0.0.1:1"], 1,
                "must begin with https://"
            ),
            (
                ["--direct", "http://127.0.0.1:1/v1", "--via", "http://127.0.0.1:1/v1"], 1,
                "CURLE_COULDNT_CONNECT"
            ),
            (
                ["--direct", "https://api.invalid/v1", "--via", "http://127.0.0.1:1/v1"], 2,
                "--yes agrees"
            ),
            (["--key", "sk-literal"], 1, "env:NAME"), (["--duration", "x"], 2, "invalid"),
        ] {
            let result = try Self.run(arguments)
            #expect(result.status == status, "\(arguments): \(result.text)")
            #expect(result.text.contains(words), "\(arguments): \(result.text)")
            #expect(!result.text.contains("sk-literal"))
        }
    }

    @Test("its page opens in a browser without a complaint, every figure in its cell")
    func page() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/report.html"
        let result = try Self.run(["--duration", "3", "--html", path, "--json"])
        #expect(result.status == 0, "\(result.text)")
        let report = try JSONValue(parsing: result.text)
        let browser = try ChildProcess(
            "/usr/bin/chromium",
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                "--user-data-dir=\(folder.path)/profile", "--window-size=1100,1500",
                "--screenshot=\(folder.path)/page.png", "--dump-dom", "file://\(path)",
            ])
        #expect(try browser.wait(seconds: 120) == 0)
        let page = browser.text
        // The console's lines are marked; there must be none.
        #expect(!page.contains("CONSOLE"), "\(page.suffix(2000))")
        let scenarios = report["scenarios"]?.elements ?? []
        #expect(scenarios.count == 4)
        var verifiedTotal = 0
        for scenario in scenarios {
            #expect(page.contains("<h2>\(scenario["name"]?.text ?? "?")</h2>"))
            for target in scenario["targets"]?.elements ?? [] {
                let verified = target["verified"]?.integer ?? -1
                #expect(verified >= 0 && page.contains("<td>\(verified)</td>"))
                verifiedTotal += max(0, verified)
            }
        }
        // A busy machine may bring no call of one kind to its end in so short a time.
        #expect(verifiedTotal > 0)
        // Curves of the first content, of the whole and, of streams, of the gaps; a distribution.
        #expect(page.split(separator: "<svg").count - 1 == 2 * 3 + 2 * 4)
        #expect(page.split(separator: "<polyline").count - 1 == 2 * (2 * 2 + 2 * 3))
        #expect(page.contains("id=\"memory\"") && !page.contains("NaN") && !page.contains("inf"))
        var status = stat()
        #expect(unsafe stat("\(folder.path)/page.png", &status) == 0 && status.st_size > 20_000)
    }
}
