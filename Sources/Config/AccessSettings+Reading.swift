import Primitives

extension AccessSettings {
    mutating func read(_ reader: inout TableReader) {
        reader.bool("required", &isRequired)
        reader.integer("output_default", &outputDefault, in: 1...100_000_000)
        reader.table("jwt") { tokens = TokenSettings.read(&$0) }
        guard let node = reader.node("hold_max") else { return }
        switch node {
        case .string(""): holdMax = nil
        case .string(let text):
            holdMax = Money.nanodollars(text)
            if holdMax == nil {
                reader.error("hold_max", "\"\(text)\" is no amount; for example \"$2\"")
            }
        default: reader.error("hold_max", "\(node.kind) where an amount such as \"$2\" is needed")
        }
    }
}

extension LimitSettings {
    mutating func read(_ reader: inout TableReader) {
        requests = reader.rate("requests")
        tokens = reader.rate("tokens")
        var count = 0
        reader.integer("concurrent", &count, in: 0...1_000_000)
        concurrent = count == 0 ? nil : count
        var text = ""
        reader.string("budget", &text)
        if !text.isEmpty {
            budget = BudgetLimit(text)
            if budget == nil {
                reader.error(
                    "budget",
                    "\"\(text)\" is no budget; allowed: an amount for each hour, day, week or "
                        + "month, such as \"$500/month\"")
            }
        }
        var unpriced = "refuse"
        reader.choice("unpriced", &unpriced, ["refuse", "allow"])
        allowsUnpriced = unpriced == "allow"
        readBudgetChain(&reader)
        readQueue(&reader)
    }

    private static let queueWaitMax = Interval.seconds(600)

    private mutating func readQueue(_ reader: inout TableReader) {
        var settings = QueueSettings()
        reader.table("queue") { reader in
            reader.integer("max", &settings.max, in: 0...100_000)
            reader.duration("wait", &settings.wait)
            if settings.wait > Self.queueWaitMax {
                reader.error("wait", "is too long; allowed: at most \(Self.queueWaitMax)")
            }
            if (settings.max > 0) != (settings.wait > .zero) {
                reader.error("max", "and wait belong together: both are set, or neither")
            }
        }
        queue = settings.max > 0 ? settings : nil
    }

    private mutating func readBudgetChain(_ reader: inout TableReader) {
        switch reader.node("on_budget") {
        case nil, .string("refuse"): return
        case .table:
            reader.table("on_budget") { reader in
                var chain = ""
                reader.string("chain", &chain)
                if chain.isEmpty { reader.error("chain", "is required: the name of a chain") }
                budgetChain = chain
            }
        default:
            reader.error("on_budget", "allowed: \"refuse\", or { chain = \"NAME\" }")
        }
    }
}

extension KeySettings {
    static func read(_ name: String, _ reader: inout TableReader) -> KeySettings {
        var key = KeySettings(name: name)
        reader.string("subject", &key.subject)
        key.readDigests(&reader)
        reader.string("group", &key.group)
        key.expires = reader.date("expires")
        reader.strings("chains", &key.chains)
        reader.strings("models", &key.models)
        key.limits.read(&reader)
        return key
    }

    private mutating func readDigests(_ reader: inout TableReader) {
        var texts: [String] = []
        switch reader.node("digest") {
        case nil:
            guard subject.isEmpty else { return }
            return reader.error(
                "digest",
                "is required; \"weir keys new \(name)\" prints a key and these lines. Instead of "
                    + "it there may be the subject of a client's certificate")
        case .string(let text): texts = [text]
        default: reader.strings("digest", &texts)
        }
        guard 1...2 ~= texts.count else {
            return reader.error("digest", "one digest is needed, or two while the key is rotated")
        }
        for text in texts {
            let digits = text.hasPrefix("sha256:") ? text.dropFirst(7) : ""
            guard digits.utf8.count == 64, digits.allSatisfy(\.isHexDigit) else {
                return reader.error(
                    "digest",
                    "is no digest of a key; allowed: \"sha256:\" and 64 hexadecimal digits, as "
                        + "\"weir keys new\" prints it, and never the key itself")
            }
            digests.append(digits.lowercased())
        }
    }
}

extension GroupSettings {
    static func read(_ name: String, _ reader: inout TableReader) -> GroupSettings {
        var group = GroupSettings(name: name)
        reader.string("parent", &group.parent)
        reader.bool("each", &group.isEach)
        group.limits.read(&reader)
        return group
    }
}

extension TableReader {
    /// Reads `[access]`, `[keys.NAME]` and `[groups.NAME]`, and holds them against each other.
    mutating func readAccess(into configuration: inout Configuration) {
        table("access") { configuration.access.read(&$0) }
        namedTables("groups") { name, reader in
            configuration.groups.append(GroupSettings.read(name, &reader))
        }
        namedTables("keys") { name, reader in
            configuration.keys.append(KeySettings.read(name, &reader))
        }
        checkGroups(configuration.groups)
        checkKeys(configuration.keys, configuration.groups)
    }

