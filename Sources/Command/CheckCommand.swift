import ArgumentParser
import Config
import Cryptography
import Dialects
import Routing

/// `weir check`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a configuration, list its faults, and print what it means."
    )

    @OptionGroup var options: ConfigurationOption

    @Flag(name: .long, help: "Connect to every vendor and print the result.")
    var probe = false

    @Flag(
        name: .long, help: "Only ask a running gateway on this machine whether it is healthy."
    )
    var health = false

    func run() throws {
        let configuration = try options.load()
        try Process.prepare()
        if health {
            guard try Probe.health(configuration.admin) else { throw ExitCode(1) }
            return
        }
        try Self.checkCertificates(configuration)
        Output.text(configuration.description)
        Output.text(Self.describeChains(configuration))
        Output.text(Self.describeAccess(configuration))
        guard probe else { return }
        guard try Probe.vendors(configuration) else { throw ExitCode(1) }
    }

    /// Loads the certificates as the start would; ends with status 2 where it would fail.
    private static func checkCertificates(_ configuration: Configuration) throws {
        var isFit = true
        for (section, tls) in [
            ("server.tls", configuration.server.tls), ("admin.tls", configuration.admin.tls),
        ] where tls.isOn {
            do {
                _ = try TLSContext(TLSSettings(tls), tickets: TicketKeys())
            } catch {
                Output.error("weir: [\(section)] \(error)")
                isFit = false
            }
        }
        guard isFit else { throw ExitCode(2) }
    }

    /// Who may call.
    static func describeAccess(_ configuration: Configuration) -> String {
        guard configuration.asksForKeys else {
            let vendor = configuration.vendors.first { $0.usesOwnSecret }
            guard let vendor, configuration.server.tls.clientAuthorities.isEmpty else { return "" }
            return "\n# access: every client that reaches the gateway spends its credential for "
                + "vendor \(vendor.name); no key is asked for\n"
        }
        let budgets =
            configuration.groups.filter { $0.limits.budget != nil }.count
            + configuration.keys.filter { $0.limits.budget != nil }.count
        return "\n# access: a key is asked for; keys: \(configuration.keys.count), groups: "
            + "\(configuration.groups.count), budgets: \(budgets)\n"
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
                // Google's endpoint for OpenAI's clients has a line where its targets differ.
                let name =
                    plan.api == .geminiCompatible ? "/v1beta/openai" : plan.dialect.rawValue
                var line = "# chain \(chain.name), \(name): "
                line += targets.joined(separator: ", then ")
                line += "; at most \(plan.attemptsMax) attempts"
                lines.append(line)
                for skipped in plan.skipped {
                    lines.append("#   never \(skipped.vendor): \(skipped.reason)")
                }
            }
            if table.refusesSockets(chain.name), configuration.server.tunnels == .known {
                lines.append(
                    "#   a WebSocket on /v1/responses gets 426: it names its model too late")
            }
        }
        return lines.isEmpty ? "" : "\n" + lines.joined(separator: "\n") + "\n"
    }
}
