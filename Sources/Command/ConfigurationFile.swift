import Config

/// The configuration's file, which may be read again while the gateway runs.
final class ConfigurationFile {
    private let path: String
    private var reader = ConfigurationReader()

    init(_ path: String) {
        self.path = path
    }

    /// Reads the file, and those that it names for secrets.
    func read() throws(ConfigurationError) -> (
        configuration: Configuration, warnings: [Diagnostic]
    ) {
        guard let bytes = Environment.bytes(path) else { throw fault("cannot be read") }
        let text = try ConfigurationReader.text(of: bytes, file: path)
        let secrets = SecretSource(environment: Environment.variable, file: Environment.file)
        return try reader.read(text, file: path, secrets: secrets)
    }

    /// Reads all of it again; a second process parses the text first.
    ///
    /// A pipe has nothing more to give, and would be waited for; a file that says nothing stands
    /// for the defaults at a start, and here for a file that is only half written.
    func readAgain() throws(ConfigurationError) -> (
        configuration: Configuration, warnings: [Diagnostic]
    ) {
        guard let bytes = Environment.regularBytes(path) else {
            throw fault("cannot be read again, or is no regular file")
        }
        let text = try ConfigurationReader.text(of: bytes, file: path)
        if !reader.hasParsed(text) {
            guard Self.saysSomething(text) else { throw fault("says nothing") }
            if let reason = TrialReading.fault(of: text) { throw fault(reason) }
        }
        let secrets = SecretSource(
            environment: Environment.variable, file: Environment.regularFile)
        return try reader.read(text, file: path, secrets: secrets)
    }

    private static func saysSomething(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { line in
            line.first { !$0.isWhitespace }.map { $0 != "#" } ?? false
        }
    }

    private func fault(_ message: String) -> ConfigurationError {
        ConfigurationError(diagnostics: [
            Diagnostic(severity: .error, location: path, key: "", message: message)
        ])
    }
}
