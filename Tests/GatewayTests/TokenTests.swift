import Access
import Cryptography
import LogStore
import Primitives
import Support
import Testbed
import Testing

/// Tokens of an issuer in the stead of keys, from the client's side.
@Suite("Tokens of clients")
struct TokenTests {
    private static func keyring(_ list: String?) throws -> IssuerKeyring {
        let keyring = IssuerKeyring(
            digest: { bytes in
                var digest = Digest()
                digest.add(bytes)
                guard let whole = KeyDigest(digest.finishBytes().span) else {
                    fatalError("no digest")
                }
                return whole
            }, wanted: {})
        guard let list else { return keyring }
        let keys = IssuerKeys(Array(list.utf8).span, make: verifier)
        keyring.replace(by: try #require(keys))
        return keyring
    }

    private static func verifier(_ material: IssuerKeys.Material) -> IssuerKeys.Verify? {
        guard case .ed25519(let x) = material, let key = PublicKey.ed25519(x: x) else {
            return nil
        }
        return { key.verifies($0, of: $1) }
    }

    private static func gateway(
        _ port: Int, _ keyring: IssuerKeyring?, credential: String = "env:gateway-secret"
    ) throws -> TestGateway {
        let vendors = ["openai", "anthropic", "gemini"].map { name in
            """
            [vendors.\(name)]
            base_url = "http://127.0.0.1:\(port)\(name == "openai" ? "/v1" : "")"
            credential = "\(credential)"

            """
        }
        return try TestGateway(
            """
            \(vendors.joined())
            [access.jwt]
            issuer = "https://id.example"
            audience = "weir"
            jwks = "file:/keys.json"
            group = "team"
            [groups.ops]
            requests = "100/1h"
            \(ClientKeyTests.lines("ci", ClientKeyTests.key(1)))
            """, keyring: keyring)
    }

    private static func claims(_ audience: String = "weir") -> String {
        "{\"iss\":\"https://id.example\",\"aud\":\"\(audience)\",\"sub\":\"ann\",\"team\":\"ops\","
            + "\"exp\":4000000000}"
    }

    private static let paths = [
        "/v1/chat/completions", "/v1/messages", "/v1beta/models/m:generateContent",
    ]

    @Test("let in from every carrier, and reach no vendor, log or file")
    func carriers() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let signer = try TestIssuer(.ed25519)
        let token = try signer.token(Self.claims())
        let gateway = try Self.gateway(
            vendor.port, try Self.keyring(TestIssuer.list([("k1", signer)])))
        var count = 0
        for path in Self.paths {
            for (query, fields) in [
                ("", "x-weir-key: \(token)\r\n"), ("", "Authorization: Bearer \(token)\r\n"),
                ("", "x-api-key: \(token)\r\n"), ("", "api-key: \(token)\r\n"),
                ("", "x-goog-api-key: \(token)\r\n"), ("?key=\(token)", ""),
            ] {
                let response = try RawConnection(port: gateway.port).exchange(
                    Request.chat(path: path + query, extra: fields))
                #expect(response.status == 200, "\(path) \(fields) \(response.text)")
                count += 1
            }
        }
        let secret = String(token.suffix(40))
        let view = try vendor.statistics()
        #expect(view.requestCount == count)
        for request in view.requests {
            let all = request.target + request.fields.map { "\($0.name): \($0.value)" }.joined()
            #expect(!all.contains(secret) && all.contains("gateway-secret"))
        }
        #expect(gateway.ledger.view().first { $0.scope == .group("ops") }?.admitted == count)
        gateway.stop()
        #expect(!gateway.log.lines.joined().contains(secret))
        #expect(try gateway.record.files(holding: secret).isEmpty)
        let records = try gateway.record.records()
        #expect(records.allSatisfy { $0.key == "jwt:ann" && $0.group == "ops" })
    }

