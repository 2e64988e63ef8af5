import Primitives
import Support
import Testing

@testable import HTTP

@Suite("Words of credentials")
struct CredentialWordTests {
    private static let words = [
        "key", "sig", "code", "auth", "jwt", "pwd", "pass", "pat", "token", "secret", "password",
        "passwd", "passphrase", "signature", "credential", "credentials", "authorization",
        "assertion", "apikey", "access_key_id", "cookie", "ticket", "authcode", "api-keys",
        "bearer", "passcode", "creds", "code_verifier", "hmac", "access.token", "AccessToken",
    ]

    private static func mayEnd(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return CredentialWords.mayEndInWord(bytes.span)
    }

    private static func isCredential(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        return CredentialWords.isCredential(parameter: bytes.span)
    }

    @Test("are found by their last letters before they are read", arguments: words)
    func endings(_ word: String) {
        for name in [word, word.uppercased(), "\(word)1", "\(word)_22", "\(word)-"] {
            #expect(Self.mayEnd(name), "\(name)")
            #expect(Self.isCredential(name), "\(name)")
        }
        let first = String(word.utf8.first ?? 0, radix: 16)
        #expect(Self.isCredential("%\(first)\(word.dropFirst())"))
    }

    @Test(
        "are not looked for in names that end otherwise",
        arguments: ["model", "", "a", "limit", "alt", "client_version", "upload_id", "7", "ke1y"])
    func others(_ name: String) {
        #expect(!Self.isCredential(name))
    }

    @Test("are found in no name that their last letters rule out")
    func random() {
        var generator = RandomSource(seed: 18)
        let letters = Array("acdeghiklnoprstwyKEY-_.19".utf8)
        for round in 0..<20_000 {
            var name = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                letters[Int.random(in: 0..<letters.count, using: &generator)]
            }
            if round % 2 == 0 {
                name += Array((Self.words.randomElement(using: &generator) ?? "").utf8)
            }
            if round % 3 == 0 {
                name.append(letters[Int.random(in: 0..<letters.count, using: &generator)])
            }
            let isRuledOut = !CredentialWords.mayEndInWord(name.span)
            let endsInWord = CredentialWords.endsInWord(name.span)
            #expect(!(isRuledOut && endsInWord), "\(name)")
        }
    }
}
