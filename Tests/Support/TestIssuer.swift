/// An issuer of tokens, whose keys are made and used by OpenSSL's program.
package final class TestIssuer {
    package enum Kind: String, CaseIterable, Sendable {
        case rsa = "RS256"
        case p256 = "ES256"
        case ed25519 = "EdDSA"
    }

    package let kind: Kind
    private let folder: ScratchFolder
    /// The public key as it stands in a list of an issuer's keys: `"n":"…"`, say.
    package let members: String

    private var key: String { "\(folder.path)/key.pem" }

    package init(_ kind: Kind, bits: Int = 2048) throws {
        self.kind = kind
        folder = try ScratchFolder("weir-issuer")
        let file = "\(folder.path)/key.pem"
        switch kind {
        case .rsa:
            try Self.run([
                "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(bits)", "-out", file,
            ])
        case .p256:
            try Self.run([
                "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", file,
            ])
        case .ed25519: try Self.run(["genpkey", "-algorithm", "ED25519", "-out", file])
        }
        let information = "\(folder.path)/public.der"
        try Self.run(["pkey", "-in", file, "-pubout", "-outform", "DER", "-out", information])
        let bytes = try Self.bytes(information)
        switch kind {
        case .rsa:
            // Ends in the modulus, and the exponent 65537.
            let modulus = bytes.dropLast(5).suffix(bits / 8)
            members = "\"kty\":\"RSA\",\"n\":\"\(Self.text(modulus))\",\"e\":\"AQAB\""
        case .p256:
            let (x, y) = (bytes.suffix(64).prefix(32), bytes.suffix(32))
            members =
                "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(Self.text(x))\","
                + "\"y\":\"\(Self.text(y))\""
        case .ed25519:
            members =
                "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\(Self.text(bytes.suffix(32)))\""
        }
    }

    /// A list of keys: each issuer's, with the name that is given.
    package static func list(_ issuers: [(name: String, issuer: TestIssuer)]) -> String {
        let keys = issuers.map { name, issuer in
            "{\"kid\":\"\(name)\",\"use\":\"sig\",\"alg\":\"\(issuer.kind.rawValue)\","
                + "\(issuer.members)}"
        }
        return "{\"keys\":[\(keys.joined(separator: ","))]}"
    }

    /// A token with a head and claims as they are.
    package func token(head: String, claims: String) throws -> String {
        let signed = "\(Self.text(head.utf8)).\(Self.text(claims.utf8))"
        return "\(signed).\(Self.text(try sign(signed)))"
    }

    /// A token as it should be.
    package func token(_ claims: String, keyName: String = "k1") throws -> String {
        try token(
            head: "{\"alg\":\"\(kind.rawValue)\",\"typ\":\"JWT\",\"kid\":\"\(keyName)\"}",
            claims: claims)
    }

    /// The signature of a text, as tokens have it.
    package func sign(_ text: String) throws -> [UInt8] {
        let message = try folder.write(text, to: "message")
        let file = "\(folder.path)/signature"
        if kind == .ed25519 {
            try Self.run([
                "pkeyutl", "-sign", "-rawin", "-in", message, "-inkey", key, "-out", file,
            ])
        } else {
            try Self.run(["dgst", "-sha256", "-sign", key, "-out", file, message])
        }
        let signature = try Self.bytes(file)
        return kind == .p256 ? Self.numbers(signature) : signature
    }

    /// Two numbers of 32 bytes from their DER.
    private static func numbers(_ der: [UInt8]) -> [UInt8] {
        var all: [UInt8] = []
        var index = 2
        for _ in 0..<2 {
            let length = Int(der[index + 1])
            let digits = der[index + 2..<index + 2 + length].drop { $0 == 0 }
            all += [UInt8](repeating: 0, count: 32 - digits.count) + digits
            index += 2 + length
        }
        return all
    }

    /// Bytes in base64 as tokens have it.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text: [UInt8] = []
        var bits = 0
        var count = 0
        for byte in bytes {
            bits = (bits << 8 | Int(byte)) & 0xFFFF
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[bits >> count & 63])
            }
        }
        if count > 0 { text.append(alphabet[bits << (6 - count) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of a file, through hexadecimal digits.
    private static func bytes(_ path: String) throws -> [UInt8] {
        let process = try ChildProcess("/usr/bin/od", ["-An", "-v", "-tx1", path])
        guard try process.wait() == 0 else { throw Failure(text: process.text) }
        return process.text.split { $0 == " " || $0 == "\n" }.compactMap { UInt8($0, radix: 16) }
    }

    private static func run(_ arguments: [String]) throws {
        let process = try ChildProcess("/usr/bin/openssl", arguments)
        guard try process.wait() == 0 else { throw Failure(text: process.text) }
    }

    private struct Failure: Error {
        let text: String
    }
}
