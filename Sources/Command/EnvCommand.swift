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
        let base = url ?? AgentLines.address(configuration.server.listen[0])
        let trimmed = base.hasSuffix("/") ? String(base.dropLast()) : base
        guard let lines = AgentLines.lines(agent, url: trimmed + prefix, configuration) else {
            Output.error(
                "weir: no agent \"\(agent)\" is known; allowed: "
                    + AgentLines.names.joined(separator: ", "))
            throw ExitCode(2)
        }
        Output.text(lines.joined(separator: "\n") + "\n")
    }
}
