import Codings
import Dialects
import Support
import Testing

@Suite("The model of a body in pieces")
struct ModelScanTests {
    private static func scan(
        _ pieces: [ArraySlice<UInt8>], type: String = "application/json", encoding: String = ""
    ) -> String? {
        var scan = ModelScan(
            contentType: Array(type.utf8).span, contentEncoding: Array(encoding.utf8).span)
        for piece in pieces { scan.take(piece.span) }
        scan.end()
        return scan.name
    }

    private static let form = "multipart/form-data; boundary=x-y"
    private static let urlEncoded = "application/x-www-form-urlencoded"

    private static func part(_ name: String, _ value: String) -> String {
        "--x-y\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
    }

    private static let cases: [(body: String, type: String, model: String?)] = [
        (#"{"model":"m","messages":[]}"#, "", "m"),
        (#"{"messages":[{"model":"x","content":"\"model\":\"y\""}],"model":"m"}"#, "", "m"),
        ("\u{FEFF} \n{\"a\":\"\\\\\",\"mod\\u0065l\":\"m\\u0041\"}", "text/plain", "mA"),
        (#"{"model":null,"session":{"model":"m"}}"#, "", "m"),
        (#"{"requests":[{"params":{"model":"m"}},{"params":{"model":"n"}}]}"#, "", "m"),
        (#"{"model":"models/gemini-x"}"#, "", "gemini-x"),
        (#"{"model":"m"} {"model":"n"}"#, "", "m"), (#"{} {"model":"n"}"#, "", nil),
        (#"{"model":5,"x":[{"model":"m"}]}"#, "", nil), (#"{"model":"m"#, "", nil),
        ("", "", nil), ("   ", "", nil), ("[1]", "", nil), ("model=m", "text/plain", nil),
        (part("file", "a\r\n--x\r\n--x-z") + part("model", "m") + "--x-y--\r\n", form, "m"),
        (part("model", "m") + part("file", "b") + "--x-y--", form, "m"),
        ("preamble\r\n" + part("a", "") + part("model", "m\r\n-") + "--x-y--", form, "m\r\n-"),
        (part("file", "a --x-y b") + "--x-y--\r\n" + part("model", "m"), form, nil),
        (part("model", "m"), form, nil), (part("model", "m"), "multipart/form-data", nil),
        ("a=1&model=m%20n+o&model=x", urlEncoded, "m n o"), ("model=m", urlEncoded, "m"),
        ("a=model&b", urlEncoded, nil),
    ]

    @Test("is found in one piece, byte by byte, and cut in two anywhere", arguments: cases)
    func pieces(_ body: String, _ type: String, _ model: String?) {
        let bytes = Array(body.utf8)
        #expect(Self.scan([bytes[...]], type: type) == model)
        #expect(Self.scan(bytes.indices.map { bytes[$0...$0] }, type: type) == model)
        for cut in bytes.indices {
            #expect(Self.scan([bytes[..<cut], bytes[cut...]], type: type) == model, "\(cut)")
        }
    }

    @Test("is found behind texts of any length, whatever backslashes stand where they are cut")
    func long() {
        for backslashes in 0..<4 {
            let text =
                String(repeating: "x", count: 9000)
                + String(repeating: #"\\"#, count: backslashes) + #"\""#
            for body in [
                "{\"\(text)\":[\"\(text)\"],\"model\":\"m\"}",
                "{\"model\":null,\"a\":\"\(text)\",\"session\":"
                    + "{\"b\":\"\(text)\",\"model\":\"m\"}}",
            ] {
                let bytes = Array(body.utf8)
                for size in [1, 7, 4095, 5000, bytes.count] {
                    let pieces = stride(from: 0, to: bytes.count, by: size).map {
                        bytes[$0..<min($0 + size, bytes.count)]
                    }
                    #expect(Self.scan(pieces) == "m", "\(backslashes) \(size)")
                }
                // Every cut around the end of the text.
                for cut in 8990..<9020 {
                    #expect(Self.scan([bytes[..<cut], bytes[cut...]]) == "m", "\(cut)")
                }
            }
        }
        let field = Array("a=\(String(repeating: "y", count: 9000))&model=m".utf8)
        for cut in [4000, 5000, 9001, 9002, 9003, 9008] {
            #expect(Self.scan([field[..<cut], field[cut...]], type: Self.urlEncoded) == "m")
        }
    }

    @Test("is found in every content coding, and not behind one that is not known")
    func codings() throws {
        let plain = Array(
            "{\"a\":\"\(String(repeating: "z", count: 200_000))\",\"model\":\"m\"}".utf8)
        let gzip = try #require(Gzip.compress(plain))
        let deflate = try #require(Gzip.compress(plain, isWrapped: false))
        for (encoding, body) in [
            ("gzip", gzip), ("deflate", deflate), ("zstd", StoredCoding.zstd(plain)),
            ("br", StoredCoding.brotli(plain)), ("identity", plain),
        ] {
            #expect(Self.scan([body[...]], encoding: encoding) == "m", "\(encoding)")
            let pieces = stride(from: 0, to: body.count, by: 4096).map {
                body[$0..<min($0 + 4096, body.count)]
            }
            #expect(Self.scan(pieces, encoding: encoding) == "m", "\(encoding)")
        }
        #expect(Self.scan([plain[...]], encoding: "x") == nil)
        #expect(Self.scan([plain[...]], encoding: "gzip") == nil)
    }

    @Test("nothing more is read once it is found")
    func ends() {
        var scan = ModelScan()
        scan.take(Array(#"{"model":"m","#.utf8).span)
        #expect(scan.isOver && scan.name == "m")
        scan.take(Array(#""model":"n"}"#.utf8).span)
        scan.end()
        #expect(scan.name == "m")
        for (body, isPlain) in [("{", true), ("{\"a\"", true), (" {", false), ("", false)] {
            let found = ModelScan.isPlainJSON(Array(body.utf8).span)
            #expect(found == isPlain, "\(body)")
        }
    }
}
