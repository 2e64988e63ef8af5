import Config

/// The configuration's file, which may be read again while the gateway runs.
final class ConfigurationFile {
    private let path: String
    private var reader = ConfigurationReader()

    init(_ path: String) {
        self.path = path
    }

    /// Reads the file, and those that it names for secrets, as they are now.
    func read() throws(ConfigurationError) -> (
        configuration: Configuration, warnings: [Diagnostic]
    ) {
        guard let text = Environment.file(path) else {
            throw ConfigurationError(diagnostics: [
                Diagnostic(severity: .error, place: path, key: "", message: "cannot be read")
            ])
        }
        let secrets = SecretSource(environment: Environment.variable, file: Environment.file)
        return try reader.read(text, file: path, secrets: secrets)
    }
}
