import ArgumentParser
import Config
import Glibc
import Primitives
import Support
import Testing

@testable import LogStore
@testable import weir

@Suite("Commands about the record")
struct LogsCommandTests {
    @Test("the configuration is the option's, else the variable's, else the usual file")
    func configuration() {
        let usual = "/etc/weir/config.toml"
        for (option, variable, isThere, path) in [
            ("a", "b", true, "a"), (nil, "b", true, "b"), (nil, "", true, usual),
            (nil, nil, true, usual), (nil, nil, false, nil),
        ] as [(String?, String?, Bool, String?)] {
            let found = LogsConfiguration.path(option: option, variable: variable) { asked in
                asked == usual && isThere
            }
            #expect(found == path)
        }
    }

    @Test("a secret that is not there stops no command about the record, and a fault does")
    func secrets() throws {
        let folder = try ScratchFolder("config")
        let path = "\(folder.path)/weir.toml"
        try Self.write(
            """
            [log]
            path = "/var/lib/weir"
            [vendors.openai]
            base_url = "https://api.openai.com/v1"
            credential = "env:WEIR_TEST_NOT_SET"
            headers = { "X-Extra" = "file:/nowhere/secret" }
            [sinks.fleet]
            kind = "clickhouse"
            url = "http://127.0.0.1:8123"
            password = "env:WEIR_TEST_NOT_SET"
            """, to: path)
        let file = ConfigurationFile(path: path)
        #expect(throws: ConfigurationError.self) { try file.read() }
        #expect(try file.readWithoutSecrets().log.path == "/var/lib/weir")
        #expect(try LogsConfiguration.parse(["--config", path]).load().log.path == "/var/lib/weir")
        try Self.write("[log]\npaht = 1\n", to: path)
        #expect(throws: ConfigurationError.self) { try file.readWithoutSecrets() }
        #expect(throws: ConfigurationError.self) {
            try ConfigurationFile(path: "/nowhere/weir.toml").readWithoutSecrets()
        }
    }

    @Test("a raw body comes with what keeps it from being the wire's")
    func raw() {
        let redacted = Array(#"{"a":"<redacted>"}"#.utf8)
        for (bytes, total, fault) in [
            ([], 0, nil), ([1, 0, 255], 3, nil),
            ([], 7, "is missing: none of its 7 bytes is kept"),
            ([1, 2], 7, "is cut: 2 of 7 bytes are kept"),
            ([1, 2], 1, "is cut: 2 of 1 bytes are kept"),
            (redacted, 30, "is redacted: 18 bytes are kept of 30"),
            (redacted, 18, "is redacted: 18 bytes are kept of 18"),
        ] as [([UInt8], Int, String?)] {
            let body = RawBody(LogStore.Record.Body(bytes: bytes, totalBytes: total))
            #expect(body.bytes == bytes)
            #expect(body.fault == fault)
        }
        let loss = ContentFault(reason: .damaged, segment: 3, offset: 64, part: "request_body")
        let lost = RawBody(LogStore.Record.Body(bytes: [], totalBytes: 9), loss: loss)
        #expect(
            lost.fault == "cannot be read: request_body is damaged: segment 3, offset 64")
    }

    @Test("a raw body says what else went over the wire, by what the record has besides")
    func rawOfRecords() {
        for (fields, bytes, isRouted, isWhole) in [
            ("content-length: 5\r\n", 5, true, true), ("Content-Length: 9\r\n", 5, false, false),
            ("content-length: 5000\r\n", 0, false, false), ("", 0, false, true),
            ("transfer-encoding: chunked\r\n", 5, true, true),
            ("transfer-encoding: chunked\r\n", 5, false, false),
            ("host: a\r\ncontent-length: 0\r\n", 0, false, true),
        ] {
            var record = LogStore.Record(Identifier(high: 1, low: 1))
            record.requestFields = fields
            record.requestBody = LogStore.Record.Body(
                bytes: [UInt8](repeating: 0x61, count: bytes), totalBytes: bytes)
            record.errorKind = isRouted ? "" : "request_incomplete"
            record.answered = isRouted ? 1 : 0
            let body = RawBody(.request, of: record)
            #expect((body.fault == nil) == isWhole && body.bytes.count == bytes, "\(fields)")
        }
        for (method, status, answered, isWhole) in [
            ("POST", 502, 0, false), ("POST", 200, 0, false), ("POST", 200, 1, true),
            ("POST", 500, 1, true), ("HEAD", 404, 0, true), ("OPTIONS", 204, 0, true),
            ("GET", 304, 0, true), ("POST", 0, 0, true),
        ] {
            var record = LogStore.Record(Identifier(high: 1, low: 1))
            (record.method, record.status, record.answered) = (method, status, answered)
            record.errorKind = "vendor_broke_off"
            let fault = RawBody(.response, of: record).fault
            #expect((fault == nil) == isWhole, "\(method) \(status) \(answered)")
            #expect(fault?.contains("vendor_broke_off") ?? true)
        }
    }

    @Test("forget says why it cannot reach a call, with a gateway and without one")
    func inFlight() {
        let call = ExchangeInFlight(
            identifier: Identifier(high: 1, low: 1), key: "k", session: "s")
        let served = LogsForgetCommand.report(inFlight: [call], isServed: true)
        #expect(served.contains("still in flight"))
        let stopped = LogsForgetCommand.report(inFlight: [call], isServed: false)
        #expect(!stopped.contains("in flight") && stopped.contains("start one"))
    }

    @Test("forget takes one name, and none that is empty")
    func forget() throws {
        for arguments in [
            [], ["--key", "a", "--session", "b"], ["--session", ""], ["--id", ""], ["--key", ""],
        ] {
            #expect(throws: (any Error).self) { try LogsForgetCommand.parse(arguments) }
        }
        #expect(try LogsForgetCommand.parse(["--session", "s"]).session == "s")
    }

    @Test("a failure ends with 1, and a command's own end stays as it is")
    func failures() throws {
        #expect(throws: ExitCode(1)) {
            try LogsOptions.orFail { throw ConfigurationError(diagnostics: []) }
        }
        #expect(throws: ExitCode(2)) { try LogsOptions.orFail { throw ExitCode(2) } }
        #expect(try LogsOptions.orFail { 3 } == 3)
    }

    @Test("filters reach the record's, each under its own name")
    func filters() throws {
        let filter = try LogsFilter.parse([
            "--session", "s", "--client", "192.0.2.*", "--class", "timeout", "--status", "5xx",
        ]).filter()
        #expect(filter.session == "s" && filter.client == "192.0.2.*")
        #expect(filter.errorClass == "timeout" && filter.status == "5xx")
        for status in ["6", "9xx", "0xx", "600", "099", "42", "xx", "4x", "²xx"] {
            #expect(throws: ExitCode(2), "\(status)") {
                try LogsFilter.parse(["--status", status]).filter()
            }
        }
    }

    private static func write(_ text: String, to path: String) throws {
        let file = unsafe try #require(fopen(path, "we"))
        unsafe fputs(text, file)
        unsafe fclose(file)
    }
}
