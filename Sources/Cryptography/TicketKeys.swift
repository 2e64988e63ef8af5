import COpenSSL
import Glibc
import Primitives
import Synchronization

/// The keys of session tickets: the same for every worker, and for every certificate that follows
/// another at a reload.
///
/// A ticket holds a session sealed with them, so that a client resumes it at any worker. Each key
/// seals for twelve hours; the two before it still open what they sealed.
public final class TicketKeys: Sendable {
    /// How long a key seals.
    static let life = Interval.seconds(12 * 3600)
    /// Keys that open tickets: the one that seals, and those before it.
    static let keptMax = 3

    /// One key: its name, which a ticket begins with, and its two secrets.
    struct Key: Sendable {
        let name: [UInt8]
        let cipher: [UInt8]
        let authentication: [UInt8]
        let began: Instant
    }

    private let keys = Mutex<[Key]>([])

    /// No keys yet: the first handshake makes one.
    public init() {}

    /// The key that seals now; nil where the machine gives no random bytes.
    func sealing(now: Instant) -> Key? {
        keys.withLock { keys in
            if let key = keys.first, now < key.began + Self.life { return key }
            var bytes = [UInt8](repeating: 0, count: 80)
            guard unsafe RAND_bytes(&bytes, 80) == 1 else { return nil }
            let key = Key(
                name: Array(bytes[0..<16]), cipher: Array(bytes[16..<48]),
                authentication: Array(bytes[48..<80]), began: now)
            keys.insert(key, at: 0)
            if keys.count > Self.keptMax { keys.removeLast() }
            return key
        }
    }

    /// The key of a name, and whether it is the one that seals.
    func opening(_ name: [UInt8], now: Instant) -> (key: Key, isSealing: Bool)? {
        keys.withLock { keys in
            guard let index = keys.firstIndex(where: { $0.name == name }) else { return nil }
            // A key opens for as long again as the keys after it would seal.
            let age = now - keys[index].began
            guard age.nanoseconds < Self.life.nanoseconds * Int64(Self.keptMax) else { return nil }
            return (keys[index], index == 0 && age < Self.life)
        }
    }
}

// OpenSSL calls this once for each ticket: to seal one with `encrypts` 1, and to open one with 0.
// 1 is done, 2 is opened and to be sealed anew, 0 is no such key, -1 is an error.
func ticketKey(
    _ ssl: OpaquePointer?, _ name: UnsafeMutablePointer<UInt8>?,
    _ iv: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?, _ mac: OpaquePointer?,
    _ encrypts: Int32
) -> Int32 {
    guard let name = unsafe name, let iv = unsafe iv,
        let address = unsafe copenssl_ticket_keys(ssl)
    else { return -1 }
    let keys = unsafe Unmanaged<TicketKeys>.fromOpaque(address).takeUnretainedValue()
    guard encrypts == 1 else {
        let wanted = unsafe Array(UnsafeBufferPointer(start: name, count: 16))
        guard let (key, isSealing) = keys.opening(wanted, now: .now()) else { return 0 }
        let isReady = unsafe copenssl_use_ticket_key(
            cipher, mac, key.cipher, key.authentication, iv, 0)
        return isReady == 1 ? (isSealing ? 1 : 2) : -1
    }
    guard let key = keys.sealing(now: .now()), unsafe RAND_bytes(iv, 16) == 1 else { return -1 }
    for index in 0..<16 { unsafe name[index] = key.name[index] }
    return unsafe copenssl_use_ticket_key(cipher, mac, key.cipher, key.authentication, iv, 1)
}
