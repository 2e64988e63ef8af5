import ArgumentParser

/// `weir serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve until SIGTERM or SIGINT; a second signal stops at once."
    )

    @OptionGroup var options: ConfigurationOption

    func run() throws {
        let configuration = try options.load()
        do {
            try Process.prepare()
            let status = try Composition(configuration).run()
            throw ExitCode(status)
        } catch let error as Composition.StartError {
            Output.error("weir: cannot start: \(error)")
            throw ExitCode(1)
        }
    }
}
