import ArgumentParser
import Config

/// `weir env`.
struct EnvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print the lines that point an agent, or an SDK, at this gateway.",
        discussion: "For example: eval \"$(weir env claude-code)\""
    )

    @OptionGroup var options: ConfigurationOption

    @Argument(help: "One of \(AgentLines.names.joined(separator: ", ")).")
    var agent: String

    @Option(name: .long, help: "The gateway's address as the agent sees it.")
    var url: String?

    @Option(name: .long, help: "The prefix of the chain that serves it.")
    var prefix = ""

    func run() throws {
        let configuration = try options.load()
        guard let base = url ?? AgentLines.address(configuration) else {
            try refuse("the gateway listens on no port: say with --url where the agent reaches it")
        }
        guard base.hasPrefix("http://") || base.hasPrefix("https://") else {
            try refuse("\"\(base)\" is no address such as http://127.0.0.1:8080")
        }
        let path = Self.withoutSlash(
            prefix.isEmpty || prefix.hasPrefix("/") ? prefix : "/\(prefix)")
        guard path.isEmpty || configuration.chains.contains(where: { $0.prefix == path }) else {
            try refuse("no chain has the prefix \"\(path)\"")
        }
        let address = Self.withoutSlash(base) + path
        guard let lines = AgentLines.lines(agent, url: address, prefix: path, configuration) else {
            try refuse(
                "no agent \"\(agent)\" is known; allowed: "
                    + AgentLines.names.joined(separator: ", "))
        }
        Output.text(lines.joined(separator: "\n") + "\n")
    }

    private func refuse(_ reason: String) throws -> Never {
        Output.error("weir: \(reason)")
        throw ExitCode(2)
    }

    private static func withoutSlash(_ text: String) -> String {
        text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
