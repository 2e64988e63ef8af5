import Cryptography
import HTTP
import Primitives

/// The credential a connection last sent, and its digest.
final class KnownKey {
    private let credential: [UInt8]
    let digest: UInt64

    init(_ credential: Span<UInt8>) {
        self.credential = credential.indices.map { credential[$0] }
        var digest = Digest()
        digest.add(credential)
        self.digest = digest.finishShort()
    }

    func isOf(_ other: Span<UInt8>) -> Bool {
        let own = credential
        return own.span.equals(other)
    }
}

extension ClientConnection {
    /// A digest of the client's credential, so that its calls can be found without it; 0 for none.
    func keyDigest() -> UInt64 {
        parser.withHead { head in
            let credential = head.credential
            guard credential.count > 0 else { return 0 }
            // Most connections send the same credential with every request.
            if let knownKey, knownKey.isOf(credential) { return knownKey.digest }
            let key = KnownKey(credential)
            knownKey = key
            return key.digest
        }
    }
}
