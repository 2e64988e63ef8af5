import Codings
import LogStore
import Support
import Testing

/// The model asked for stands in every record, whatever of the body does.
@Suite("The model in the record")
struct RecordModelTests {
    /// What becomes of a body: kept, kept beside secrets that are masked, or passed on as it comes.
    enum Way: String, CaseIterable {
        case kept, masked, streamed
    }

    private static func gateway(_ vendor: Int, capture: String, _ way: Way) throws -> TestGateway {
        let credential = way == .masked ? "env:sk-model-canary-Q1234567" : "client"
        let vendors = ["openai", "anthropic", "gemini"].map { name in
            """
            [vendors.\(name)]
            base_url = "http://127.0.0.1:\(vendor)\(name == "openai" ? "/v1" : "")"
            credential = "\(credential)"

            """
        }
        return try TestGateway(
            "[server]\n\(way == .streamed ? "replay_limit = \"1KiB\"" : "")\n"
                + "[log]\ncapture = \"\(capture)\"\n" + vendors.joined())
    }

    /// Reads each request to its end.
    private static func vendor() throws -> ByteVendor {
        try ByteVendor { connection, _ in
            while true {
                let (head, body) = try connection.request()
                if body.isEmpty, head.lowercased().contains("chunked") {
                    _ = try connection.take(through: "\r\n0\r\n\r\n")
                }
                try connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 2\r\n\r\n{}")
            }
        }
    }

    private static func body(_ form: String, bytes: Int, isLate: Bool, _ model: String) -> String {
        let text = String(repeating: "text ", count: bytes / 5)
        func part(_ name: String, _ value: String) -> String {
            "--b\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        func ordered(_ first: String, _ last: String, by separator: String) -> String {
            isLate ? last + separator + first : first + separator + last
        }
        switch form {
        case "multipart/form-data; boundary=b":
            return ordered(part("model", model), part("file", text), by: "") + "--b--\r\n"
        case "application/x-www-form-urlencoded":
            return ordered("model=\(model)", "text=\(text.replacing(" ", with: "+"))", by: "&")
        default:
            let messages = #""messages":[{"role":"user","content":"\"\#(text)\\"}]"#
            return "{" + ordered("\"model\":\"\(model)\"", messages, by: ",") + "}"
        }
    }

    private static func encoded(_ body: String, _ coding: String) throws -> [UInt8] {
        let bytes = Array(body.utf8)
        switch coding {
        case "gzip": return try #require(Gzip.compress(bytes))
        case "br": return StoredCoding.brotli(bytes)
        case "zstd": return StoredCoding.zstd(bytes)
        default: return bytes
        }
    }

    private static func request(
        _ path: String, type: String, coding: String, _ body: [UInt8], isChunked: Bool
    ) -> [UInt8] {
        let field = coding.isEmpty ? "" : "Content-Encoding: \(coding)\r\n"
        let head = "POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\n\(field)"
        guard isChunked else {
            return Array("\(head)Content-Length: \(body.count)\r\n\r\n".utf8) + body
        }
        return Array(
            "\(head)Transfer-Encoding: chunked\r\n\r\n\(String(body.count, radix: 16))\r\n".utf8)
            + body + Array("\r\n0\r\n\r\n".utf8)
    }

    @Test(
        "is there wherever it stands in the body, in every form and coding",
        arguments: ["full", "head", "none"], Way.allCases)
    func everywhere(_ capture: String, _ way: Way) throws {
        let vendor = try Self.vendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor.port, capture: capture, way)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        var expected: [String] = []
        for form in [
            "application/json", "multipart/form-data; boundary=b",
            "application/x-www-form-urlencoded",
        ] {
            for coding in ["", "gzip", "br", "zstd"] {
                for (bytes, isLate) in [(2000, true), (300_000, false), (300_000, true)] {
                    let model = "m-\(expected.count)"
                    let body = try Self.encoded(
                        Self.body(form, bytes: bytes, isLate: isLate, model), coding)
                    let path =
                        form.hasPrefix("multipart")
                        ? "/v1/audio/transcriptions" : "/v1/chat/completions"
                    try client.send(
                        Self.request(
                            path, type: form, coding: coding, body,
                            isChunked: way == .streamed && expected.count % 2 == 1))
                    #expect(try client.response().status == 200)
                    expected.append(model)
                }
            }
        }
        gateway.stop()
        let found = try gateway.record.records().map(\.model)
        #expect(found.count == expected.count)
        for (index, model) in found.enumerated() { #expect(model == expected[index]) }
    }

    @Test("is there in the words of every dialect", arguments: ["full", "head", "none"])
    func dialects(_ capture: String) throws {
        let vendor = try Self.vendor()
        defer { vendor.stop() }
        let gateway = try Self.gateway(vendor.port, capture: capture, .masked)
        defer { gateway.stop() }
        let client = try RawConnection(port: gateway.port)
        let text = String(repeating: "x", count: 300_000)
        let paths = [
            ("/v1/messages", "{\"messages\":[\"\(text)\"],\"model\":\"m\"}"),
            ("/v1/responses", "{\"input\":\"\(text)\",\"model\":\"m\"}"),
            ("/v1beta/models/m:generateContent", "{\"contents\":[\"\(text)\"]}"),
            ("/v1beta/models/m:generateContent", "{}"),
            ("/v1/chat/completions", "{\"messages\":[\"\(text)\"]}"),
        ]
        for (path, body) in paths {
            for coding in ["", "gzip"] {
                try client.send(
                    Self.request(
                        path, type: "application/json", coding: coding,
                        try Self.encoded(body, coding), isChunked: false))
                #expect(try client.response().status == 200)
            }
        }
        gateway.stop()
        let models = try gateway.record.records().map(\.model)
        #expect(models == ["m", "m", "m", "m", "m", "m", "m", "m", "", ""])
    }
}
