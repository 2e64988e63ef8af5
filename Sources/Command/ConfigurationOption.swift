import ArgumentParser
import Config

/// `--config FILE`, the same for every command that takes one.
struct ConfigurationOption: ParsableArguments {
    @Option(
        name: .long,
        help: """
            The configuration; else that of WEIR_CONFIG, or /etc/weir/config.toml. Without one, \
            the defaults serve.
            """)
    var config: String?

    /// The file; nil without one.
    var file: ConfigurationFile? { LogsConfiguration.file(option: config) }

    /// The configuration, see ``read(_:)``.
    func load() throws -> Configuration {
        try loadWithWarnings().configuration
    }

    /// The configuration, and how many warnings were written.
    func loadWithWarnings() throws -> (configuration: Configuration, warnings: Int) {
        guard let file else { return (try Self.usual(), 0) }
        let reading = try Self.read(file)
        return (reading.configuration, reading.warnings.count)
    }

    /// The configuration without a file; ends with status 2 when it cannot be used.
    static func usual() throws -> Configuration {
        do {
            return try DefaultAddress.configuration()
        } catch {
            Output.error(error.description)
            throw ExitCode(2)
        }
    }

    /// What is read of a file, its warnings written to standard error; ends with status 2 when it
    /// cannot be used.
    static func read(_ file: ConfigurationFile) throws -> ConfigurationFile.Reading {
        do {
            let reading = try file.read()
            for warning in reading.warnings { Output.error(warning.description) }
            return reading
        } catch {
            Output.error(error.description)
            throw ExitCode(2)
        }
    }
}
