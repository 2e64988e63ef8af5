import ArgumentParser
import Config

/// `weir serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve until SIGTERM or SIGINT; a second signal stops at once.",
        discussion: "SIGHUP reads the configuration again; so does weir reload, which says more."
    )

    @OptionGroup var options: ConfigurationOption

    // What `weir check --agent` starts.
    @Option(name: .long, help: .hidden)
    var rehearsalVendor: Int?

    @Option(name: .long, help: .hidden)
    var rehearsalRecord: String?

    func run() throws {
        var file = options.file
        var reading = try file.map { try ConfigurationOption.read($0) }
        var configuration = reading?.configuration ?? Configuration()
        if let rehearsalVendor, let rehearsalRecord {
            configuration = configuration.rehearsal(
                vendorPort: rehearsalVendor, record: rehearsalRecord)
            // What it was made from says something else.
            (file, reading) = (nil, nil)
        }
        do {
            try Process.prepare()
            let status = try Composition(configuration, file: file, reading: reading).run()
            throw ExitCode(status)
        } catch let error as Composition.StartError {
            Output.error("weir: cannot start: \(error)")
            throw ExitCode(1)
        }
    }
}
