import COpenSSL
import Primitives

/// A public key that signatures are verified with, in one algorithm: what a signature says of its
/// own algorithm chooses nothing here.
///
/// OpenSSL only reads it once it is made, so that all threads may use the one.
@safe
public final class PublicKey: Sendable {
    /// Bits of an RSA key, at least, and at most: a longer one costs more than it is worth.
    private static let rsaBytes = 256...1024
    private static let p256Bytes = 32
    private static let ed25519Bytes = 32

    /// An `EVP_PKEY`: written in `init` alone.
    private nonisolated(unsafe) let key: OpaquePointer
    /// Whether signatures are two numbers of 32 bytes, which OpenSSL wants in a form of its own.
    private let isECDSA: Bool
    /// Whether the message is hashed beside the key's own algorithm.
    private let isHashed: Bool

    private init?(information: [UInt8], isECDSA: Bool, isHashed: Bool) {
        defer { ERR_clear_error() }
        let key = unsafe information.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_PUBKEY(nil, &start, bytes.count)
        }
        guard let key = unsafe key else { return nil }
        unsafe self.key = unsafe key
        self.isECDSA = isECDSA
        self.isHashed = isHashed
    }

    deinit {
        unsafe EVP_PKEY_free(key)
    }

    /// An RSA key of 2,048 to 8,192 bits, for RS256; nil for any other.
    public static func rsa(modulus: [UInt8], exponent: [UInt8]) -> PublicKey? {
        let modulus = Array(modulus.drop { $0 == 0 })
        let exponent = Array(exponent.drop { $0 == 0 })
        guard rsaBytes.contains(modulus.count), modulus[0] & 0x80 != 0 || modulus.count > 256,
            1...8 ~= exponent.count, exponent != [1], (exponent.last ?? 0) & 1 == 1,
            (modulus.last ?? 0) & 1 == 1
        else { return nil }
        let body = DER.sequence([DER.integer(modulus), DER.integer(exponent)])
        // rsaEncryption, without parameters.
        let algorithm = DER.sequence([
            [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01], [0x05, 0x00],
        ])
        return PublicKey(
            information: DER.sequence([algorithm, DER.bits(body)]), isECDSA: false, isHashed: true)
    }

    /// A point of the curve P-256, for ES256; nil for one that is not on it.
    public static func p256(x: [UInt8], y: [UInt8]) -> PublicKey? {
        guard x.count == p256Bytes, y.count == p256Bytes else { return nil }
        // id-ecPublicKey on prime256v1.
        let algorithm = DER.sequence([
            [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01],
            [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
        ])
        return PublicKey(
            information: DER.sequence([algorithm, DER.bits([0x04] + x + y)]), isECDSA: true,
            isHashed: true)
    }

    /// A key of Ed25519, for EdDSA; nil for any other.
    public static func ed25519(x: [UInt8]) -> PublicKey? {
        guard x.count == ed25519Bytes else { return nil }
        let algorithm = DER.sequence([[0x06, 0x03, 0x2B, 0x65, 0x70]])
        return PublicKey(
            information: DER.sequence([algorithm, DER.bits(x)]), isECDSA: false, isHashed: false)
    }

    /// Whether a signature is this key's, of that message.
    public func verifies(_ signature: [UInt8], of message: Span<UInt8>) -> Bool {
        defer { ERR_clear_error() }
        var signature = signature
        if isECDSA {
            guard signature.count == 2 * Self.p256Bytes else { return false }
            signature = DER.sequence([
                DER.integer(Array(signature.prefix(Self.p256Bytes))),
                DER.integer(Array(signature.suffix(Self.p256Bytes))),
            ])
        }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let hash = unsafe isHashed ? EVP_sha256() : nil
        guard unsafe EVP_DigestVerifyInit(context, nil, hash, nil, key) == 1 else { return false }
        let result = unsafe message.withUnsafeBufferPointer { bytes in
            unsafe EVP_DigestVerify(
                context, signature, signature.count, bytes.baseAddress, bytes.count)
        }
        return result == 1
    }
}

/// The few forms of ASN.1 that keys and signatures are written in.
private enum DER {
    static func sequence(_ parts: [[UInt8]]) -> [UInt8] { wrap(0x30, parts.flatMap(\.self)) }

    static func bits(_ bytes: [UInt8]) -> [UInt8] { wrap(0x03, [0] + bytes) }

    /// A number that is not negative.
    static func integer(_ bytes: [UInt8]) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if digits.isEmpty || digits[0] & 0x80 != 0 { digits.insert(0, at: 0) }
        return wrap(0x02, digits)
    }

    private static func wrap(_ tag: UInt8, _ body: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = body.count
        if rest < 0x80 {
            length = [UInt8(rest)]
        } else {
            while rest > 0 {
                length.insert(UInt8(rest & 0xFF), at: 0)
                rest >>= 8
            }
            length.insert(0x80 | UInt8(length.count), at: 0)
        }
        return [tag] + length + body
    }
}
