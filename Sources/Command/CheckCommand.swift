import ArgumentParser
import Config
import Dialects
import Routing

/// `weir check`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a configuration, list its faults, and print what it means."
    )

    @OptionGroup var options: ConfigurationOption

    @Flag(
        name: .long,
        help: "Ask every vendor in use for its list of models, with its key, and print the result.")
    var probe = false

    @Flag(
        name: .long,
        help: """
            Exit with status 1 also for warnings, and for what would stop a start on this machine \
            now: a port or a folder in use.
            """)
    var strict = false

    @Flag(
        name: .long, help: "Only ask a running gateway on this machine whether it is healthy."
    )
    var health = false

    @OptionGroup var agentOptions: AgentOptions

    func run() throws {
        let (configuration, warnings) = try options.loadWithWarnings()
        try Process.prepare()
        if let agent = agentOptions.agent {
            guard try agentOptions.check(agent, configuration, options.file) else {
                throw ExitCode(1)
            }
            return
        }
        if health {
            guard try Probe.health(configuration.admin) else { throw ExitCode(1) }
            return
        }
        let faults = StartObstacle.faults(of: configuration)
        for fault in faults { Output.error("weir: \(fault)") }
        guard faults.isEmpty else { throw ExitCode(2) }
        let doubts = StartObstacle.doubts(configuration)
        for doubt in doubts { Output.error("\(options.file?.path ?? "weir"): warning: \(doubt)") }
        let present = StartObstacle.present(configuration)
        for obstacle in present { Output.error("weir: here and now \(obstacle)") }
        Output.text(configuration.description)
        Output.text(Self.describeChains(configuration))
        Output.text(Self.describeAccess(configuration))
        let isClean = warnings == 0 && doubts.isEmpty && present.isEmpty
        if strict, !isClean { throw ExitCode(1) }
        guard probe else { return }
        guard try VendorProbe.all(configuration) else { throw ExitCode(1) }
    }

    /// Who may call.
    static func describeAccess(_ configuration: Configuration) -> String {
        guard configuration.asksForKeys else {
            let vendor = configuration.vendors.first { $0.usesOwnSecret }
            guard let vendor, configuration.server.tls.clientAuthorities.isEmpty else { return "" }
            return "\n# access: every client that reaches the gateway spends its credential for "
                + "vendor \(vendor.name); no key is asked for, unless one ever was: the store in "
                + "\(configuration.log.path) remembers that\n"
        }
        let budgets =
            configuration.groups.filter { $0.limits.budget != nil }.count
            + configuration.keys.filter { $0.limits.budget != nil }.count
        return "\n# access: a key is asked for; keys: \(configuration.keys.count), groups: "
            + "\(configuration.groups.count), budgets: \(budgets)\n"
    }

    /// What is to be said of a chain's WebSockets whose model decides and comes too late.
    private static func refusedSockets(
        _ chain: String, _ table: RoutingTable, _ configuration: Configuration
    ) -> [String] {
        guard configuration.server.tunnels == .known else { return [] }
        return table.pathsWithoutSockets(chain).map {
            "a WebSocket on \($0) gets 426: it names its model too late"
        }
    }

    /// Each chain as it will act, dialect by dialect.
    static func describeChains(_ configuration: Configuration) -> String {
        let table = RoutingTable(configuration)
        var lines: [String] = []
        for chain in configuration.chains {
            let plans = table.plans(of: chain.name)
            for plan in plans {
                let isAsOpenAIs =
                    plan.api == .geminiCompatible
                    && plans.first { $0.api == .openai }?.targets.map(\.vendor)
                        == plan.targets.map(\.vendor)
                if isAsOpenAIs { continue }
                let targets = plan.targets.map { target in
                    table.vendors[target.vendor].name
                        + (target.model.map { " as \($0)" } ?? "")
                }
                let pairs = TranslationPair.all(of: plan, table)
                // Google's endpoint for OpenAI's clients has a line where its targets differ.
                let name =
                    plan.api == .geminiCompatible ? "/v1beta/openai" : plan.dialect.rawValue
                var line = "# chain \(chain.name), \(name): "
                line += targets.joined(separator: ", then ")
                line += "; at most \(plan.attemptsMax) attempts"
                lines.append(line)
                lines += pairs.map { "#   \($0)" }
                for skipped in plan.skipped {
                    lines.append("#   never \(skipped.vendor): \(skipped.reason)")
                }
            }
            lines += refusedSockets(chain.name, table, configuration).map { "#   " + $0 }
        }
        lines += refusedSockets("", table, configuration).map { "# without a chain, " + $0 }
        lines.append(describeModels(configuration, table.models))
        return "\n" + lines.joined(separator: "\n") + "\n"
    }

    /// Who lists the models.
    private static func describeModels(
        _ configuration: Configuration, _ catalog: ModelCatalog
    ) -> String {
        guard catalog.isOwn else { return "# models: listed by the vendor that a request goes to" }
        let asked = catalog.vendorsToAsk.sorted()
        return "# models: listed by the gateway"
            + (asked.isEmpty
                ? "" : "; asked for theirs, once a client asks: \(asked.joined(separator: ", "))")
    }
}
