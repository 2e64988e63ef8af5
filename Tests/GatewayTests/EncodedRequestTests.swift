import Codings
import LogStore
import Primitives
import Support
import Testing

/// Requests whose bodies come under a content coding, as Codex's do: what is decided by their text,
/// and what goes out.
@Suite("Requests under a content coding")
struct EncodedRequestTests {
    /// What Codex sends: one frame of zstd's level 3, without a size and without a checksum.
    private static let text =
        "{\"model\":\"gpt-5-codex\",\"instructions\":\"You are a coding agent. "
        + "You are a coding agent. You are a coding agent.\",\"input\":[{\"role\":\"user\","
        + "\"content\":\"read a, read b, read a, read b\"}],\"store\":false}"
    private static let codex = bytes(
        "28b52ffd00588d0300c2c7171890a76df68b7683ed4ee909853481d0bb1771dc8390ba3b86492a030bf7e46d"
            + "f542485e606105ed60f2efadd9bae6e59c6afd9ec6f291c1bdd76180d6446848d3596368c9686b05bf2b"
            + "ddd466712b4d2f3fe4594304883ed0ef469e351c090500200bc88b552b2e08f6d9684201")
    /// The same with a checksum, whose last byte is another one.
    private static let wrongChecksum = bytes(
        "28b52ffd04588d0300c2c7171890a76df68b7683ed4ee909853481d0bb1771dc8390ba3b86492a030bf7e46d"
            + "f542485e606105ed60f2efadd9bae6e59c6afd9ec6f291c1bdd76180d6446848d3596368c9686b05bf2b"
            + "ddd466712b4d2f3fe4594304883ed0ef469e351c090500200bc88b552b2e08f6d96842018fcc5278")
    /// Deflate without zlib's frame around it: `{"model":"gpt-4o","messages":[…]}`.
    private static let rawDeflate = bytes(
        "ab56cacd4f49cd51b2524a2f28d135c957d251ca4d2d2e4e4c4f2d56b28aae562acacf49054a9616a71601a5"
            + "92f3f34a52f34a800219994ab5b1b500")
    /// 128 MiB of window, as level 22 asks for.
    private static let window: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x88, 0x01, 0x00, 0x00]
    /// A frame of runs: each four bytes stand for 128 KiB, all of it for a gigabyte.
    private static let gigabyte: [UInt8] =
        [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58]
        + (0..<8000).flatMap { _ in [0x02, 0x00, 0x10, 0x78] as [UInt8] }

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8).map { $0.hexadecimalDigit ?? 0 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// A frame that decoders skip, with these bytes in it.
    private static func skipped(_ text: String) -> [UInt8] {
        let length = (0..<4).map { UInt8(truncatingIfNeeded: text.utf8.count >> ($0 * 8)) }
        return [0x50, 0x2A, 0x4D, 0x18] + length + Array(text.utf8)
    }

    private static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        try #require(Gzip.compress(bytes))
    }

    private static func send(
        _ body: [UInt8], _ fields: String, path: String = "/v1/responses", to gateway: TestGateway
    ) throws -> RawResponse {
        let client = try RawConnection(port: gateway.port)
        try client.send(
            Array(
                ("POST \(path) HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Type: application/json\r\n\(fields)"
                    + "Content-Length: \(body.count)\r\n\r\n").utf8) + body)
        return try client.response()
    }

    private static func vendors(_ ports: [Int]) -> String {
        ports.enumerated().map { index, port in
            """
            [vendors.v\(index)]
            dialect = "openai"
            base_url = "http://127.0.0.1:\(port)/v1"
            credential = "none"

            """
        }.joined()
    }

    /// A gateway whose chains are chosen by the model: `v0` for `fake`, `v1` for all others.
    private static func byModel(_ first: Int, _ second: Int) throws -> TestGateway {
        try TestGateway(
            "[server]\nbuiltin_vendors = false\n" + vendors([first, second]) + """
                [[chains]]
                name = "fake"
                models = ["fake"]
                targets = [{ vendor = "v0" }]
                [[chains]]
                name = "others"
                models = ["gpt-*"]
                targets = [{ vendor = "v1" }]
                """)
    }

    @Test("are routed by the model in their text; the bytes go out as they came")
    func routing() throws {
        let other = try AnsweringVendor()
        defer { other.stop() }
        let vendor = try AnsweringVendor()
        defer { vendor.stop() }
        let gateway = try Self.byModel(other.port, vendor.port)
        #expect(try Self.send(Self.codex, "Content-Encoding: zstd\r\n", to: gateway).status == 200)
        gateway.stop()
        let request = try #require(vendor.requests.first)
        #expect(request.body == Self.codex)
        #expect(request.head.contains("\r\nContent-Encoding: zstd\r\n"))
        #expect(other.requests.isEmpty)
        let record = try #require(try gateway.record.records().first)
        #expect(record.model == "gpt-5-codex")
        let decoded = DecodedBody(record.requestBody, fields: record.requestFields)
        #expect(decoded?.bytes == Array(Self.text.utf8))
    }

    @Test("are never routed by a name that stands in their bytes alone")
    func literals() throws {
        let fake = try AnsweringVendor()
        defer { fake.stop() }
        let vendor = try AnsweringVendor()
        defer { vendor.stop() }
        let gateway = try Self.byModel(fake.port, vendor.port)
        defer { gateway.stop() }
        let name = "{\"model\":\"fake\"}"
        let zstd = "Content-Encoding: zstd\r\n"
        for body in [
            Self.skipped(name) + Self.codex, Self.codex + Self.skipped(name),
            Self.skipped(name) + StoredCoding.zstd(Array(Self.text.utf8)),
        ] {
            #expect(try Self.send(body, zstd, to: gateway).status == 200)
            #expect(vendor.requests.last?.body == body)
        }
        // Where nothing can be read, no chain is led to by what seems to stand there.
        for (body, fields) in [
            (Self.skipped(name), zstd), (Array(name.utf8), zstd),
            (Array(name.utf8), "Content-Encoding: x-thing\r\n"),
            (Self.skipped(name) + Self.window, zstd),
        ] {
            let status = try Self.send(body, fields, to: gateway).status
            #expect(400..<500 ~= status, "\(fields) \(status)")
        }
        #expect(fake.requests.isEmpty && vendor.requests.count == 3)
    }

    @Test("go to each vendor as its target says: as they came, or plain with its model")
    func failover() throws {
        let first = try AnsweringVendor(AnsweringVendor.busy)
        defer { first.stop() }
        let second = try AnsweringVendor(AnsweringVendor.busy)
        defer { second.stop() }
        let third = try AnsweringVendor()
        defer { third.stop() }
        let gateway = try TestGateway(
            Self.vendors([first.port, second.port, third.port]) + """
                [[chains]]
                name = "c"
                models = ["gpt-5-codex"]
                targets = [{ vendor = "v0" }, { vendor = "v1", model = "o-1" }, { vendor = "v2" }]
                """)
        let response = try Self.send(Self.codex, "Content-Encoding: zstd\r\n", to: gateway)
        #expect(response.status == 200 && response["x-weir-attempts"] == "3")
        gateway.stop()
        for vendor in [first, third] {
            let request = try #require(vendor.requests.first)
            #expect(request.body == Self.codex)
            #expect(request.head.contains("\r\nContent-Encoding: zstd\r\n"))
        }
        let spliced = try #require(second.requests.first)
        let expected = Self.text.replacing("gpt-5-codex", with: "o-1")
        #expect(String(decoding: spliced.body, as: UTF8.self) == expected)
        let head = spliced.head.lowercased()
        #expect(!head.contains("content-encoding"))
        #expect(head.contains("content-length: \(expected.utf8.count)\r\n"))
        let record = try #require(try gateway.record.records().first)
        #expect(record.attempts.map(\.model) == ["", "o-1", ""])
        #expect(record.requestBody.bytes == Self.codex)
    }

    /// Fields, a body under them, and the model in it: nil where none is found.
    private static func odd() throws -> [(fields: String, body: [UInt8], model: String?)] {
        let plain = Array(text.utf8)
        let half = plain.count / 2
        let zstd = "Content-Encoding: zstd\r\n"
        let five = try (0..<5).reduce(plain) { bytes, _ in try gzip(bytes) }
        return [
            (
                zstd,
                StoredCoding.zstd(Array(plain[..<half])) + StoredCoding.zstd(Array(plain[half...])),
                "gpt-5-codex"
            ),
            (zstd, Array(codex.dropLast(40)), nil), (zstd, wrongChecksum, nil),
            (zstd, window, nil), (zstd, gigabyte, nil),
            (
                "Content-Encoding: gzip\r\nContent-Encoding: zstd\r\n",
                StoredCoding.zstd(try gzip(plain)), "gpt-5-codex"
            ),
            ("Content-Encoding: X-GZip\r\n", try gzip(plain), "gpt-5-codex"),
            ("Content-Encoding: br\r\n", StoredCoding.brotli(plain), "gpt-5-codex"),
            ("Content-Encoding: deflate\r\n", rawDeflate, "gpt-4o"),
            (
                "Content-Encoding: gzip\r\n",
                try gzip([UInt8](repeating: 0, count: ContentDecoder.outputBytesMax + 1)), nil
            ),
            ("Content-Encoding: gzip, gzip, gzip, gzip, gzip\r\n", five, nil),
            ("Content-Encoding: x-thing\r\n", plain, nil),
        ]
    }

    @Test(
        "that are broken, unknown or without bound go out as they came, and are of no known model")
    func unreadable() throws {
        let vendor = try AnsweringVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(vendor: vendor.port)
        let samples = try Self.odd()
        for (fields, body, _) in samples {
            #expect(try Self.send(body, fields, to: gateway).status == 200, "\(fields)")
            let request = try #require(vendor.requests.last)
            #expect(request.body == body, "\(fields)")
            #expect(request.head.contains("\r\n\(fields)"), "\(fields)")
        }
        gateway.stop()
        let models = try gateway.record.records().map(\.model)
        #expect(models.count == samples.count)
        for (sample, model) in zip(samples, models) {
            // Of a frame with a fault at its end the name may have been read before it.
            #expect(model == sample.model ?? "" || sample.model == nil && model == "gpt-5-codex")
        }
    }

    /// The status of a request whose body would have to be changed.
    private static func status(_ fields: String, _ body: [UInt8], _ model: String?) -> Int {
        if model != nil { return 200 }
        // Unknown, or one of too many; without bound; broken.
        if fields.contains("x-thing") || fields.contains("gzip, gzip") { return 415 }
        return fields.contains("gzip") || body == gigabyte ? 413 : 400
    }

    @Test(
        "that cannot be read are refused where a target's model would have to stand in them",
        arguments: [
            ("/v1/responses", [400: "invalid_request_error", 413: "invalid_request_error"]),
            ("/v1/messages", [400: "invalid_request_error", 413: "request_too_large"]),
        ])
    func unspliced(_ path: String, _ types: [Int: String]) throws {
        let vendor = try AnsweringVendor()
        defer { vendor.stop() }
        let gateway = try TestGateway(
            """
            [vendors.v0]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            dialect = "\(path == "/v1/messages" ? "anthropic" : "openai")"
            [[chains]]
            name = "c"
            targets = [{ vendor = "v0", model = "new" }]
            """)
        defer { gateway.stop() }
        for (fields, body, model) in try Self.odd() {
            let response = try Self.send(body, fields, path: path, to: gateway)
            let status = Self.status(fields, body, model)
            #expect(response.status == status, "\(fields) \(body.count)")
            #expect(
                response["accept-encoding"] == (status == 415 ? "gzip, deflate, br, zstd" : nil))
            guard model == nil else { continue }
            #expect(response.text.contains("model_not_replaced"))
            let type = types[status] ?? "invalid_request_error"
            #expect(response.text.contains("\"type\":\"\(type)\""), "\(response.text)")
        }
        for request in vendor.requests {
            let body = String(decoding: request.body, as: UTF8.self)
            #expect(body.hasPrefix("{\"model\":\"new\","), "\(body)")
            #expect(!request.head.lowercased().contains("content-encoding"))
        }
    }

    private static let target = "targets = [{ vendor = \"v0\" }]"

    /// Whatever a body is read for, what hides it has one status.
    private static let readings: [(word: String, path: String, chain: String)] = [
        ("model_unreadable", "/v1/responses", "models = [\"gpt-*\"]\n\(target)"),
        ("body_unreadable", "/v1/messages", target),
    ]

    @Test("that cannot be read are refused alike where a chain or a translation reads them")
    func unreadElsewhere() throws {
        for (word, path, chain) in Self.readings {
            let vendor = try AnsweringVendor()
            defer { vendor.stop() }
            let gateway = try TestGateway(
                Self.vendors([vendor.port]) + "[[chains]]\nname = \"c\"\n\(chain)")
            defer { gateway.stop() }
            for (fields, body, model) in try Self.odd() where model == nil {
                let response = try Self.send(body, fields, path: path, to: gateway)
                #expect(response.status == Self.status(fields, body, model), "\(path) \(fields)")
                #expect(response.text.contains(word), "\(response.text)")
            }
            #expect(vendor.requests.isEmpty)
        }
    }
}
