import Primitives
import Testing

@testable import Config

@Suite("A vendor's proxy")
struct VendorProxyTests {
    private static func vendor(_ line: String) throws -> (Vendor, warnings: [String], String) {
        let read = try ConfigurationTests.read("[vendors.openai]\n\(line)")
        let vendor = try #require(read.configuration.vendor(named: "openai"))
        return (vendor, read.warnings, read.configuration.description)
    }

    @Test("is read from its URL, and printed without its password")
    func urls() throws {
        for (url, scheme, host, port, user, password) in [
            ("http://proxy:3128", "http", "proxy", 3128, nil, nil),
            ("https://Proxy.Example.com:443/", "https", "proxy.example.com", 443, nil, nil),
            ("http://10.0.0.1:80", "http", "10.0.0.1", 80, nil, nil),
            ("http://[::1]:3128", "http", "[::1]", 3128, nil, nil),
            ("http://me:secret@p:1", "http", "p", 1, "me", "secret"),
            ("http://me:a%40b%3Ac%2Fd@p:1", "http", "p", 1, "me", "a@b:c/d"),
            ("http://me:a:b@p:1", "http", "p", 1, "me", "a:b"),
            ("http://me:@p:1", "http", "p", 1, "me", ""),
            ("http://token@p:1", "http", "p", 1, "token", nil),
        ] as [(String, String, String, Int, String?, String?)] {
            let proxy = try VendorProxy(url)
            #expect(proxy.scheme == scheme && proxy.host == host && proxy.port == port, "\(url)")
            #expect(proxy.user?.reveal() == user, "\(url)")
            #expect(proxy.password?.reveal() == password, "\(url)")
            let shown = "\(scheme)://\(user == nil ? "" : "<redacted>@")\(host):\(port)"
            #expect(proxy.description == shown)
        }
    }

    @Test(
        "is refused where it is none",
        arguments: [
            "proxy:3128", "socks5://p:1", "http://", "http://p", "http://p:", "http://p:0",
            "http://p:65536", "http://p:x", "http://:1", "http://p:1/path", "http://p:1?q",
            "http://p:1#f", "http://[::1]", "http://::1:3128", "http://[p]:1", "http://p p:1",
            "http://@p:1", "http://:secret@p:1", "http://me:%0d%0a@p:1", "http://me:%zz@p:1",
            "http://me:%f@p:1", "http://m%3Ae:x@p:1", "http://me:%ff@p:1", "http://p\u{E9}:1",
        ])
    func malformed(_ url: String) {
        #expect(throws: VendorProxy.Malformation.self) { try VendorProxy(url) }
    }

    @Test("stands nowhere in what is printed, wherever it comes from")
    func redaction() throws {
        let url = "http://me:canary-password@proxy.test:3128"
        let (literal, warnings, printed) = try Self.vendor("proxy = \"\(url)\"")
        #expect(warnings.contains { $0.contains("holds a password in the file itself") })
        #expect(printed.contains("proxy = \"http://<redacted>@proxy.test:3128\""))
        #expect(!printed.contains("canary"))
        #expect(!"\(literal)".contains("canary"))
        let secrets = SecretSource(environment: { _ in "\(url)\n" }, file: { _ in url })
        for source in ["env:PROXY", "file:/run/proxy"] {
            let read = try Configuration.read(
                "[vendors.openai]\nproxy = \"\(source)\"", file: "c", secrets: secrets)
            #expect(read.warnings.isEmpty)
            #expect(read.configuration.vendor(named: "openai")?.proxy == literal.proxy)
            #expect(!read.configuration.description.contains("canary"))
            #expect(read.configuration.ownSecrets.map { $0.reveal() }.contains("canary-password"))
        }
        let fault = ConfigurationTests.faults(
            "[vendors.openai]\nproxy = \"http://me:canary@p\"")
        #expect(fault.count == 1 && !fault[0].contains("canary"))
    }

    @Test("is nothing that strangers would spend: a key of the caller's goes on beyond loopback")
    func exposure() throws {
        let text =
            "[server]\nlisten = \"0.0.0.0:1\"\n[vendors.openai]\n"
            + "proxy = \"http://me:secret-password@p:1\""
        #expect(ConfigurationTests.faults(text).isEmpty)
    }

    @Test("is the same for vendors that share its tunnels")
    func shared() {
        func faults(_ first: String, _ second: String) -> [String] {
            ConfigurationTests.faults(
                """
                [vendors.a]
                dialect = "openai"
                base_url = "https://api.test/v1"
                proxy = "\(first)"
                [vendors.b]
                dialect = "openai"
                base_url = "https://api.test/v2"
                proxy = "\(second)"
                """)
        }
        #expect(faults("http://a:b@p:1", "http://a:b@p:1").isEmpty)
        #expect(faults("http://a:b@p:1", "http://a:b@p:2").isEmpty)
        #expect(faults("http://p:1", "").isEmpty)
        #expect(faults("http://a:b@p:1", "http://a:c@p:1").count == 1)
        #expect(faults("http://a:b@p:1", "http://p:1").count == 1)
    }
}

@Suite("Fields that a vendor does not get")
struct DroppedFieldTests {
    @Test("are patterns of names")
    func patterns() throws {
        let text =
            "[vendors.openai]\ndrop_headers = [\"CF-*\", \"x-forwarded-?or\", \"via\", \"*\"]"
        let read = try ConfigurationTests.read(text).configuration
        let patterns = ["CF-*", "x-forwarded-?or", "via", "*"]
        #expect(read.vendor(named: "openai")?.dropHeaders == patterns)
        let again = try ConfigurationTests.read(read.description).configuration
        #expect(again.vendor(named: "openai")?.dropHeaders == patterns)
    }

    @Test(
        "are refused where no field has such a name",
        arguments: ["", " via", "via:", "a,b", "a/b", "[ab]", "caf\u{E9}", "a\\tb"])
    func malformed(_ pattern: String) {
        let faults = ConfigurationTests.faults("[vendors.openai]\ndrop_headers = [\"\(pattern)\"]")
        #expect(faults.count == 1)
        #expect(faults.first?.contains("drop_headers[0]") ?? false)
    }
}