    @Test("that are refused are so in each dialect, and say nothing of themselves")
    func refusals() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let signer = try TestIssuer(.ed25519)
        let gateway = try Self.gateway(
            vendor.port, try Self.keyring(TestIssuer.list([("k1", signer)])))
        defer { gateway.stop() }
        let wrong = try signer.token(Self.claims("other"))
        for path in Self.paths {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(path: path, extra: "Authorization: Bearer \(wrong)\r\n"))
            #expect(response.status == 401 && response.text.contains("invalid_token"))
            #expect(response.text.contains("another audience"))
            #expect(!response.text.contains(wrong.suffix(40)))
        }
        // A key is one still, and what is neither is none.
        for (key, status) in [(ClientKeyTests.key(1), 200), ("ey.ey", 401), ("eyJ.e30.", 401)] {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(extra: "Authorization: Bearer \(key)\r\n"))
            #expect(response.status == status)
        }
        #expect(try vendor.statistics().requestCount == 1)
    }

    @Test("in several fields go to no vendor from any")
    func copies() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let signer = try TestIssuer(.ed25519)
        let token = try signer.token(Self.claims())
        let gateway = try Self.gateway(
            vendor.port, try Self.keyring(TestIssuer.list([("k1", signer)])),
            credential: "client")
        defer { gateway.stop() }
        for fields in [
            "x-weir-key: \(token)\r\nAuthorization: Bearer \(token)\r\n",
            "Authorization: Bearer \(token)\r\nx-api-key: \(token)\r\n",
        ] {
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(path: "/v1/messages?key=\(token)", extra: fields))
            #expect(response.status == 200)
        }
        for request in try vendor.statistics().requests {
            let all = request.target + request.fields.map { "\($0.name): \($0.value)" }.joined()
            #expect(!all.contains(token.suffix(40)))
        }
        // The client's own login beside it is for the vendor.
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(
                path: "/v1/messages",
                extra: "x-weir-key: \(token)\r\nAuthorization: Bearer oauth-token\r\n"))
        #expect(response.status == 200)
        #expect(try vendor.statistics().requests.last?["authorization"] == "Bearer oauth-token")
    }

    @Test("beside a key are refused or left out, the expired and the later ones, too")
    func besideKey() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let signer = try TestIssuer(.ed25519)
        let gateway = try Self.gateway(
            vendor.port, try Self.keyring(TestIssuer.list([("k1", signer)])), credential: "client")
        let claims = Self.claims()
        let expired = claims.replacing("4000000000", with: "1000000000")
        let later = claims.replacing("\"exp\"", with: "\"nbf\":3999999999,\"exp\"")
        for claims in [claims, expired, later] {
            let token = try signer.token(claims)
            let basic = TestIssuer.text(Array(":\(token)".utf8))
            for (field, status) in [
                ("Authorization: Bearer \(token)", 401), ("Authorization: Token \(token)", 401),
                ("Authorization: Basic \(basic)", 401), ("Cookie: s=\(token)", 200),
                ("X-Note: \(token)", 200), ("X-Note: \(basic)", 200),
            ] {
                let response = try RawConnection(port: gateway.port).exchange(
                    Request.chat(
                        path: "/v1/messages",
                        extra: "x-weir-key: \(ClientKeyTests.key(1))\r\n\(field)\r\n"))
                #expect(response.status == status, "\(field) \(response.text)")
            }
            for request in try vendor.statistics().requests {
                let all = request.fields.map { "\($0.name): \($0.value)" }.joined()
                #expect(!all.contains(token.suffix(40)) && !all.contains(basic.suffix(40)))
            }
        }
        let foreign = try signer.token(Self.claims("another"))
        let response = try RawConnection(port: gateway.port).exchange(
            Request.chat(
                path: "/v1/messages",
                extra: "x-weir-key: \(ClientKeyTests.key(1))\r\n"
                    + "Authorization: Bearer \(foreign)\r\n"))
        #expect(response.status == 200, "for another audience it is the vendor's")
        gateway.stop()
    }

    @Test("before the issuer's keys are known get 503, and without a ring of them 401")
    func unavailable() throws {
        let vendor = try ScriptedVendor()
        defer { vendor.stop() }
        let token = try TestIssuer(.ed25519).token(Self.claims())
        for (keyring, status) in [(try Self.keyring(nil), 503), (nil, 401)] {
            let gateway = try Self.gateway(vendor.port, keyring)
            defer { gateway.stop() }
            let response = try RawConnection(port: gateway.port).exchange(
                Request.chat(extra: "Authorization: Bearer \(token)\r\n"))
            #expect(response.status == status)
        }
        #expect(try vendor.statistics().requestCount == 0)
    }
}
