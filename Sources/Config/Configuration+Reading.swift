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
            configuration.admin.token = reader.secret("token", secrets)
            reader.bool("show_content", &configuration.admin.showsContent)
            reader.table("tls") { configuration.admin.tls.read(&$0) }
        }
        reader.table("alerts") { configuration.alerts.read(&$0, secrets) }
        reader.table("log") { configuration.log.read(&$0) }
        reader.readAccess(into: &configuration)
        reader.table("limits") { configuration.limits.read(&$0, secrets) }
        reader.table("prices") { configuration.prices.read(&$0) }
        reader.readSinks(into: &configuration, secrets)
        reader.readVendors(into: &configuration, secrets)
        reader.tables("chains") { reader in
            configuration.chains.append(Chain.read(&reader, configuration.vendors))
        }
        reader.checkUniqueNames(configuration.chains)
        reader.tables("quirks") { configuration.quirks.append(QuirkSettings.read(&$0)) }
        reader.namedTables("models") { name, reader in
            configuration.models.append(
                ModelAlias.read(name, &reader, configuration.vendors))
        }
        reader.checkAccess(of: configuration)
        reader.checkPorts(of: configuration)
        if let fault = configuration.exposure(on: configuration.server) {
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
    /// What is wrong with serving the vendors on this server's address: credentials of the
    /// gateway's, for any client that reaches it; nil where nothing is wrong.
    public func exposure(on server: Server) -> String? {
        // With keys, or authorities of clients' own, none of them is unknown.
        guard !server.isAnonymous, !asksForKeys, server.tls.clientAuthorities.isEmpty,
            let open = server.listen.first(where: { !Self.isLocal($0) }),
            let vendor = vendors.first(where: \.usesOwnSecret)
        else { return nil }
        return
            "every client that reaches \(open) would spend the gateway's own credential "
            + "for vendor \(vendor.name), without a key of its own; allowed: keys for clients "
            + "under [keys], an address of loopback, or anonymous = true under [server] where "
            + "that is meant"
    }

    private static func isLocal(_ listen: String) -> Bool {
        isLoopback(listen) || isLocalPath(listen)
    }

    /// Whether an address is a socket in the file system, whose rights say who may reach it.
    public static func isLocalPath(_ listen: String) -> Bool { listen.hasPrefix("unix:") }

    /// Whether an address with a port is one that this machine alone can reach.
    public static func isLoopback(_ listen: String) -> Bool {
        listen.hasPrefix("127.") || listen.hasPrefix("localhost:") || listen.hasPrefix("[::1]:")
    }
}
