import LogStore
import Support
import Testing

/// The run of the canaries with client keys on: where a key of the gateway's may stand, on every
/// kind of path, beside every shape of another credential.
@Suite("Canaries beside client keys")
struct ClientKeyCanaryTests {
    /// The letters of a key after its beginning: what must be seen nowhere.
    private static func secret(_ key: String) -> String { String(key.dropFirst(5)) }

    /// Where a key stands in a field or parameter in which vendors expect theirs.
    private static func shapes(of key: String) -> [CanaryTests.Shape] {
        [
            CanaryTests.Shape(name: "Bearer", fields: "Authorization: Bearer \(key)"),
            CanaryTests.Shape(name: "bearer", fields: "authorization: bearer  \(key)"),
            CanaryTests.Shape(name: "bare", fields: "Authorization: \(key)"),
            CanaryTests.Shape(name: "x-api-key", fields: "x-api-key: \(key)"),
            CanaryTests.Shape(name: "api-key", fields: "api-key: \(key)"),
            CanaryTests.Shape(name: "x-goog-api-key", fields: "x-goog-api-key: \(key)"),
            CanaryTests.Shape(name: "?key=", query: "key=\(key)"),
            CanaryTests.Shape(name: "?%6bEY=", query: "a=b&%6bEY=\(key)&key=\(key)"),
            CanaryTests.Shape(
                name: "twice", fields: "x-api-key: \(key)\r\nAuthorization: Bearer \(key)"),
            CanaryTests.Shape(
                name: "a field of any name",
                fields: "x-weir-key: \(key)\r\nx-note: mine is \(key), thanks"),
            CanaryTests.Shape(
                name: "a field that goes on",
                fields: "Authorization: Bearer \(key)\r\nUser-Agent: agent/\(key)"),
            CanaryTests.Shape(
                name: "behind other words",
                fields: "x-weir-key: \(key)\r\nCookie: s=\(key)\r\nx-token: a=\(key)\r\n"
                    + "x-litellm-api-key: Bearer \(key)\r\nhelicone-auth: Bearer \(key)"),
            CanaryTests.Shape(
                name: "as a password",
                fields: "x-weir-key: \(key)\r\nAuthorization: Basic "
                    + TestIssuer.text(Array("u:\(key)".utf8))),
            CanaryTests.Shape(
                name: "behind a vendor's",
                fields: "x-weir-key: \(key)\r\nx-api-key: sk-ant-x \(key)"),
            CanaryTests.Shape(
                name: "any parameter", fields: "x-weir-key: \(key)", query: "a=\(key)&b=\(key)x"),
        ]
    }

    /// The key in the gateway's own field, beside another credential.
    private static func beside(_ shape: CanaryTests.Shape, _ key: String) -> CanaryTests.Shape {
        CanaryTests.Shape(
            name: "x-weir-key and \(shape.name)",
            fields: "x-weir-key: \(key)" + (shape.fields.isEmpty ? "" : "\r\n" + shape.fields),
            query: shape.query)
    }

