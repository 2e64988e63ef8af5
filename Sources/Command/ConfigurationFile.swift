import Config

/// The configuration's file, which may be read again while the gateway runs.
struct ConfigurationFile {
    let path: String

    /// Reads the file, and those that it names for secrets.
    func read() throws(ConfigurationError) -> (
        configuration: Configuration, warnings: [Diagnostic]
    ) {
        guard let bytes = Environment.bytes(path) else { throw fault("cannot be read") }
        let secrets = SecretSource(environment: Environment.variable, file: Environment.file)
        return try Configuration.read(bytes, file: path, secrets: secrets)
    }

    /// Reads the file and none that it names for secrets: a command that needs none must not stop
    /// at one that is not there.
    func readWithoutSecrets() throws(ConfigurationError) -> Configuration {
        guard let bytes = Environment.bytes(path) else { throw fault("cannot be read") }
        let secrets = SecretSource(environment: { _ in "unread" }, file: { _ in "unread" })
        return try Configuration.read(bytes, file: path, secrets: secrets).configuration
    }

    /// Reads all of it once more.
    ///
    /// A pipe has nothing more to give, and would be waited for; a file that says nothing stands
    /// for the defaults at a start, and here for one that has only begun to be written.
    func readAgain() throws(ConfigurationError) -> (
        configuration: Configuration, warnings: [Diagnostic]
    ) {
        guard let bytes = Environment.regularBytes(path) else {
            throw fault("cannot be read again, or is no regular file")
        }
        guard Self.saysSomething(bytes) else { throw fault("says nothing") }
        let secrets = SecretSource(
            environment: Environment.variable, file: Environment.regularFile)
        return try Configuration.read(bytes, file: path, secrets: secrets)
    }

    /// Whether there is more than a byte order mark, space and comments.
    private static func saysSomething(_ bytes: [UInt8]) -> Bool {
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        return bytes[start...].split(separator: UInt8(ascii: "\n")).contains { line in
            line.first { !" \t\r".utf8.contains($0) }.map { $0 != UInt8(ascii: "#") } ?? false
        }
    }

    private func fault(_ message: String) -> ConfigurationError {
        ConfigurationError(diagnostics: [
            Diagnostic(severity: .error, location: path, key: "", message: message)
        ])
    }
}
