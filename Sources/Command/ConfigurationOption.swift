import ArgumentParser
import Config

/// `--config FILE`, the same for every command that takes one.
struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: "The configuration; without one, the defaults serve.")
    var config: String?

    /// The file; nil without one.
    var file: ConfigurationFile? { config.map(ConfigurationFile.init(path:)) }

    /// The configuration, see ``load(_:)``.
    func load() throws -> Configuration {
        try Self.load(file)
    }

    /// The configuration in a file, its warnings written to standard error; ends with status 2 when
    /// it cannot be used.
    static func load(_ file: ConfigurationFile?) throws -> Configuration {
        guard let file else { return Configuration() }
        do {
            let (configuration, warnings) = try file.read()
            for warning in warnings { Output.error(warning.description) }
            return configuration
        } catch {
            Output.error(error.description)
            throw ExitCode(2)
        }
    }
}
