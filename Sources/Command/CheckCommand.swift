import ArgumentParser
import Config

/// `weir check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a configuration, say what is wrong with it, and print what it means."
    )

    @OptionGroup var options: ConfigurationOption

    @Flag(name: .long, help: "Connect to every vendor and say what came of it.")
    var probe = false

    @Flag(name: .long, help: "Ask a running gateway on this machine whether it is well; nothing else.")
    var health = false

    func run() throws {
        let configuration = try options.load()
        try Process.prepare()
        if health {
            guard try Probe.health(configuration.admin.listen) else { throw ExitCode(1) }
            return
        }
        Output.text(configuration.description)
        guard probe else { return }
        guard try Probe.vendors(configuration) else { throw ExitCode(1) }
    }
}
