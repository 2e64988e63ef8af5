import ArgumentParser

/// `weir serve`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve until SIGTERM or SIGINT; a second signal stops at once.",
        discussion: "SIGHUP reads the vendors and chains of the configuration again."
    )

    @OptionGroup var options: ConfigurationOption

    func run() throws {
        let file = options.file
        let configuration = try ConfigurationOption.load(file)
        do {
            try Process.prepare()
            let status = try Composition(configuration, file: file).run()
            throw ExitCode(status)
        } catch let error as Composition.StartError {
            Output.error("weir: cannot start: \(error)")
            throw ExitCode(1)
        }
    }
}
