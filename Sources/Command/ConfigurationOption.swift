import ArgumentParser
import Config

/// `--config FILE`, the same for every command that takes one.
struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: "The configuration; without one, the defaults serve.")
    var config: String?

    /// The configuration, its warnings written to standard error; ends with status 2 when it cannot
    /// be used.
    func load() throws -> Configuration {
        guard let config else { return Configuration() }
        guard let text = Environment.file(config) else {
            Output.error("\(config): cannot be read")
            throw ExitCode(2)
        }
        let secrets = SecretSource(environment: Environment.variable, file: Environment.file)
        do {
            let (configuration, warnings) = try Configuration.read(
                text, file: config, secrets: secrets)
            for warning in warnings { Output.error(warning.description) }
            return configuration
        } catch {
            Output.error(error.description)
            throw ExitCode(2)
        }
    }
}