    /// Holds the keys' chains and the budgets against what is read after them.
    mutating func checkAccess(of configuration: Configuration) {
        let chains = Set(configuration.chains.map(\.name))
        for key in configuration.keys {
            for chain in key.chains where !chain.contains("*") && !chains.contains(chain) {
                warn("keys.\(key.name).chains", "there is no chain \"\(chain)\"")
            }
        }
        if configuration.server.tls.clientAuthorities.isEmpty {
            for key in configuration.keys where !key.subject.isEmpty {
                error(
                    "keys.\(key.name).subject",
                    "no client shows a certificate without client_ca under [server.tls]")
            }
        }
        let limited =
            configuration.groups.map { ("groups.\($0.name)", $0.limits) }
            + configuration.keys.map { ("keys.\($0.name)", $0.limits) }
        for (path, limits) in limited {
            guard let chain = limits.budgetChain, !chain.isEmpty else { continue }
            if !chains.contains(chain) {
                error("\(path).on_budget", "there is no chain \"\(chain)\"")
            }
            if limits.budget == nil { warn("\(path).on_budget", "there is no budget") }
        }
        let prices = configuration.prices
        guard prices.models.isEmpty, prices.file.isEmpty else { return }
        for (path, limits) in limited where limits.budget != nil && !limits.allowsUnpriced {
            warn(
                "\(path).budget",
                "there are no prices, so that every call is refused; see [prices]")
        }
    }

    private mutating func checkGroups(_ groups: [GroupSettings]) {
        let parents = Dictionary(groups.map { ($0.name, $0.parent) }) { $1 }
        for group in groups where !group.parent.isEmpty {
            guard parents[group.parent] != nil else {
                error("groups.\(group.name).parent", "there is no group \"\(group.parent)\"")
                continue
            }
            var seen: Set<String> = [group.name]
            var next = group.parent
            while !next.isEmpty, seen.insert(next).inserted { next = parents[next] ?? "" }
            if next == group.name {
                error(
                    "groups.\(group.name).parent",
                    "leads back to the group itself, so that there is no root")
            }
        }
    }

    private mutating func checkKeys(_ keys: [KeySettings], _ groups: [GroupSettings]) {
        let names = Set(groups.map(\.name))
        var owners: [String: String] = [:]
        for key in keys {
            if key.name.hasPrefix(TokenSettings.namePrefix) {
                error(
                    "keys.\(key.name)",
                    "begins with \"\(TokenSettings.namePrefix)\", as the names of tokens do")
            }
            if !key.group.isEmpty, !names.contains(key.group) {
                let hint =
                    nearest(to: key.group, in: Array(names).sorted())
                    .map { "; did you mean \"\($0)\"?" } ?? ""
                error("keys.\(key.name).group", "there is no group \"\(key.group)\"\(hint)")
            }
            if !key.subject.isEmpty {
                if let other = owners[key.subject] {
                    error("keys.\(key.name).subject", "key \"\(other)\" has the same subject")
                }
                owners[key.subject] = key.name
            }
            for digest in key.digests {
                if let other = owners[digest] {
                    error("keys.\(key.name).digest", "key \"\(other)\" has the same digest")
                }
                owners[digest] = key.name
            }
        }
    }

    /// A rate such as `"600/1m"`; nil where none is set.
    mutating func rate(_ key: String) -> RateLimit? {
        var text = ""
        string(key, &text)
        guard !text.isEmpty else { return nil }
        guard let rate = RateLimit(text) else {
            error(
                key,
                "\"\(text)\" is no rate; allowed: so many in 1 second to 31 days, such as "
                    + "\"600/1m\" or \"2M/1m\"")
            return nil
        }
        return rate
    }

    /// The instant of a date, its beginning in UTC, or of a date with a time and an offset, in
    /// microseconds since 1970; nil where none is set.
    mutating func date(_ key: String) -> Int? {
        guard let node = node(key) else { return nil }
        guard case .dateTime(let value) = node, let instant = value.microseconds else {
            error(
                key,
                "\(node.kind) where a date such as 2027-06-30, or a time with an offset such as "
                    + "2027-06-30T12:00:00Z, is needed")
            return nil
        }
        return instant
    }
}

extension TOMLDateTime {
    /// Microseconds since 1970; nil where no offset says which instant it is.
    fileprivate var microseconds: Int? {
        func text(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        func date(_ day: Day) -> String { "\(day.year)-\(text(day.month))-\(text(day.day))" }
        switch self {
        case .date(let day): return Timestamp.microseconds(date(day))
        case .offset(let day, let time, let minutes):
            let clock = "\(text(time.hour)):\(text(time.minute)):\(text(time.second))"
            return Timestamp.microseconds("\(date(day))T\(clock)")
                .map { $0 - minutes * 60_000_000 }
        case .local, .time: return nil
        }
    }
}
