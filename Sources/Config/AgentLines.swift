import Dialects

/// The lines that point an agent at a gateway: of a shell, or of a file of the agent's own.
public enum AgentLines {
    /// The agents that are known.
    public static let names = [
        "claude-code", "codex", "gemini-cli", "opencode", "aider", "openai", "anthropic",
    ]

    /// The gateway's address as a client on the same machine sees it; nil where it listens on
    /// sockets of the file system alone.
    public static func address(_ configuration: Configuration) -> String? {
        let server = configuration.server
        guard let listen = server.listen.first(where: { !Configuration.isLocalPath($0) }) else {
            return nil
        }
        let scheme = server.tls.isOn ? "https" : "http"
        let port = listen.lastIndex(of: ":").map { String(listen[$0...]) } ?? ""
        if listen.hasPrefix("0.0.0.0:") || listen.hasPrefix("[::]:") {
            return "\(scheme)://127.0.0.1\(port)"
        }
        return "\(scheme)://\(listen)"
    }

    /// The lines for an agent whose chain has a prefix, at the gateway's address with that prefix;
    /// nil where it is not known.
    public static func lines(
        _ agent: String, url: String, prefix: String = "", _ configuration: Configuration
    ) -> [String]? {
        switch agent {
        case "claude-code", "anthropic":
            return [export("ANTHROPIC_BASE_URL", url)]
                + key(
                    "ANTHROPIC_API_KEY", .anthropic, prefix, configuration,
                    isClaudeCode: agent != "anthropic")
        case "codex":
            return [
                "# in ~/.codex/config.toml, above all tables:", "openai_base_url = \"\(url)/v1\"",
            ] + key("OPENAI_API_KEY", .openai, prefix, configuration).filter { $0.hasPrefix("# ") }
        case "gemini-cli":
            return [export("GOOGLE_GEMINI_BASE_URL", url)]
                + key("GEMINI_API_KEY", .gemini, prefix, configuration)
        case "opencode":
            return [
                "# in opencode.json:",
                "{ \"provider\": {",
                "  \"openai\": { \"options\": { \"baseURL\": \"\(url)/v1\" } },",
                "  \"anthropic\": { \"options\": { \"baseURL\": \"\(url)/v1\" } },",
                "  \"google\": { \"options\": { \"baseURL\": \"\(url)/v1beta\" } } } }",
            ]
        case "aider":
            return [
                export("OPENAI_API_BASE", "\(url)/v1"), export("ANTHROPIC_BASE_URL", url),
            ] + key("OPENAI_API_KEY", .openai, prefix, configuration)
                + key("ANTHROPIC_API_KEY", .anthropic, prefix, configuration)
        case "openai":
            return [export("OPENAI_BASE_URL", "\(url)/v1")]
                + key("OPENAI_API_KEY", .openai, prefix, configuration)
        default: return nil
        }
    }

    /// A line of a shell that sets a variable.
    private static func export(_ variable: String, _ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || "-._~:/[]@%+".utf8.contains(byte)
        }
        // What a shell would read as more than a word.
        let quoted = value.split(separator: "'", omittingEmptySubsequences: false)
        return "export \(variable)="
            + (isPlain ? value : "'\(quoted.joined(separator: "'\\''"))'")
    }

    /// The vendor that answers an agent: of the chains with its prefix one of its dialect or, by
    /// translation, of another; beside chains one of its dialect.
    private static func vendor(
        of dialect: Dialect, at prefix: String, _ configuration: Configuration
    ) -> Vendor? {
        let names = configuration.chains.filter { $0.prefix == prefix }.flatMap { chain in
            chain.targets.map(\.vendor)
        }
        let inChains = names.compactMap { configuration.vendor(named: $0) }
        return inChains.first { $0.dialect == dialect } ?? inChains.first
            ?? configuration.vendors.first { $0.dialect == dialect }
    }

    /// What an agent shows as its key: one of the gateway's where it asks for one, any text at all
    /// where it has the vendor's, and else the agent's own.
    private static func key(
        _ variable: String, _ dialect: Dialect, _ prefix: String, _ configuration: Configuration,
        isClaudeCode: Bool = false
    ) -> [String] {
        let vendor = vendor(of: dialect, at: prefix, configuration)
        let isOwn = if case .own? = vendor?.credential { true } else { false }
        guard configuration.asksForKeys else {
            return isOwn
                ? ["export \(variable)=the-gateway-has-the-key"]
                : ["# \(variable) stays what it is: it goes on to the vendor"]
        }
        if isOwn { return ["# \(variable) is a key of this gateway's: weir keys new NAME"] }
        return [
            "# \(variable) stays what it is: it goes on to the vendor",
            isClaudeCode
                ? "# ANTHROPIC_CUSTOM_HEADERS=\"x-weir-key: …\" shows a key of this gateway's"
                : "# a field x-weir-key shows a key of this gateway's",
        ]
    }
}
