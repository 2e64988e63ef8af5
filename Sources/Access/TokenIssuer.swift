import Config
import Primitives
import Synchronization

// DESIGN
//
// To verify a signature costs up to a quarter of a millisecond, to find a digest a microsecond. So
// what a token was found to be is kept under its digest, until it ends or the issuer's keys change.
// Only good tokens are kept: bad ones would push them out, and cost their sender a request each.

/// The keys of an issuer as they are now, for all workers: read and fetched elsewhere, because no
/// request waits for that.
public final class IssuerKeyring: Sendable {
    private struct State {
        var keys: IssuerKeys?
        var generation = 0
    }

    private let state = Mutex(State())
    private let wanted: @Sendable () -> Void
    let digest: @Sendable (Span<UInt8>) -> KeyDigest

    /// A ring without keys; `wanted` is called, on any thread, when a token names a key that is
    /// not there, and `digest` for subjects that are too long to be names.
    public init(
        digest: @escaping @Sendable (Span<UInt8>) -> KeyDigest,
        wanted: @escaping @Sendable () -> Void
    ) {
        self.digest = digest
        self.wanted = wanted
    }

    /// Has other keys count from now on.
    public func replace(by keys: IssuerKeys) {
        state.withLock { state in
            state.keys = keys
            state.generation += 1
        }
    }

    var current: (keys: IssuerKeys?, generation: Int) {
        state.withLock { ($0.keys, $0.generation) }
    }

    func askForMore() { wanted() }
}

/// Who is let in by tokens of one issuer.
public final class TokenIssuer: Sendable {
    /// What a token is to the gateway.
    public enum Finding: Sendable {
        case valid(AccessKey)
        /// It is refused, for a reason that may be shown to its sender.
        case refused(String)
        /// The issuer's keys are not here yet.
        case unavailable
    }

    private struct Verdict {
        let key: AccessKey
        let until: Int
        let generation: Int
    }

    /// Verdicts of two ages: the older ones go when the younger are too many.
    private struct Verdicts {
        var young: [KeyDigest: Verdict] = [:]
        var old: [KeyDigest: Verdict] = [:]
    }

    private static let verdictsMax = 8192
    private let settings: TokenSettings
    private let keyring: IssuerKeyring
    private let groups: Set<String>
    private let makeKey: @Sendable (_ name: String, _ group: String) -> AccessKey
    private let verdicts = Mutex(Verdicts())

    init(
        _ settings: TokenSettings, _ keyring: IssuerKeyring, groups: Set<String>,
        makeKey: @escaping @Sendable (_ name: String, _ group: String) -> AccessKey
    ) {
        self.settings = settings
        self.keyring = keyring
        self.groups = groups
        self.makeKey = makeKey
    }

    /// Whether a credential looks like a token.
    public static func mayIssue(_ text: Span<UInt8>) -> Bool { WebToken.isShaped(text) }

    /// Whether a token names this issuer and this audience: it may have expired, or be good only
    /// later, and opens the gateway at another time.
    public func isMeant(_ text: Span<UInt8>) -> Bool {
        guard let token = try? WebToken(text) else { return false }
        return token.names(issuer: settings.issuer, audience: settings.audience)
    }

    /// What a token is, which has that digest, at an instant in milliseconds since 1970.
    public func find(_ text: Span<UInt8>, _ digest: KeyDigest, now: Int) -> Finding {
        let (keys, generation) = keyring.current
        if let known = remembered(digest), known.generation == generation, now < known.until {
            return .valid(known.key)
        }
        guard let keys else {
            keyring.askForMore()
            return .unavailable
        }
        do throws(WebToken.Fault) {
            let token = try WebToken(text)
            switch keys.judge(token, text) {
            case .good: break
            case .bad: throw WebToken.Fault("its signature is none of the issuer's")
            case .unknownKey:
                keyring.askForMore()
                throw WebToken.Fault("the issuer has no such key")
            }
            let bearer = try token.believed(
                issuer: settings.issuer, audience: settings.audience,
                groupClaim: settings.groupClaim, now: now)
            let key = makeKey(name(of: bearer.subject), try group(of: bearer))
            remember(
                Verdict(key: key, until: bearer.until, generation: generation), under: digest)
            return .valid(key)
        } catch {
            return .refused(error.reason)
        }
    }

    /// The first of a token's groups that the configuration has; without a claim for it, none.
    private func group(of bearer: WebToken.Bearer) throws(WebToken.Fault) -> String {
        guard !settings.groupClaim.isEmpty else { return "" }
        guard let group = bearer.groups.first(where: groups.contains) else {
            throw WebToken.Fault("it names no group that is known here")
        }
        return group
    }

    /// What a subject is called here: never what a key of the configuration may be called.
    ///
    /// A record has room for 64 bytes; a longer subject is called by its digest.
    private func name(of subject: String) -> String {
        let isPlain =
            subject.utf8.count <= 60 && !subject.hasPrefix("#")
            && subject.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != 0x22 && $0 != 0x5C }
        guard !isPlain else { return TokenSettings.namePrefix + subject }
        let digits = keyring.digest(subject.utf8.span).hexadecimal.prefix(40)
        return "\(TokenSettings.namePrefix)#\(digits)"
    }

    private func remembered(_ digest: KeyDigest) -> Verdict? {
        verdicts.withLock { $0.young[digest] ?? $0.old[digest] }
    }

    private func remember(_ verdict: Verdict, under digest: KeyDigest) {
        verdicts.withLock { verdicts in
            if verdicts.young.count >= Self.verdictsMax / 2 {
                verdicts.old = verdicts.young
                verdicts.young = [:]
            }
            verdicts.young[digest] = verdict
        }
    }
}
