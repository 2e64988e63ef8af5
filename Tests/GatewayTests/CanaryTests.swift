import LogStore
import Support
import Synchronization
import Testing

/// Every shape of a credential on every kind of path: who saw what, by `docs/keys.md`, whose
/// table this suite holds to the truth.
@Suite("Canaries")
struct CanaryTests {
    /// A credential, or several: the fields and the query's pair that carry it.
    struct Shape {
        let name: String
        var fields = ""
        var query = ""
    }

    static let shapes = [
        Shape(name: "none"),
        Shape(name: "Bearer sk-proj-…", fields: "Authorization: Bearer sk-proj-canary0123456789"),
        Shape(name: "Bearer sk-ant-…", fields: "Authorization: Bearer sk-ant-canary0123456789"),
        Shape(name: "Bearer ya29.…", fields: "Authorization: Bearer ya29.canary0123456789"),
        Shape(name: "Bearer of any shape", fields: "Authorization: Bearer canary-of-any-shape"),
        Shape(name: "x-api-key: sk-ant-…", fields: "x-api-key: sk-ant-canary0123456789"),
        Shape(name: "x-api-key of any shape", fields: "x-api-key: canary-of-any-shape"),
        Shape(
            name: "x-api-key and Bearer sk-ant-…",
            fields: "x-api-key: sk-ant-canary01234567\r\n"
                + "Authorization: Bearer sk-ant-canary01234567"),
        Shape(name: "api-key", fields: "api-key: canary-of-any-shape"),
        Shape(name: "x-goog-api-key", fields: "x-goog-api-key: AIzaCanary-canary0123456789"),
        Shape(name: "?key=", query: "key=AIzaCanary-canary0123456789"),
        Shape(name: "?%6BEY=", query: "%6BEY=AIzaCanary-canary0123456789"),
    ]

    static let paths = [
        "/v1/chat/completions", "/v1/models", "/v1/files/f", "/v1/messages",
        "/v1beta/models/m:generateContent", "/v1/models/m:generateContent",
        "/v1/models/ft:gpt-4o::x", "/v1beta/interactions", "/v1beta/openai/chat/completions",
        "//v1//messages", "/V1/Messages", "/api/chat", "/v1/projects/p/x", "/",
    ]

    /// What is no vendor's credential in its usual field, and is left out beside ours.
    private static let others =
        "Cookie: a=canary-1\r\nX-Auth-Token: canary-2\r\nOcp-Apim-Subscription-Key: canary-3\r\n"
        + "cf-aig-authorization: Bearer canary-4\r\nX-Forwarded-Access-Token: canary-5\r\n"
        + "Cf-Access-Jwt-Assertion: canary-6\r\nX-Amzn-Oidc-Data: canary-7\r\n"
        + "X-MS-TOKEN-AAD-ID-TOKEN: canary-8\r\nX-Amz-Security-Token: canary-9\r\n"
        + "Proxy-Authorization: Basic canary-10\r\nAuthentication: canary-11\r\n"
        + "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.canary-12\r\n"
        + "Referer: https://u:canary-13@h/p?key=canary-14\r\n"
        + "X-Original-URI: /p?access_token=canary-15\r\nX-Api-Key: canary-16\r\n"
    private static let otherQuery =
        "api_key=canary-17&API-KEY=canary-18;access_token=canary-19&code=canary-20"
        + "&%73ig=canary-21&token=canary-22"

    /// What went to the vendors, and what each of them answers.
    final class Vendors: Sendable {
        let ports: [String: Int]
        private let servers: [ByteVendor]

        init(_ names: [String], failing: String = "") throws {
            let slot = Mutex<[String: Int]>([:])
            let seenBox = SeenBox()
            servers = try names.map { name in
                let server = try ByteVendor { connection, _ in
                    while true {
                        let request = try connection.request()
                        seenBox.add(
                            name, request.head + String(decoding: request.body, as: UTF8.self))
                        try connection.send(
                            name == failing
                                ? "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
                                : "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                    + "Content-Length: 8\r\n\r\n{\"a\": 1}")
                    }
                }
                slot.withLock { $0[name] = server.port }
                return server
            }
            ports = slot.withLock { $0 }
            box = seenBox
        }

        private let box: SeenBox

        /// What came since it was last asked.
        func take() -> [(vendor: String, text: String)] { box.take() }

        func stop() { for server in servers { server.stop() } }
    }

    private final class SeenBox: Sendable {
        private let seen = Mutex<[(vendor: String, text: String)]>([])

        func add(_ vendor: String, _ text: String) {
            seen.withLock { $0.append((vendor, text)) }
        }

        func take() -> [(vendor: String, text: String)] {
            seen.withLock { seen in
                defer { seen = [] }
                return seen
            }
        }
    }

    static func toml(_ vendors: Vendors, credential: String) -> String {
        ["openai", "anthropic", "gemini"].map { name in
            let base = "http://127.0.0.1:\(vendors.ports[name] ?? 0)"
            return """
                [vendors.\(name)]
                base_url = "\(base)\(name == "openai" ? "/v1" : "")"
                credential = "\(credential.replacing("NAME", with: name))"
                """
        }.joined(separator: "\n")
    }

