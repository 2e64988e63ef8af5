import Support
import Testbed
import Testing

/// The gateway's own credentials, wherever in a head and in whatever way a client writes them.
@Suite("Credentials that are misplaced")
struct CredentialSearchTests {
    private static let ownForm = "my-own-form/secret=key-1234567890"

    /// The ways in which a text may hide a credential.
    private static func writings(_ token: String) -> [String] {
        let escaped = token.utf8.map { "%" + String($0, radix: 16) }.joined()
        let twice = escaped.replacing("%", with: "%25")
        return [
            token, "a \(token), b", "s=\(token)", "\"\(token)\"", escaped, twice,
            base64(token), base64("u:\(token)"), "Basic \(base64(":\(token)"))", "Token \(token)",
        ]
    }

    private static func base64(_ text: String) -> String {
        let digits = TestIssuer.text(Array(text.utf8)).replacing("-", with: "+")
            .replacing("_", with: "/")
        return digits + String(repeating: "=", count: (4 - digits.count % 4) % 4)
    }

    /// What shows a credential in what a vendor got.
    private static func shows(_ token: String, _ text: String) -> Bool {
        let core = String(token.suffix(12))
        return writings(core).contains { text.contains($0) }
            || text.contains(base64(token).prefix(24))
            || text.contains(base64(":\(token)").prefix(24))
    }

    private static func seen(_ vendor: ScriptedVendor) throws -> String {
        try vendor.statistics().requests.map { request in
            request.target + request.fields.map { "\($0.name): \($0.value)\n" }.joined()
        }.joined()
    }

    @Test(
        "reach no vendor and no file: repeated, or another one",
        arguments: ["client", "env:gateway-secret"], [true, false])
    func fields(_ credential: String, _ isOwnForm: Bool) throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let keys = [ClientKeyTests.key(1), isOwnForm ? Self.ownForm : ClientKeyTests.key(2)]
        let gateway = try ClientKeyTests.gateway(
            vendor.port,
            ClientKeyTests.lines("ci", keys[0]) + ClientKeyTests.lines("own", keys[1]),
            credential: credential)
        for key in keys {
            for name in ["Cookie", "X-Note", "Authorization", "x-api-key", "User-Agent"] {
                for text in Self.writings(keys[1]) {
                    let response = try RawConnection(port: gateway.port).exchange(
                        Request.chat(
                            path: "/v1/messages",
                            extra: "x-weir-key: \(key)\r\n\(name): \(text)\r\n"))
                    let isSecond = key != keys[1] && ["Authorization", "x-api-key"].contains(name)
                    #expect(
                        response.status == (isSecond ? 401 : 200),
                        "\(name): \(text) \(response.text)")
                    if isSecond { #expect(response.text.contains("several_api_keys")) }
                }
            }
        }
        #expect(try !Self.shows(keys[1], Self.seen(vendor)))
        gateway.stop()
        for text in Self.writings(keys[1]).map({ String($0.suffix(24)) }) {
            #expect(try gateway.record.files(holding: text).isEmpty, "\(text)")
        }
    }

    @Test("are refused in a path, and in a parameter of any name")
    func targets() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let other = "my-own-form-secret-key-1234567890"
        let gateway = try ClientKeyTests.gateway(
            vendor.port, ClientKeyTests.lines("ci", key) + ClientKeyTests.lines("own", other),
            credential: "client")
        for token in [key, other] {
            for text in Self.writings(token) where !text.contains(" ") && !text.contains("\"") {
                for path in ["/v1/messages/\(text)", "/v1/messages?foo=\(text)"] {
                    let response = try RawConnection(port: gateway.port).exchange(
                        Request.chat(path: path, extra: "x-weir-key: \(key)\r\n"))
                    #expect(response.status != 401, "\(path)")
                }
            }
            #expect(try !Self.shows(token, Self.seen(vendor)))
        }
        gateway.stop()
        #expect(try gateway.record.files(holding: other).isEmpty)
    }

    @Test("go nowhere where no key was ever asked for")
    func withoutKeys() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let key = ClientKeyTests.key(1)
        let gateway = try ClientKeyTests.gateway(vendor.port, "", credential: "client")
        for name in ["Cookie", "X-Note", "User-Agent", "x-weir-key"] {
            for text in Self.writings(key) {
                let response = try RawConnection(port: gateway.port).exchange(
                    Request.chat(extra: "Authorization: Bearer sk-x\r\n\(name): \(text)\r\n"))
                #expect(response.status == 200, "\(name): \(text)")
            }
        }
        let inPath = try RawConnection(port: gateway.port).exchange(
            Request.chat(path: "/v1/chat/completions/\(key)"))
        #expect(inPath.status == 400 && inPath.text.contains("api_key_in_path"))
        let asMethod = try RawConnection(port: gateway.port).exchange(
            "\(key) /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(asMethod.status == 501)
        #expect(try !Self.shows(key, Self.seen(vendor)))
        gateway.stop()
        #expect(!gateway.log.lines.joined().contains(key))
        #expect(try gateway.record.files(holding: String(key.dropFirst(5))).isEmpty)
    }
}
