import Cryptography
import Primitives
import Support
import Testing

/// Public keys: only the whole signature of the whole message by that very key passes.
@Suite("Public keys")
struct PublicKeyTests {
    private static let message = "header.claims"

    /// A key from the members that a list of keys has for it.
    private static func key(_ issuer: TestIssuer) -> PublicKey? {
        func number(_ name: String) -> [UInt8] {
            guard let start = issuer.members.firstRange(of: "\"\(name)\":\"") else { return [] }
            return decode(String(issuer.members[start.upperBound...].prefix { $0 != "\"" }))
        }
        return switch issuer.kind {
        case .rsa: PublicKey.rsa(modulus: number("n"), exponent: number("e"))
        case .p256: PublicKey.p256(x: number("x"), y: number("y"))
        case .ed25519: PublicKey.ed25519(x: number("x"))
        }
    }

    private static func verifies(
        _ key: PublicKey, _ signature: [UInt8], _ message: [UInt8]
    ) -> Bool {
        key.verifies(signature, of: message.span)
    }

    private static func decode(_ text: String) -> [UInt8] {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var bytes: [UInt8] = []
        var bits = 0
        var count = 0
        for character in text.utf8 {
            bits = (bits << 6 | (alphabet.firstIndex(of: character) ?? 0)) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(bits >> count & 0xFF))
            }
        }
        return bytes
    }

    @Test("verify their own signatures, and no other", arguments: TestIssuer.Kind.allCases)
    func signatures(_ kind: TestIssuer.Kind) throws {
        let issuer = try TestIssuer(kind)
        let key = try #require(Self.key(issuer))
        let other = try #require(Self.key(try TestIssuer(kind)))
        let message = Array(Self.message.utf8)
        let signature = try issuer.sign(Self.message)
        #expect(Self.verifies(key, signature, message))
        #expect(!Self.verifies(other, signature, message))
        for index in message.indices {
            var changed = message
            changed[index] ^= 1
            #expect(!Self.verifies(key, signature, changed))
        }
        for index in stride(from: 0, to: signature.count, by: 7) {
            var changed = signature
            changed[index] ^= 0x10
            #expect(!Self.verifies(key, changed, message))
            #expect(!Self.verifies(key, Array(signature.prefix(index)), message))
        }
        #expect(!Self.verifies(key, signature + [0], message))
        #expect(!Self.verifies(key, [UInt8](repeating: 0, count: signature.count), message))
        // It verifies the right one after all of those.
        #expect(Self.verifies(key, signature, message))
    }

    @Test("of the wrong size, form or curve are none")
    func malformed() throws {
        let modulus = [UInt8](repeating: 0xC1, count: 256)
        #expect(PublicKey.rsa(modulus: modulus, exponent: [1, 0, 1]) != nil)
        #expect(PublicKey.rsa(modulus: [0] + modulus, exponent: [0, 1, 0, 1]) != nil)
        for (modulus, exponent) in [
            (Array(modulus.prefix(128)), [1, 0, 1]), (modulus, []), (modulus, [1]),
            (modulus, [2]), (modulus, [UInt8](repeating: 1, count: 9)), ([], [1, 0, 1]),
            ([0x41] + modulus.dropFirst(), [1, 0, 1]), (modulus.dropLast() + [2], [1, 0, 1]),
            ([UInt8](repeating: 0xC1, count: 1025), [1, 0, 1]),
        ] as [([UInt8], [UInt8])] {
            #expect(PublicKey.rsa(modulus: modulus, exponent: exponent) == nil)
        }
        let bytes = [UInt8](repeating: 7, count: 32)
        #expect(PublicKey.p256(x: bytes, y: bytes) == nil, "no point of the curve")
        #expect(PublicKey.p256(x: [], y: []) == nil)
        #expect(PublicKey.p256(x: [0] + bytes, y: bytes) == nil)
        #expect(PublicKey.ed25519(x: Array(bytes.dropLast())) == nil)
        #expect(PublicKey.ed25519(x: bytes + [0]) == nil)
    }
}