    static func request(_ path: String, _ shape: Shape, more: Bool) -> String {
        let body = #"{"model":"m"}"#
        let query = [shape.query, more ? otherQuery : ""].filter { !$0.isEmpty }
        return "POST \(path)\(query.isEmpty ? "" : "?" + query.joined(separator: "&")) HTTP/1.1\r\n"
            + "Host: localhost\r\nContent-Length: \(body.utf8.count)\r\n"
            + (shape.fields.isEmpty ? "" : shape.fields + "\r\n") + (more ? others : "")
            + "\r\n\(body)"
    }

    static func holdsCanary(_ text: String) -> Bool {
        text.lowercased().contains("canary")
    }

    /// The cell of the table: the vendor that was asked, or the status of our own answer.
    private static func cell(
        _ gateway: TestGateway, _ vendors: Vendors, _ path: String, _ shape: Shape
    ) throws -> String {
        let response = try RawConnection(port: gateway.port).exchange(
            request(path, shape, more: false))
        let seen = vendors.take()
        guard let first = seen.first else { return "\(response.status)" }
        #expect(seen.count == 1)
        return first.vendor + (holdsCanary(first.text) || shape.name == "none" ? "" : " without")
    }

    @Test("the caller's own key goes where the table says, and nowhere else")
    func table() throws {
        let vendors = try Vendors(["openai", "anthropic", "gemini"])
        defer { vendors.stop() }
        let gateway = try TestGateway(Self.toml(vendors, credential: "client"))
        defer { gateway.stop() }
        var lines = [
            "| path | " + Self.shapes.map(\.name).joined(separator: " | ") + " |",
            "|---|" + Self.shapes.map { _ in "---" }.joined(separator: "|") + "|",
        ]
        for path in Self.paths {
            let cells = try Self.shapes.map { try Self.cell(gateway, vendors, path, $0) }
            lines.append("| `\(path)` | " + cells.joined(separator: " | ") + " |")
        }
        let page = Repository.text("docs/keys.md")
        #expect(page.contains(lines.joined(separator: "\n")), "\(lines.joined(separator: "\n"))")
        gateway.stop()
        #expect(try gateway.record.files(holding: "anary") == [])
    }

    @Test(
        "beside a credential of ours, or none, no vendor sees anything of the caller's",
        arguments: ["env:own-NAME-secret", "none"])
    func own(_ credential: String) throws {
        let vendors = try Vendors(["openai", "anthropic", "gemini"])
        defer { vendors.stop() }
        let gateway = try TestGateway(Self.toml(vendors, credential: credential))
        defer { gateway.stop() }
        var asked: Set<String> = []
        for path in Self.paths {
            for shape in Self.shapes {
                _ = try RawConnection(port: gateway.port).exchange(
                    Self.request(path, shape, more: true))
                for (vendor, text) in vendors.take() {
                    asked.insert(vendor)
                    #expect(!Self.holdsCanary(text), "\(path) \(shape.name): \(text)")
                    for name in ["openai", "anthropic", "gemini"] {
                        let isOwn = credential != "none" && name == vendor
                        #expect(text.contains("own-\(name)-secret") == isOwn)
                    }
                }
            }
        }
        #expect(asked == ["openai", "anthropic", "gemini"])
        gateway.stop()
        #expect(try gateway.record.files(holding: "anary") == [])
        #expect(try gateway.record.files(holding: "own-") == [])
    }

    @Test("in a chain of two each vendor sees its own key, and the caller's goes to the first")
    func chains() throws {
        for (first, second) in [
            ("client", "env:own-second-secret"), ("env:own-first-secret", "client"),
            ("env:own-first-secret", "env:own-second-secret"), ("client", "client"),
        ] {
            let vendors = try Vendors(["first", "second"], failing: "first")
            defer { vendors.stop() }
            let gateway = try TestGateway(
                ["first", "second"].map { name in
                    """
                    [vendors.\(name)]
                    dialect = "openai"
                    base_url = "http://127.0.0.1:\(vendors.ports[name] ?? 0)/v1"
                    credential = "\(name == "first" ? first : second)"
                    """
                }.joined(separator: "\n")
                    + """

                    [[chains]]
                    name = "two"
                    targets = [{ vendor = "first" }, { vendor = "second" }]
                    """)
            defer { gateway.stop() }
            var asked: Set<String> = []
            for shape in Self.shapes {
                _ = try RawConnection(port: gateway.port).exchange(
                    Self.request("/v1/chat/completions", shape, more: false))
                for (vendor, text) in vendors.take() {
                    asked.insert(vendor)
                    let credential = vendor == "first" ? first : second
                    if credential != "client" { #expect(!Self.holdsCanary(text), "\(shape.name)") }
                    #expect(text.contains("own-\(vendor)-secret") == (credential != "client"))
                    let other = vendor == "first" ? "second" : "first"
                    #expect(!text.contains("own-\(other)-secret"))
                    // The caller's key is meant for one of them.
                    if first == "client", vendor == "second" { #expect(!Self.holdsCanary(text)) }
                }
            }
            // Where both take the caller's key, the other is not asked.
            let isForFirst = first == "client" && second == "client"
            #expect(asked == (isForFirst ? ["first"] : ["first", "second"]))
            gateway.stop()
            #expect(try gateway.record.files(holding: "anary") == [])
            #expect(try gateway.record.files(holding: "own-") == [])
        }
    }
}
