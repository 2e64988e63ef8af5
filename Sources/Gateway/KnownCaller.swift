import Access
import Cryptography
import HTTP
import Primitives
import Reactor

/// What a connection knows of its caller: read at its first request, and not again for each.
struct KnownCaller {
    /// The credentials that it showed last: its key, and one for the vendor beside that.
    var key: KnownKey?
    var otherKey: KnownKey?
    /// The address without its port; nil until it is asked for.
    var address: String?
    /// The subject of the client's certificate; nil until it is asked for.
    var subject: String?
}

/// A credential that a connection sent, what it looks like, and its digest.
final class KnownKey {
    private let credential: [UInt8]
    let shape: ClientKey.Shape
    let digest: KeyDigest

    init(_ credential: Span<UInt8>) {
        shape = ClientKey.shape(of: credential)
        self.credential = credential.indices.map { credential[$0] }
        var digest = Digest()
        digest.add(credential)
        guard let whole = KeyDigest(digest.finishBytes().span) else {
            preconditionFailure("a digest of another length")
        }
        self.digest = whole
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
            return known(credential).digest.short
        }
    }

    /// What is known of a credential that the client shows.
    func known(_ credential: Span<UInt8>) -> KnownKey {
        // Most connections send the same credentials with every request.
        if let key = caller.key, key.isOf(credential) { return key }
        if let key = caller.otherKey, key.isOf(credential) { return key }
        let key = KnownKey(credential)
        caller.otherKey = caller.key
        caller.key = key
        return key
    }

    /// The subject of the client's verified certificate; empty without one.
    func subject() -> String {
        if let known = caller.subject { return known }
        let subject = socket.clientSubject
        caller.subject = subject
        return subject
    }

    /// The client's address, for the record; empty where the kernel no longer knows it, because the
    /// client is gone already.
    func address() -> String {
        if let known = caller.address { return known }
        let address =
            socket.clientOfProxy?.description
            ?? (socket.isOpen ? (try? SocketAddress(peerOf: socket.descriptor))?.host ?? "" : "")
        caller.address = address
        return address
    }
}
