import Dialects

/// The lines that point an agent at a gateway: of a shell, or of a file of the agent's own.
public enum AgentLines {
    /// The agents that are known.
    public static let names = [
        "claude-code", "codex", "gemini-cli", "opencode", "aider", "openai", "anthropic",
    ]

    /// A listener's address as a client on the same machine sees it.
    public static func address(_ listen: String) -> String {
        let port = listen.lastIndex(of: ":").map { String(listen[$0...]) } ?? ""
        if listen.hasPrefix("0.0.0.0:") || listen.hasPrefix("[::]:") {
            return "http://127.0.0.1\(port)"
        }
        return "http://\(listen)"
    }

    /// The lines for an agent; nil where it is not known.
    public static func lines(
        _ agent: String, url: String, _ configuration: Configuration
    ) -> [String]? {
        switch agent {
        case "claude-code", "anthropic":
            return ["export ANTHROPIC_BASE_URL=\(url)"]
                + key("ANTHROPIC_API_KEY", .anthropic, configuration)
        case "codex":
            return [
                "# in ~/.codex/config.toml, above all tables:", "openai_base_url = \"\(url)/v1\"",
            ]
        case "gemini-cli":
            return ["export GOOGLE_GEMINI_BASE_URL=\(url)"]
                + key("GEMINI_API_KEY", .gemini, configuration)
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
                "export OPENAI_API_BASE=\(url)/v1", "export ANTHROPIC_BASE_URL=\(url)",
            ] + key("OPENAI_API_KEY", .openai, configuration)
        case "openai":
            return ["export OPENAI_BASE_URL=\(url)/v1"]
                + key("OPENAI_API_KEY", .openai, configuration)
        default: return nil
        }
    }

    /// What an agent shows as its key: its own, or where the gateway has one, any text at all.
    private static func key(
        _ variable: String, _ dialect: Dialect, _ configuration: Configuration
    ) -> [String] {
        let vendor = configuration.vendors.first { $0.dialect == dialect }
        if case .own? = vendor?.credential {
            return ["export \(variable)=the-gateway-has-the-key"]
        }
        return ["# \(variable) stays what it is: it goes on to the vendor"]
    }
}
