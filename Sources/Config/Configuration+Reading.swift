import Dialects
import JSON
import Primitives

/// Where secrets come from: the environment and files, handed in so that reading stays a value.
public struct SecretSource: Sendable {
    /// A variable of the environment.
    public var environment: @Sendable (String) -> String?
    /// The text of a file.
    public var file: @Sendable (String) -> String?

    /// A source of these two.
    public init(
        environment: @escaping @Sendable (String) -> String?,
        file: @escaping @Sendable (String) -> String?
    ) {
        self.environment = environment
        self.file = file
    }
}

extension Configuration {
    /// Reads a TOML text, as UTF-8: see the other `read`.
    public static func read(
        _ text: String, file: String, secrets: SecretSource
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Diagnostic]) {
        try read(Array(text.utf8), file: file, secrets: secrets)
    }

    /// Reads a TOML document.
    ///
    /// `file` is its name in diagnostics.
    ///
    /// Throws ``ConfigurationError`` with every fault at once, or with those of its TOML; warnings
    /// are returned beside the configuration.
    public static func read(
        _ bytes: [UInt8], file: String, secrets: SecretSource
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Diagnostic]) {
        let findings = Findings(file: file)
        let root: TOMLTable
        do {
            root = try TOMLReader.read(bytes)
        } catch {
            for fault in error.faults {
                findings.add(.error, "", fault.message, at: fault.location)
            }
            throw ConfigurationError(diagnostics: findings.sorted)
        }
        return try read(root, findings, secrets)
    }

    private static func read(
        _ root: TOMLTable, _ findings: Findings, _ secrets: SecretSource
    ) throws(ConfigurationError) -> (configuration: Configuration, warnings: [Diagnostic]) {
        var configuration = Configuration()
        var reader = TableReader(root, path: "", location: .start, findings: findings)
        reader.table("server") { configuration.server.read(&$0) }
        reader.table("admin") { reader in
            reader.string("listen", &configuration.admin.listen)
            reader.checkAddress("listen", configuration.admin.listen, allowsEmpty: true)
        }
        reader.table("log") { configuration.log.read(&$0) }
        reader.table("prices") { configuration.prices.read(&$0) }
        reader.readSinks(into: &configuration, secrets)
        reader.readVendors(into: &configuration, secrets)
        reader.tables("chains") { reader in
            configuration.chains.append(Chain.read(&reader, configuration.vendors))
        }
        reader.checkUniqueNames(configuration.chains)
        reader.namedTables("models") { name, reader in
            configuration.models.append(
                ModelAlias.read(name, &reader, configuration.vendors))
        }
        if let fault = Configuration.exposure(of: configuration.vendors, on: configuration.server) {
            reader.error("server.listen", fault)
        }
        reader.finish()
        let found = findings.sorted
        let errors = found.filter { $0.severity == .error }
        guard errors.isEmpty else { throw ConfigurationError(diagnostics: found) }
        return (configuration, found)
    }
}

extension Configuration {
    /// What is wrong with serving these vendors on this address: credentials of the gateway's, for
    /// any client that reaches it; nil where nothing is wrong.
    public static func exposure(of vendors: [Vendor], on server: Server) -> String? {
        guard !server.isAnonymous, let open = server.listen.first(where: { !isLoopback($0) }),
            let vendor = vendors.first(where: \.usesOwnSecret)
        else { return nil }
        return
            "every client that reaches \(open) would spend the gateway's own credential "
            + "for vendor \(vendor.name), without a key of its own; allowed: an address of "
            + "loopback, or anonymous = true under [server] where that is meant"
    }

    /// Whether an address with a port is one that this machine alone can reach.
    public static func isLoopback(_ listen: String) -> Bool {
        listen.hasPrefix("127.") || listen.hasPrefix("localhost:") || listen.hasPrefix("[::1]:")
    }
}

