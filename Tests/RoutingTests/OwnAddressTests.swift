import Config
import Dialects
import Primitives
import Support
import Testing

@testable import Routing

@Suite("Addresses of vendors")
struct OwnAddressTests {
    private static func address(
        _ base: String, dialect: String = "anthropic", credential: String = "OWN",
        at gateway: String = "http://gw:8080"
    ) throws -> OwnAddress {
        let toml = """
            [vendors.v]
            dialect = "\(dialect)"
            base_url = "\(base)"
            credential = "\(credential)"
            rewrite_urls = true
            """
        let secrets = SecretSource(environment: { $0 }, file: { _ in nil })
        let read = try Configuration.read(toml, file: "a", secrets: secrets)
        let table = RoutingTable(read.configuration)
        #expect(table.rewritesURLs)
        return OwnAddress(of: table.vendors[0], at: gateway)
    }

    private static func rewritten(_ url: String, _ address: OwnAddress) -> String? {
        address.address(for: Array(url.utf8).span).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("below base_url become the gateway's, and say whose they are")
    func own() throws {
        let plain = try Self.address("https://api.example.com")
        for (url, expected) in [
            (
                "https://api.example.com/v1/messages/batches/b_1/results",
                "http://gw:8080/v1/messages/batches/b_1/results?x-weir-vendor=v"
            ),
            ("HTTPS://API.Example.COM:443/v1/x", "http://gw:8080/v1/x?x-weir-vendor=v"),
            ("https://api.example.com", "http://gw:8080?x-weir-vendor=v"),
            (
                "https://api.example.com/upload/v1beta/files?upload_id=AMNfjG2x&upload_protocol=r",
                "http://gw:8080/upload/v1beta/files?upload_id=AMNfjG2x&upload_protocol=r"
                    + "&x-weir-vendor=v"
            ),
            ("//api.example.com/v1/x?a", "http://gw:8080/v1/x?a&x-weir-vendor=v"),
            // What was asked with may be the gateway's.
            ("https://api.example.com/a?key=S&b=1", "http://gw:8080/a?b=1&x-weir-vendor=v"),
            ("https://api.example.com/a?x-weir-vendor=w&b", "http://gw:8080/a?b&x-weir-vendor=v"),
        ] { #expect(Self.rewritten(url, plain) == expected, "\(url)") }
        let team = try Self.address(
            "http://10.0.0.1:81/openai/v1", dialect: "openai", at: "https://gw/team")
        #expect(
            Self.rewritten("http://10.0.0.1:81/openai/v1/files/f%2F1?a", team)
                == "https://gw/team/v1/files/f%2F1?a&x-weir-vendor=v")
        let client = try Self.address("https://api.example.com", credential: "client")
        #expect(
            Self.rewritten("https://api.example.com/a?key=S", client)
                == "http://gw:8080/a?key=S&x-weir-vendor=v")
    }

    @Test(
        "that are another's, or could be, stay as they are",
        arguments: [
            "", "/v1/x", "v1/x", "//api.example.com/v1/x", "https:/api.example.com/v1/x",
            "https:api.example.com/base/x", "http://api.example.com/base/x",
            "https://api.example.com/", "https://api.example.com/other/x",
            "https://api.example.com/basement/x", "https://api.example.com.evil.test/base/x",
            "https://evil.test/base/x", "https://evil.test/https://api.example.com/base/x",
            "https://api.example.com@evil.test/base/x", "https://a:b@api.example.com/base/x",
            "https://@api.example.com/base/x", "https://api.example.com:8443/base/x",
            "https://api.example.com:/base/x", "https://api.example.com:443443/base/x",
            "https://api.example.com:+443/base/x", "https://api.example.com./base/x",
            "https://api.example.com/base/../admin", "https://api.example.com/base/%2e%2e/admin",
            "https://api.example.com/base/.%2E/admin", "https://api.example.com/base/..;/x",
            "https://api.example.com\\@evil.test/base/x", "https://api.example.com/base\\..\\x",
            "https://api.example.com/base/x#part", "https://api.example.com/base/x y",
            " https://api.example.com/base/x", "https://api.example.com/base/x\r\nSet-Cookie: a",
            "https://api.example.com/base/\u{7F}", "https://api.example.com/base/ä",
            "https://[::1]/base/x", "javascript:alert(1)", "https://api.example.com/base\"x",
            "https://api.exam%70le.com/base/x", "https:///api.example.com/base/x",
        ])
    func foreign(_ url: String) throws {
        #expect(Self.rewritten(url, try Self.address("https://api.example.com/base")) == nil)
    }

