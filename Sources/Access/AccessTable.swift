public import Config

/// Who may call, as one reading of the configuration says.
public struct AccessTable: Sendable {
    /// What a digest is to the gateway.
    public enum Finding: Sendable {
        case unknown
        case expired(AccessKey)
        case valid(AccessKey)
    }

    /// What a request has to show.
    public let required: RequiredCredentials
    /// Tokens of an answer where nothing says how many there may be.
    public let outputDefault: Int
    /// What is reserved for one call at most.
    public let holdMax: Int?
    private let keys: [KeyDigest: AccessKey]
    private let keysBySubject: [String: AccessKey]
    private let settings: [String: KeySettings]
    private let groups: [String: GroupSettings]
    /// Whether some limit was none before this reading: what was used in the past counts for it.
    public let hasNewLimits: Bool
    /// Who is let in by tokens; nil where none are.
    public let issuer: TokenIssuer?

    /// The table of a configuration, with its limits' state in a ledger.
    ///
    /// `required`: what was asked for before, and is from then on. `keyring`: the keys of the
    /// issuer, where the configuration has one.
    public init(
        _ configuration: Configuration, _ ledger: Ledger,
        required: RequiredCredentials = RequiredCredentials(), keyring: IssuerKeyring? = nil
    ) {
        var all = required
        all.isKey = all.isKey || configuration.asksForKeys
        all.isCertificate = all.isCertificate || configuration.asksForCertificates
        self.required = all
        outputDefault = configuration.access.outputDefault
        holdMax = configuration.access.holdMax
        let groups = Dictionary(configuration.groups.map { ($0.name, $0) }) { $1 }
        var keys: [KeyDigest: AccessKey] = [:]
        var keysBySubject: [String: AccessKey] = [:]
        settings = Dictionary(configuration.keys.map { ($0.name, $0) }) { $1 }
        var hasNewLimits = Self.renew(ledger, settings, groups)
        for settings in configuration.keys {
            let (path, isNew) = Self.path(of: settings, groups, ledger)
            hasNewLimits = hasNewLimits || isNew
            let key = AccessKey(settings, path: path)
            for digest in settings.digests.compactMap({ KeyDigest(hexadecimal: $0) }) {
                keys[digest] = key
            }
            if !settings.subject.isEmpty { keysBySubject[settings.subject] = key }
        }
        self.hasNewLimits = hasNewLimits
        self.keys = keys
        self.keysBySubject = keysBySubject
        self.groups = groups
        issuer = configuration.access.tokens.flatMap { tokens in
            keyring.map { keyring in
                TokenIssuer(tokens, keyring, groups: Set(groups.keys)) { name, group in
                    var key = KeySettings(name: name)
                    key.group = group
                    return AccessKey(key, path: Self.path(of: key, groups, ledger).steps)
                }
            }
        }
        ledger.adoptShared(Array(keys.values) + Array(keysBySubject.values))
    }

    /// Gives another state to the scopes whose limits count in other intervals than before.
    private static func renew(
        _ ledger: Ledger, _ keys: [String: KeySettings], _ groups: [String: GroupSettings]
    ) -> Bool {
        ledger.renew { scope in
            switch scope {
            case .key(let name): keys[name]?.limits
            case .group(let name), .each(let name, _): groups[name]?.limits
            }
        }
    }

    /// Takes over what was charged in the past: earlier periods first.
    ///
    /// A key that is gone has spent its groups' money all the same. `isNew`: these charges were not
    /// known before; else they are all there are, and count for limits that are new.
    public func restore(_ charges: [PastCharge], _ ledger: Ledger, isNew: Bool) {
        var paths: [String: [Step]] = [:]
        let charges = charges.map { charge in
            let name = "\(charge.group)/\(charge.key)"
            let path = paths[name] ?? self.path(of: charge.key, in: charge.group, ledger)
            paths[name] = path
            return (charge: charge, path: path)
        }
        ledger.restore(charges, isNew: isNew)
    }

    /// Counts what calls in flight hold in a process beside this one, in the stead of what the same
    /// `source` said before; `now` in milliseconds since 1970.
    public func hold(_ charges: [HeldCharge], of source: String, _ ledger: Ledger, now: Int) {
        let charges = charges.map { charge in
            (charge: charge, path: path(of: charge.key, in: charge.group, ledger))
        }
        ledger.hold(charges, of: source, now: now)
    }

    /// The limits of a key that may be gone, by its name and its group at that time.
    private func path(of name: String, in group: String, _ ledger: Ledger) -> [Step] {
        var key = settings[name] ?? KeySettings(name: name)
        key.group = group
        return Self.path(of: key, groups, ledger).steps
    }

    /// The limits of a key, then those of its groups up to the root; what limits nothing is left
    /// out; and whether some limit was none before.
    private static func path(
        of key: KeySettings, _ groups: [String: GroupSettings], _ ledger: Ledger
    ) -> (steps: [Step], isNew: Bool) {
        var path: [Step] = []
        var isNew = false
        func append(_ scope: Step.Scope, _ limits: LimitSettings) {
            // A scope without limits has no state: those of tokens are as many as an issuer names.
            guard limits.limitsSomething else { return }
            let step = Step(scope, slot: ledger.slot(of: scope), limits)
            path.append(step)
            if ledger.remember(step) { isNew = true }
        }
        append(.key(key.name), key.limits)
        var name = key.group
        // The configuration's reader refuses a circle; a bound all the same.
        while let group = groups[name], path.count <= groups.count {
            append(group.isEach ? .each(group: name, key: key.name) : .group(name), group.limits)
            name = group.parent
        }
        return (path, isNew)
    }

    /// Whether any key is the subject of a certificate.
    public var namesSubjects: Bool { !keysBySubject.isEmpty }

    /// What the subject of a verified certificate is at an instant, in milliseconds since 1970.
    public func find(subject: String, now: Int) -> Finding {
        guard !subject.isEmpty, let key = keysBySubject[subject] else { return .unknown }
        return key.isValid(at: now) ? .valid(key) : .expired(key)
    }

    /// What a digest is at an instant, in milliseconds since 1970.
    public func find(_ digest: KeyDigest, now: Int) -> Finding {
        guard let key = keys[digest] else { return .unknown }
        return key.isValid(at: now) ? .valid(key) : .expired(key)
    }
}

extension LimitSettings {
    /// Whether there is any limit.
    fileprivate var limitsSomething: Bool {
        requests != nil || tokens != nil || concurrent != nil || budget != nil
    }
}