extension Configuration.Server {
    mutating func read(_ reader: inout TableReader) {
        readListen(&reader)
        reader.strings("hosts", &hosts)
        for (index, host) in hosts.enumerated()
        where host.isEmpty || host.contains("/") || host.contains(":") && !host.hasPrefix("[") {
            reader.error("hosts[\(index)]", "\"\(host)\" is no name of a host, without a port")
        }
        reader.strings("origins", &origins)
        for (index, origin) in origins.enumerated()
        where !(origin == "*" || origin == "null" || origin.contains("://"))
            || origin.hasSuffix("/") && !origin.hasSuffix("://")
        {
            reader.error(
                "origins[\(index)]",
                "\"\(origin)\" is no origin; for example \"https://app.example.com\" or "
                    + "\"vscode-webview://*\"")
        }
        reader.bool("anonymous", &isAnonymous)
        var tunnels = tunnels.rawValue
        reader.choice(
            "tunnels", &tunnels, Configuration.TunnelPolicy.allCases.map(\.rawValue))
        self.tunnels = Configuration.TunnelPolicy(rawValue: tunnels) ?? .known
        var models = models.rawValue
        reader.choice(
            "models", &models, Configuration.ModelListPolicy.allCases.map(\.rawValue))
        self.models = Configuration.ModelListPolicy(rawValue: models) ?? .vendor
        reader.integer("workers", &workers, in: 0...1024)
        reader.integer("max_connections", &maxConnections, in: 1...10_000_000)
        reader.size("max_body", &maxBodyBytes, atLeast: 1)
        reader.size("replay_limit", &replayLimitBytes, atLeast: 0)
        reader.share("body_budget", &bodyBudget)
        if case .bytes(let bytes) = bodyBudget, bytes < replayLimitBytes {
            reader.error(
                "body_budget",
                "is less than replay_limit; a body of that size could not be kept")
        }
        reader.duration("body_timeout", &bodyTimeout, allowsZero: false)
        reader.duration("head_timeout", &headTimeout, allowsZero: false)
        reader.duration("keepalive_timeout", &keepaliveTimeout, allowsZero: false)
        reader.duration("slow_client_timeout", &slowClientTimeout, allowsZero: false)
        reader.duration("drain_timeout", &drainTimeout)
    }

    /// One address, or a list of them.
    private mutating func readListen(_ reader: inout TableReader) {
        switch reader.node("listen") {
        case nil: return
        case .string(let text):
            listen = [text]
            reader.checkAddress("listen", text, allowsEmpty: false)
        case .array(let elements):
            var texts: [String] = []
            reader.strings("listen", &texts)
            guard texts.count == elements.count else { return }
            guard !texts.isEmpty else {
                return reader.error("listen", "is empty; one address is needed at least")
            }
            for (index, text) in texts.enumerated() {
                reader.checkAddress("listen[\(index)]", text, allowsEmpty: false)
                // With port 0 each of them gets another port.
                guard texts[..<index].contains(text), !text.hasSuffix(":0") else { continue }
                reader.error("listen[\(index)]", "\"\(text)\" is in the list already")
            }
            listen = texts
        case .some(let node):
            reader.error("listen", "\(node.kind) where an address or a list of them is needed")
        }
    }
}

extension Configuration.Log {
    mutating func read(_ reader: inout TableReader) {
        reader.string("path", &path)
        if path.isEmpty { reader.error("path", "is empty; a folder is needed") }
        reader.choice("capture", &capture, ["full", "head", "none"])
        reader.size("capture_limit", &captureLimitBytes, atLeast: 0)
        reader.duration("retain", &retain)
        reader.size("journal_size", &journalSizeBytes, atLeast: 1 << 20)
        reader.duration("journal_sync", &journalSync)
        var paths: [String] = []
        reader.strings("redact_paths", &paths)
        for (index, text) in paths.enumerated() {
            guard let path = JSONPath(text) else {
                reader.error(
                    "redact_paths[\(index)]",
                    "\"\(text)\" is no path; for example \"messages.*.content\"")
                continue
            }
            redactPaths.append(path)
        }
        reader.strings("redact_patterns", &redactPatterns)
        for (index, text) in redactPatterns.enumerated() {
            guard let fault = Pattern.fault(text) else { continue }
            reader.error("redact_patterns[\(index)]", "\"\(text)\" is no pattern: \(fault)")
        }
    }
}

extension TableReader {
    /// An address is numeric, so that starting never waits for a resolver.
    mutating func checkAddress(_ key: String, _ text: String, allowsEmpty: Bool) {
        if text.isEmpty, allowsEmpty { return }
        guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil,
            isNumericHost(text[..<colon])
        else {
            return error(
                key, "\"\(text)\" is no address; allowed: \"127.0.0.1:8080\", \"[::1]:8080\"")
        }
    }

    private func isNumericHost(_ host: Substring) -> Bool {
        if host == "localhost" { return true }
        if host.hasPrefix("[") {
            return host.hasSuffix("]") && host.contains(":")
                && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || ":.".contains($0) }
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    mutating func checkUniqueNames(_ chains: [Chain]) {
        var seen: Set<String> = []
        for (index, chain) in chains.enumerated()
        where !chain.name.isEmpty && !seen.insert(chain.name).inserted {
            error("chains[\(index)].name", "another chain is named \"\(chain.name)\" already")
        }
    }
}