    @Test("lead back to their vendor alone")
    func back() throws {
        let toml = """
            [vendors.v]
            dialect = "openai"
            base_url = "http://a/v1"
            rewrite_urls = true
            [vendors."w x"]
            dialect = "openai"
            base_url = "http://b/v1"
            rewrite_urls = true
            [vendors.z]
            dialect = "openai"
            base_url = "http://c/v1"
            """
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        let read = try Configuration.read(toml, file: "a", secrets: secrets)
        let vendors = RoutingTable(read.configuration).vendors
        for (query, served) in [
            ("", [true, true, true]), ("a=b", [true, true, true]),
            ("x-weir-vendor=v", [true, false, false]),
            ("a=b&x-weir-vendor=w%20x&c", [false, true, false]),
            // Its addresses are not the gateway's.
            ("x-weir-vendor=z", [false, false, false]), ("x-weir-vendor", [false, false, false]),
            ("x-weir-vendors=v", [true, true, true]),
        ] {
            let found = vendors[0..<3].map {
                !OwnAddress.leadsElsewhere(Array(query.utf8).span, than: $0)
            }
            #expect(found == served, "\(query)")
        }
    }

    // MARK: In bodies

    static let bodies: [(body: String, expected: String)] = [
        (
            "{\"id\":\"b\",\"results_url\":\"https://api.example.com/v1/r\",\"x\":1}",
            "{\"id\":\"b\",\"results_url\":\"http://gw:8080/v1/r?x-weir-vendor=v\",\"x\":1}"
        ),
        (
            "{\"data\":[{\"results_url\" :\n \"https:\\/\\/api.example.com\\/1\"},"
                + "{\"results_url\":null},{\"results_url\":\"https://api.example.com/2\"}]}",
            "{\"data\":[{\"results_url\" :\n \"http://gw:8080/1?x-weir-vendor=v\"},"
                + "{\"results_url\":null},{\"results_url\":\"http://gw:8080/2?x-weir-vendor=v\"}]}"
        ),
    ]

    /// Bodies that pass as they are.
    static let untouched = [
        "", "{}", "{\"results_url\":\"https://evil.test/r\"}", "{\"results_url\":\"\"}",
        "{\"a\":\"\\\"results_url\\\":\\\"https://api.example.com/1\\\"\"}",
        "{\"a\":\"results_url\",\"b\":\"https://api.example.com/1\"}",
        "{\"results_url\":[\"https://api.example.com/1\"]}", "{\"results_urls\":\"x\"}",
        "{\"results_url\":\"https://api.example.com/1", "{\"results_url\"", "\"results_ur",
        "{\"results_url\":\"\\", "{\"url\":\"https://api.example.com/1\"}",
    ]

    private static func filtered(_ pieces: [[UInt8]], _ address: OwnAddress) -> String {
        var filter = AddressFilter(address)
        var output = ByteBuffer()
        for piece in pieces { filter.take(piece.span, to: &output) }
        filter.end(to: &output)
        return output.bytes.text
    }

    @Test("in bodies are found however the bytes arrive, and nothing else changes")
    func bodies() throws {
        let address = try Self.address("https://api.example.com")
        for (body, expected) in Self.bodies + Self.untouched.map({ ($0, $0) }) {
            for pieces in ByteSplits.all(Array(body.utf8)) {
                #expect(Self.filtered(pieces, address) == expected, "\(body)")
            }
        }
    }

    @Test("in bodies have a bound: a value without an end is not waited for")
    func endless() throws {
        let address = try Self.address("https://api.example.com")
        let body = "{\"results_url\":\"" + String(repeating: "x", count: 100_000)
        var filter = AddressFilter(address)
        var output = ByteBuffer()
        let bytes = Array(body.utf8)
        var largest = 0
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            let end = min(start + 1000, bytes.count)
            filter.take(Array(bytes[start..<end]).span, to: &output)
            largest = max(largest, end - output.count)
        }
        filter.end(to: &output)
        #expect(output.bytes.text == body)
        #expect(largest < 10 << 10)
    }
}
