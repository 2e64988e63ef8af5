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

    func run() throws {
        let file = options.file
        let reading = try file.map { try ConfigurationOption.read($0) }
        do {
            try Process.prepare()
            let status = try Composition(
                reading?.configuration ?? Configuration(), file: file, reading: reading
            ).run()
            throw ExitCode(status)
        } catch let error as Composition.StartError {
            Output.error("weir: cannot start: \(error)")
            throw ExitCode(1)
        }
    }
}
