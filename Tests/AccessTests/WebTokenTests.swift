import Config
import Cryptography
import Primitives
import Support
import Synchronization
import Testing

@testable import Access

/// Tokens of an issuer: whatever is not exactly as it must be lets nothing in.
@Suite("Tokens")
struct WebTokenTests {
    private static let now = 1_800_000_000

    private static let toml = """
        [access.jwt]
        issuer = "https://id.example"
        audience = "weir"
        jwks = "file:/keys.json"
        group = "teams"
        [groups.team]
        requests = "5/1h"

        """

    /// What a gateway makes of tokens of issuers.
    private struct Gate {
        let issuer: TokenIssuer
        let ledger: Ledger
        let keyring: IssuerKeyring
        let wishes: Wishes

        init(_ list: String) throws {
            let wishes = Wishes()
            self.wishes = wishes
            keyring = IssuerKeyring(digest: digest) { wishes.count.add(1, ordering: .relaxed) }
            if let keys = keys(list) { keyring.replace(by: keys) }
            ledger = Ledger()
            let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
            let (configuration, _) = try Configuration.read(
                toml, file: "test", secrets: secrets)
            issuer = try #require(
                AccessTable(configuration, ledger, keyring: keyring).issuer)
        }

        func find(_ token: String, now: Int = WebTokenTests.now) -> String {
            let bytes = Array(token.utf8)
            return switch issuer.find(bytes.span, digest(bytes.span), now: now * 1000) {
            case .valid(let key): "\(key.name) of \(key.group)"
            case .refused(let reason): reason
            case .unavailable: "unavailable"
            }
        }
    }

    private final class Wishes: Sendable {
        let count = Atomic<Int>(0)
    }

    private static func digest(_ bytes: Span<UInt8>) -> KeyDigest {
        var digest = Digest()
        digest.add(bytes)
        guard let whole = KeyDigest(digest.finishBytes().span) else { fatalError("no digest") }
        return whole
    }

    private static func keys(_ list: String) -> IssuerKeys? {
        IssuerKeys(Array(list.utf8).span, make: verifier)
    }

    private static func verifier(_ material: IssuerKeys.Material) -> IssuerKeys.Verify? {
        let key =
            switch material {
            case .rsa(let modulus, let exponent):
                PublicKey.rsa(modulus: modulus, exponent: exponent)
            case .p256(let x, let y): PublicKey.p256(x: x, y: y)
            case .ed25519(let x): PublicKey.ed25519(x: x)
            }
        guard let key else { return nil }
        return { key.verifies($0, of: $1) }
    }

    private static func claims(_ changes: [String: String?] = [:]) -> String {
        var all = [
            "iss": "\"https://id.example\"", "aud": "\"weir\"", "sub": "\"ann\"",
            "exp": "\(now + 60)", "teams": "[\"none\",\"team\"]",
        ]
        for (name, value) in changes { all[name] = value }
        return "{"
            + all.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
            .joined(separator: ",") + "}"
    }

    @Test("of the issuer let in, in each algorithm", arguments: TestIssuer.Kind.allCases)
    func good(_ kind: TestIssuer.Kind) throws {
        let signer = try TestIssuer(kind)
        let gate = try Gate(TestIssuer.list([("k1", signer)]))
        let token = try signer.token(Self.claims())
        #expect(gate.find(token) == "jwt:ann of team")
        #expect(gate.find(token) == "jwt:ann of team", "from memory")
        #expect(gate.find(token, now: Self.now + 59) == "jwt:ann of team")
        #expect(gate.find(token, now: Self.now + 60) == "it has expired")
        let nameless = try signer.token(
            head: "{\"alg\":\"\(kind.rawValue)\"}", claims: Self.claims())
        #expect(gate.find(nameless) == "jwt:ann of team", "there is no choice")
        #expect(gate.wishes.count.load(ordering: .relaxed) == 0)
    }

    @Test("whose claims are not as they must be let nothing in")
    func hostileClaims() throws {
        let signer = try TestIssuer(.ed25519)
        let gate = try Gate(TestIssuer.list([("k1", signer)]))
        for (changes, reason) in [
            (["iss": "\"https://id.example/\""], "it is of another issuer"),
            (["iss": nil], "it is of another issuer"), (["iss": "7"], "it is of another issuer"),
            (["aud": "\"other\""], "it is for another audience"),
            (["aud": nil], "it is for another audience"),
            (["aud": "[]"], "it is for another audience"),
            (["aud": "[\"other\",\"weir\"]"], "jwt:ann of team"),
            (["aud": "{\"weir\":1}"], "it is for another audience"),
            (["exp": nil], "it does not say when it ends"),
            (["exp": "\"\(Self.now + 60)\""], "it does not say when it ends"),
            (["exp": "1e999"], "it does not say when it ends"),
            (["exp": "-1"], "it does not say when it ends"),
            (["exp": "1e300"], "jwt:ann of team"),
            (["exp": "\(Self.now)"], "it has expired"),
            (["exp": "\(Self.now - 1).999"], "it has expired"),
            (["nbf": "\(Self.now + 61)"], "it is not good yet"),
            (["nbf": "\(Self.now + 60)"], "jwt:ann of team"),
            (["nbf": "\"soon\""], "its beginning is no number"),
            (["sub": nil], "it does not say whose it is"),
            (["sub": "\"\""], "it does not say whose it is"),
            (["sub": "7"], "it does not say whose it is"),
            (["teams": nil], "it has no claim teams"), (["teams": "7"], "it has no claim teams"),
            (["teams": "\"team\""], "jwt:ann of team"),
            (["teams": "\"Team\""], "it names no group that is known here"),
            (["teams": "[7,{}]"], "it names no group that is known here"),
        ] as [([String: String?], String)] {
            #expect(gate.find(try signer.token(Self.claims(changes))) == reason, "\(changes)")
        }
        let twice = String(Self.claims().dropLast()) + ",\"sub\":\"bob\"}"
        #expect(gate.find(try signer.token(twice)) == "a member stands twice in its claims")
        for text in ["", "[]", "{", "7", "{\"iss\":\"\\ud800\"}x"] {
            #expect(gate.find(try signer.token(text)) == "its claims cannot be read", "\(text)")
        }
    }

    @Test("whose heads choose another way to be verified let nothing in")
    func hostileHeads() throws {
        let (rsa, curve) = (try TestIssuer(.rsa), try TestIssuer(.p256))
        let gate = try Gate(TestIssuer.list([("k1", rsa), ("k2", curve)]))
        let wrongAlgorithm = "its algorithm is none of RS256, ES256 and EdDSA"
        let wrongSignature = "its signature is none of the issuer's"
        for (head, reason) in [
            ("{\"alg\":\"RS256\",\"kid\":\"k1\"}", "jwt:ann of team"),
            ("{\"alg\":\"none\",\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"alg\":\"None\",\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"alg\":\"HS256\",\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"alg\":\"rs256\",\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"alg\":\"RS512\",\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"alg\":\"PS256\",\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"alg\":[\"RS256\"],\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"kid\":\"k1\"}", wrongAlgorithm),
            ("{\"alg\":\"ES256\",\"kid\":\"k1\"}", wrongSignature),
            ("{\"alg\":\"RS256\",\"kid\":\"k2\"}", wrongSignature),
            ("{\"alg\":\"EdDSA\"}", wrongSignature),
            ("{\"alg\":\"RS256\",\"kid\":\"K1\"}", "the issuer has no such key"),
            ("{\"alg\":\"RS256\",\"kid\":\"../../k1\"}", "the issuer has no such key"),
            ("{\"alg\":\"RS256\",\"kid\":7}", "its key's name is no text"),
            ("{\"alg\":\"RS256\",\"kid\":null}", "its key's name is no text"),
            ("{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[]}", "it asks for an extension"),
            (
                "{\"alg\":\"RS256\",\"kid\":\"k1\",\"alg\":\"RS256\"}",
                "a member stands twice in its head"
            ),
            ("{\"alg\":\"RS256\",\"kid\":\"k1\",\"jku\":\"https://evil\"}", "jwt:ann of team"),
        ] {
            #expect(
                gate.find(try rsa.token(head: head, claims: Self.claims())) == reason, "\(head)")
        }
        // Signed by another issuer's key that is sent along, and names the issuer's.
        let other = try TestIssuer(.rsa)
        #expect(
            gate.find(
                try other.token(
                    head: "{\"alg\":\"RS256\",\"kid\":\"k1\",\"jwk\":{\(other.members)}}",
                    claims: Self.claims())) == wrongSignature)
    }

    @Test("are only good as they were written, letter by letter")
    func changedText() throws {
        let signer = try TestIssuer(.p256)
        let gate = try Gate(TestIssuer.list([("k1", signer)]))
        let token = try signer.token(Self.claims())
        let letters = Array(token)
        for index in letters.indices {
            for letter in ["A", "-", ".", "=", " ", "\u{0}"] as [Character]
            where letters[index] != letter {
                var changed = letters
                changed[index] = letter
                #expect(!gate.find(String(changed)).hasPrefix("jwt:"), "at \(index): \(letter)")
            }
            #expect(!gate.find(String(letters[..<index])).hasPrefix("jwt:"), "cut at \(index)")
        }
        let parts = token.split(separator: ".")
        for text in [
            "\(token).", ".\(token)", "\(token)=", "\(parts[0]).\(parts[1]).",
            "\(parts[0])..\(parts[2])", "\(parts[1]).\(parts[0]).\(parts[2])", "", "..", "ey..",
            "ey" + String(repeating: "A", count: 20_000) + ".e30.AAAA",
        ] { #expect(!gate.find(text).hasPrefix("jwt:"), "\(text.prefix(40))") }
    }

    @Test("of a key that the issuer has changed end with it; unknown ones ask for more")
    func rotation() throws {
        let (old, new) = (try TestIssuer(.ed25519), try TestIssuer(.ed25519))
        let gate = try Gate(TestIssuer.list([("k1", old)]))
        let (first, second) = (
            try old.token(Self.claims()), try new.token(Self.claims(), keyName: "k2")
        )
        #expect(gate.find(first) == "jwt:ann of team")
        for _ in 0..<1000 { #expect(gate.find(second) == "the issuer has no such key") }
        #expect(gate.wishes.count.load(ordering: .relaxed) == 1000)
        gate.keyring.replace(by: try #require(Self.keys(TestIssuer.list([("k2", new)]))))
        #expect(gate.find(second) == "jwt:ann of team")
        #expect(gate.find(first) == "the issuer has no such key", "its verdict is forgotten, too")
    }

    @Test("without the issuer's keys let nothing in, and are no error of the client's")
    func withoutKeys() throws {
        let gate = try Gate("")
        #expect(gate.find(try TestIssuer(.ed25519).token(Self.claims())) == "unavailable")
        #expect(gate.wishes.count.load(ordering: .relaxed) == 1)
    }

    @Test("charge a subject of any length to a name of its own, which no key has")
    func subjects() throws {
        let signer = try TestIssuer(.ed25519)
        let gate = try Gate(TestIssuer.list([("k1", signer)]))
        func name(_ subject: String) throws -> String {
            gate.find(try signer.token(Self.claims(["sub": "\"\(subject)\""])))
        }
        let long = String(repeating: "x", count: 61)
        let names = [
            try name("ann"), try name(long), try name(long + "y"), try name("ä"),
            try name("#" + String(repeating: "0", count: 40)), try name("a b"),
        ]
        #expect(Set(names).count == names.count)
        for name in names {
            #expect(name.hasPrefix("jwt:") && name.utf8.count <= 64 + " of team".utf8.count)
        }
        #expect(names[0] == "jwt:ann of team" && names[1].hasPrefix("jwt:#"))
        // A key of the configuration cannot have such a name.
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        #expect(throws: ConfigurationError.self) {
            try Configuration.read(
                LedgerTests.lines("\"jwt:ann\"", "a", ""), file: "test", secrets: secrets)
        }
    }

    @Test("lists of an issuer's keys with what is of no use have none of it")
    func lists() throws {
        let signer = try TestIssuer(.ed25519)
        let key = "{\"kid\":\"k1\",\(signer.members)"
        for (list, isUsable) in [
            ("{\"keys\":[\(key)}]}", true), ("{\"keys\":[]}", false), ("", false), ("[]", false),
            ("{\"keys\":{}}", false), ("{\"keys\":[\(key),\"use\":\"enc\"}]}", false),
            ("{\"keys\":[\(key),\"alg\":\"HS256\"}]}", false),
            ("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"k1\",\"k\":\"AAAA\"}]}", false),
            (
                "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}",
                false
            ),
            ("{\"keys\":[{\"kty\":\"oct\"},\(key)}]}", true),
            ("{\"keys\":[\((0..<65).map { _ in key + "}" }.joined(separator: ","))]}", false),
        ] { #expect((Self.keys(list) != nil) == isUsable, "\(list.prefix(120))") }
        let small = try TestIssuer(.rsa, bits: 1024)
        #expect(Self.keys(TestIssuer.list([("k1", small)])) == nil, "too short a key")
    }
}
