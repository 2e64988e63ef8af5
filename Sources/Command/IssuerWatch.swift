import Access
import Config
import Cryptography
import Logging
import Primitives
import Reactor
import Synchronization
import Transfers

/// Keeps the keys of an issuer: read from a file or fetched from a URL, on a thread of its own.
///
/// No request waits for it, and none makes it fetch more often than every half minute. What cannot
/// be read leaves the keys in force; before the first of them no token lets a client in.
final class IssuerWatch: Sendable {
    private static let bytesMax = 1 << 20
    private static let fetchTime = Interval.seconds(5)
    private static let usual = Interval.seconds(600)
    private static let usualForFiles = Interval.seconds(10)
    /// The least time between two looks: tokens that name unknown keys may be sent on purpose.
    private static let least = Interval.seconds(30)

    let keyring: IssuerKeyring
    private let source: TokenSettings.Source
    private let wish: Wish
    private let logger: Logger
    private let thread = Mutex<Reactor.Thread?>(nil)

    /// What its thread is asked for.
    private final class Wish: Sendable {
        let waker: Waker
        let isEnding = Atomic<Bool>(false)
        let isForKeys = Atomic<Bool>(false)

        init() throws(SystemError) {
            waker = try Waker()
        }

        func askForKeys() {
            guard !isForKeys.exchange(true, ordering: .acquiringAndReleasing) else { return }
            waker.wake()
        }
    }

    /// The keys of a source: a file must be readable at once.
    init(_ source: TokenSettings.Source, logger: Logger) throws {
        self.source = source
        self.logger = logger
        let wish = try Wish()
        self.wish = wish
        keyring = IssuerKeyring(digest: Self.digest, wanted: { wish.askForKeys() })
        var first: [UInt8]?
        if case .file(let path) = source {
            guard let (bytes, keys) = Self.read(path) else {
                throw Composition.StartError(description: Self.unreadable(path))
            }
            keyring.replace(by: keys)
            first = bytes
        }
        let known = first
        let started = try Reactor.Thread(name: "weir-issuer", standing: .background(niceness: 10)) {
            [self] in run(known)
        }
        thread.withLock { $0 = started }
    }

    /// Why no start succeeds with the keys of a source; nil where it does, or they are fetched.
    static func fault(of source: TokenSettings.Source) -> String? {
        guard case .file(let path) = source, read(path) == nil else { return nil }
        return unreadable(path)
    }

    private static func read(_ path: String) -> (bytes: [UInt8], keys: IssuerKeys)? {
        guard let bytes = Environment.regularBytes(path), let keys = keys(bytes) else { return nil }
        return (bytes, keys)
    }

    private static func unreadable(_ path: String) -> String {
        "access.jwt.jwks: \(path) cannot be read as a list of keys"
    }

    /// Looks no more, and waits for the thread.
    func end() {
        wish.isEnding.store(true, ordering: .releasing)
        wish.waker.wake()
        thread.withLock { $0 }?.join()
    }

    private var isEnding: Bool { wish.isEnding.load(ordering: .acquiring) }

    private func run(_ first: [UInt8]?) {
        var known = first
        var failures = 0
        var last = Instant.now()
        var next = first == nil ? last : last + Self.usualForFiles
        let client = makeClient()
        while !isEnding {
            let now = Instant.now()
            let isWanted = wish.isForKeys.load(ordering: .acquiring)
            if now >= next || isWanted && now >= last + Self.least {
                wish.isForKeys.store(false, ordering: .releasing)
                let isRead = look(client, &known)
                failures = isRead ? 0 : min(failures + 1, 5)
                last = .now()
                next = last + wait(after: failures)
            }
            let isAwaited = wish.isForKeys.load(ordering: .acquiring)
            let due = isAwaited ? min(next, last + Self.least) : next
            wish.waker.sleep(atMost: due - .now()) {
                isEnding || !isAwaited && wish.isForKeys.load(ordering: .acquiring)
            }
        }
    }

    /// A second after the first failure, and twice as long after each further one.
    private func wait(after failures: Int) -> Interval {
        guard failures == 0 else {
            return min(.seconds(Int64(1 << (failures - 1))), Self.least)
        }
        if case .file = source { return Self.usualForFiles }
        return Self.usual
    }

    private func makeClient() -> Post? {
        guard case .url(let url) = source else { return nil }
        do {
            let trust = url.hasPrefix("https:") ? try TrustStore(file: "") : nil
            return Post(trust: trust, bytesMax: Self.bytesMax)
        } catch {
            logger.error("an issuer's keys cannot be fetched", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Reads the keys once; whether they are the ones in force then.
    private func look(_ client: Post?, _ known: inout [UInt8]?) -> Bool {
        do {
            let bytes = try read(client)
            guard bytes != known else { return true }
            guard let keys = Self.keys(bytes) else {
                throw Unreadable(description: "what is there is no list of keys")
            }
            keyring.replace(by: keys)
            known = bytes
            logger.notice("the issuer's keys were read")
            return true
        } catch {
            logger.warning(
                "the issuer's keys cannot be read, those before stay",
                metadata: ["error": "\(error)"])
            return false
        }
    }

    private struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    private func read(_ client: Post?) throws -> [UInt8] {
        switch source {
        case .file(let path):
            guard let bytes = Environment.regularBytes(path), bytes.count < Self.bytesMax else {
                throw Unreadable(description: "\(path) cannot be read, or is too large")
            }
            return bytes
        case .url(let url):
            guard let client else { throw Unreadable(description: "libcurl cannot be set up") }
            let answer = try client.get(url, fields: [], timeout: Self.fetchTime)
            guard answer.status == 200, answer.body.count < Self.bytesMax else {
                throw Unreadable(
                    description: "status \(answer.status), \(answer.body.count) bytes")
            }
            return answer.body
        }
    }

    // MARK: Keys

    private static func keys(_ bytes: [UInt8]) -> IssuerKeys? {
        IssuerKeys(bytes.span, make: verifier)
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

    private static func digest(_ bytes: Span<UInt8>) -> KeyDigest {
        var digest = Digest()
        digest.add(bytes)
        guard let whole = KeyDigest(digest.finishBytes().span) else {
            preconditionFailure("a digest of another length")
        }
        return whole
    }
}
