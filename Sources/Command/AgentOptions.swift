import ArgumentParser
import Config
import Cryptography
import Primitives
import Reactor
import Transfers

/// The options of `weir check --agent`.
struct AgentOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Try an agent's contract instead: claude-code, codex or gemini-cli.",
            discussion: "Without further options a gateway of this configuration is started for "
                + "it, with a scripted vendor behind it that costs nothing."))
    var agent: String?

    @Option(name: .long, help: "The running gateway to try it at; else the listener's address.")
    var url: String?

    @Option(name: .long, help: "The address of the \"weir mock\" behind the running gateway.")
    var mock: String?

    @Flag(name: .long, help: "Try it at the running gateway and its real vendors, at their price.")
    var yes = false

    @Option(name: .long, help: "What the agent shows as its key: env:NAME or file:PATH.")
    var key: String?

    @Option(name: .long, help: "The model that is asked for.")
    var model: String?

    @Option(name: .long, help: "The prefix of the chain that serves the agent.")
    var prefix = ""

    func validate() throws {
        guard agent == nil else {
            guard url == nil || yes || mock != nil else {
                throw ValidationError(
                    "a running gateway asks its vendors, which may cost money: --yes allows it, "
                        + "and --mock says that a scripted vendor is behind it")
            }
            return
        }
        guard url == nil, mock == nil, !yes, key == nil, model == nil, prefix.isEmpty else {
            throw ValidationError("these options need --agent")
        }
    }

    /// Tries an agent's contract; false where a row of it fails.
    func check(
        _ agent: String, _ configuration: Configuration, _ file: ConfigurationFile?
    ) throws -> Bool {
        guard let contract = AgentContract(of: agent) else {
            Output.error(
                "weir: no contract of \"\(agent)\" is known; allowed: "
                    + AgentContract.names.joined(separator: ", "))
            throw ExitCode(2)
        }
        do {
            let isRunning = yes || mock != nil
            let key = try KeyOption.read(key) ?? contract.key
            let stage =
                isRunning
                ? AgentStage(
                    gateway: try TargetURL(
                        url ?? AgentLines.address(configuration) ?? "",
                        option: "--url"
                    ).origin,
                    vendor: try mock.map { try TargetURL($0, option: "--mock").origin })
                : try AgentStage(rehearsing: file)
            defer { stage.end() }
            let trust = stage.gateway.scheme == "https" ? try TrustStore(file: "") : nil
            let gateway =
                isRunning
                ? "the gateway at \(stage.gateway.host):\(stage.gateway.port)"
                : "a gateway of this configuration"
            let behind = stage.vendor == nil ? "its vendors" : "a scripted vendor"
            Output.text("# \(agent), through \(gateway), with \(behind) behind it\n")
            return try AgentCheck(
                contract: contract,
                visit: AgentVisit(
                    gateway: stage.gateway, trust: trust, prefix: prefix, vendor: stage.vendor,
                    configuration: configuration, key: key, model: model ?? contract.model)
            ).run()
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }
}
