import ArgumentParser
import Config
import Glibc

/// The configuration as commands about the record read it: for where the record is, and prices.
///
/// Such a command runs in another shell than the gateway, mostly without its secrets.
struct LogsConfiguration: ParsableArguments {
    @Option(
        name: .long,
        help: "The configuration; else that of WEIR_CONFIG, or /etc/weir/config.toml.")
    var config: String?

    private static let usual = "/etc/weir/config.toml"

    /// The file's path; nil where there is none, and the defaults serve.
    static func path(
        option: String?, variable: String?, isThere: (String) -> Bool
    ) -> String? {
        if let option { return option }
        if let variable, !variable.isEmpty { return variable }
        return isThere(usual) ? usual : nil
    }

    /// The file; nil where there is none, and the defaults serve.
    static func file(option: String?) -> ConfigurationFile? {
        path(
            option: option, variable: Environment.variable("WEIR_CONFIG"),
            isThere: { unsafe access($0, R_OK) == 0 }
        ).map(ConfigurationFile.init(path:))
    }

    /// The configuration; ends with status 2 when it cannot be used.
    func load() throws -> Configuration {
        try load { (file) throws(ConfigurationError) in try file.readWithoutSecrets() }
    }

    /// The configuration with the secrets that can be read from here.
    func loadWithSecrets() throws -> Configuration {
        try load { (file) throws(ConfigurationError) in try file.readWithSecretsAtHand() }
    }

    private func load(
        _ read: (ConfigurationFile) throws(ConfigurationError) -> Configuration
    ) throws -> Configuration {
        guard let file = Self.file(option: config) else { return Configuration() }
        do {
            return try read(file)
        } catch {
            Output.error(error.description)
            throw ExitCode(2)
        }
    }
}
