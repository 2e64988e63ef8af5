import JSON
import Primitives

/// The public keys of an issuer, as its list of them (JWKS) says.
public struct IssuerKeys: Sendable {
    /// Verifies a signature of a message with one key.
    public typealias Verify = @Sendable (_ signature: [UInt8], _ message: Span<UInt8>) -> Bool

    /// The numbers of a public key.
    public enum Material: Equatable, Sendable {
        case rsa(modulus: [UInt8], exponent: [UInt8])
        case p256(x: [UInt8], y: [UInt8])
        case ed25519(x: [UInt8])

        var algorithm: SignatureAlgorithm {
            switch self {
            case .rsa: .rs256
            case .p256: .es256
            case .ed25519: .edDSA
            }
        }
    }

    private struct Entry: Sendable {
        let name: String?
        let algorithm: SignatureAlgorithm
        let verify: Verify
    }

    /// Keys of a list at most.
    private static let countMax = 64
    private let entries: [Entry]

    /// Reads a list; nil where it is none, or holds no key that is of use here.
    ///
    /// `make`: makes a key of its numbers; nil where it is none.
    public init?(_ text: Span<UInt8>, make: (Material) -> Verify?) {
        guard let list = try? JSONValue(parsing: text), let keys = list["keys"]?.elements,
            keys.count <= Self.countMax
        else { return nil }
        var entries: [Entry] = []
        for key in keys {
            guard let material = Self.material(of: key), let verify = make(material) else {
                continue
            }
            entries.append(
                Entry(
                    name: key["kid"]?.text, algorithm: material.algorithm, verify: verify))
        }
        guard !entries.isEmpty else { return nil }
        self.entries = entries
    }

    /// The numbers of a key that signs in one of the algorithms; nil for any other key.
    private static func material(of key: JSONValue) -> Material? {
        if let use = key["use"], use.text != "sig" { return nil }
        func number(_ name: String) -> [UInt8]? {
            key[name]?.text.flatMap { Base64URL.decode($0.utf8.span) }
        }
        let material: Material?
        switch (key["kty"]?.text, key["crv"]?.text) {
        case ("RSA", nil):
            material = number("n").flatMap { modulus in
                number("e").map { .rsa(modulus: modulus, exponent: $0) }
            }
        case ("EC", "P-256"):
            material = number("x").flatMap { x in number("y").map { .p256(x: x, y: $0) } }
        case ("OKP", "Ed25519"): material = number("x").map { .ed25519(x: $0) }
        default: material = nil
        }
        // A key for another algorithm of its family is none for this one.
        if let algorithm = key["alg"], algorithm.text != material?.algorithm.rawValue { return nil }
        return material
    }

    /// What the keys say of a token's signature.
    enum Judgement: Equatable {
        case good, bad
        /// There is no key of that name: the issuer may have a new one.
        case unknownKey
    }

    func judge(_ token: WebToken, _ text: Span<UInt8>) -> Judgement {
        let fitting = entries.filter {
            $0.algorithm == token.algorithm && (token.keyName == nil || $0.name == token.keyName)
        }
        // A token that does not name its key is only good where there is no choice.
        guard !fitting.isEmpty, token.keyName != nil || fitting.count == 1 else {
            let isNamed = token.keyName != nil && !entries.contains { $0.name == token.keyName }
            return isNamed ? .unknownKey : .bad
        }
        let message = text.extracting(0..<token.signedCount)
        return fitting.contains { $0.verify(token.signature, message) } ? .good : .bad
    }
}