    @Test(
        "no vendor, log or file has a client key, good or bad, and each vendor its own",
        arguments: ["env:own-NAME-secret", "none", "client"])
    func keys(_ credential: String) throws {
        let vendors = try CanaryTests.Vendors(["openai", "anthropic", "gemini"])
        defer { vendors.stop() }
        let (good, unknown) = (ClientKeyTests.key(1), ClientKeyTests.key(2))
        // A letter of it is another one.
        let malformed = good.dropLast() + (good.hasSuffix("A") ? "B" : "A")
        let gateway = try TestGateway(
            CanaryTests.toml(vendors, credential: credential) + "\n"
                + ClientKeyTests.lines("ci", good))
        defer { gateway.stop() }
        var asked: Set<String> = []
        for key in [good, unknown, String(malformed)] {
            let shapes = Self.shapes(of: key) + CanaryTests.shapes.map { Self.beside($0, key) }
            for path in CanaryTests.paths {
                for shape in shapes {
                    let response = try RawConnection(port: gateway.port).exchange(
                        CanaryTests.request(path, shape, more: false))
                    let seen = vendors.take()
                    #expect(!response.text.contains(Self.secret(key)), "\(path) \(shape.name)")
                    if key != good { #expect(response.status == 401 && seen.isEmpty) }
                    for (vendor, text) in seen {
                        asked.insert(vendor)
                        let lower = text.lowercased()
                        #expect(!lower.contains("weir_") && !lower.contains("x-weir-key"))
                        #expect(!text.contains(Self.secret(key)), "\(path) \(shape.name): \(text)")
                        // Beside a credential of the gateway's nothing of the caller's goes on.
                        let isCallers = credential == "client"
                        #expect(isCallers || !CanaryTests.holdsCanary(text), "\(shape.name)")
                    }
                }
            }
        }
        #expect(asked == ["openai", "anthropic", "gemini"])
        gateway.stop()
        #expect(!gateway.log.lines.isEmpty)
        for key in [good, unknown, String(malformed)] {
            #expect(!gateway.log.lines.joined().contains(Self.secret(key)))
            #expect(try gateway.record.files(holding: Self.secret(key)) == [])
        }
        #expect(try gateway.record.records().contains { $0.key == "ci" })
    }

    /// A key of a form of its own: only its digest shows whose it is.
    private static let plainKeys = ["plain-secret-canary-0001", "plain-secret-canary-0002"]

    @Test(
        "a key of a form of its own goes to no vendor either, in any field, and to no file",
        arguments: ["none", "client"])
    func plain(_ credential: String) throws {
        let vendors = try CanaryTests.Vendors(["openai", "anthropic", "gemini"])
        defer { vendors.stop() }
        let (key, other) = (Self.plainKeys[0], Self.plainKeys[1])
        let gateway = try TestGateway(
            CanaryTests.toml(vendors, credential: credential) + "\n"
                + ClientKeyTests.lines("ci", key) + ClientKeyTests.lines("other", other))
        defer { gateway.stop() }
        func call(_ fields: String, _ path: String = "/v1/messages") throws -> Int {
            try RawConnection(port: gateway.port).exchange(
                CanaryTests.request(
                    path, CanaryTests.Shape(name: "", fields: fields), more: false)
            ).status
        }
        for fields in [
            "x-weir-key: \(key)\r\nx-foo: \(key)", "x-weir-key: \(key)\r\n\(key): a",
            "x-api-key: \(key)\r\nCookie: a=\(key)", "x-weir-key: \(key)\r\nx-api-key: \(key)",
            "x-api-key: \(key)\r\nx-turn-metadata: {\"k\":\"\(key)\"}",
        ] {
            #expect(try call(fields) == 200, "\(fields)")
            for (_, text) in vendors.take() { #expect(!text.contains(key), "\(fields)") }
        }
        for fields in [
            "x-weir-key: \(key)\r\nAuthorization: Bearer \(other)",
            "x-weir-key: \(key)\r\nx-api-key: \(other)",
            "x-api-key: \(key)\r\nx-goog-api-key: \(other)",
        ] {
            #expect(try call(fields) == 401, "\(fields)")
            #expect(vendors.take().isEmpty)
        }
        #expect(try call("x-weir-key: \(key)", "/v1/messages/\(key)") == 400)
        #expect(try call("x-weir-key: \(key)", "/v1/messages?a=\(key)") == 400)
        gateway.stop()
        #expect(!gateway.log.lines.joined().contains(key))
        for secret in [key, other] {
            #expect(try gateway.record.files(holding: secret) == [])
        }
    }

    @Test("a key in a path is refused, and stands in no log or file")
    func path() throws {
        let vendors = try CanaryTests.Vendors(["openai", "anthropic", "gemini"])
        defer { vendors.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try TestGateway(
            CanaryTests.toml(vendors, credential: "none") + "\n"
                + ClientKeyTests.lines("ci", key))
        defer { gateway.stop() }
        for path in [
            "/v1/files/\(key)", "/v1/messages/\(key)/x", "/v1beta/models/\(key):go",
            "/v1/%77\(key.dropFirst())",
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                "GET \(path) HTTP/1.1\r\nHost: localhost\r\nx-weir-key: \(key)\r\n\r\n")
            #expect(response.status == 400 && response.text.contains("api_key_in_path"))
            #expect(!response.text.contains(Self.secret(key)))
            #expect(vendors.take().isEmpty)
        }
        gateway.stop()
        #expect(!gateway.log.lines.joined().contains(Self.secret(key)))
        #expect(try gateway.record.files(holding: Self.secret(key)) == [])
    }
}
