import Config
import Cryptography
import Glibc
import Synchronization

/// The configuration's file, which may be read again while the gateway runs.
struct ConfigurationFile {
    /// What one reading of it has found.
    struct Reading {
        let configuration: Configuration
        let warnings: [Diagnostic]
        /// The file's SHA-256, as `sha256sum` prints it.
        let digest: String
        /// The file, and those that it names for secrets and prices.
        let files: [String]
    }

    let path: String

    /// Reads the file, and those that it names for secrets.
    func read() throws(ConfigurationError) -> Reading {
        guard let bytes = Environment.bytes(path) else { throw fault("cannot be read") }
        return try read(bytes) { Environment.file($0) }
    }

    private func read(
        _ bytes: [UInt8], _ file: @escaping @Sendable (String) -> String?
    ) throws(ConfigurationError) -> Reading {
        let names = NameList()
        let secrets = SecretSource(environment: Environment.variable) { name in
            names.append(name)
            return file(name)
        }
        var (configuration, warnings) = try Configuration.read(bytes, file: path, secrets: secrets)
        try DefaultAddress.apply(to: &configuration, location: path)
        var digest = Digest()
        digest.add(bytes.span)
        let prices = configuration.prices.file
        return Reading(
            configuration: configuration, warnings: warnings, digest: digest.finish(),
            files: [path] + names.all + (prices.isEmpty ? [] : [prices]))
    }

    /// Names of files, gathered by a closure that may run anywhere.
    private final class NameList: Sendable {
        private let names = Mutex<[String]>([])
        var all: [String] { names.withLock { $0 } }
        func append(_ name: String) { names.withLock { $0.append(name) } }
    }

    /// Reads the file and none that it names for secrets: a command that needs none must not stop
    /// at one that is not there.
    func readWithoutSecrets() throws(ConfigurationError) -> Configuration {
        guard let bytes = Environment.bytes(path) else { throw fault("cannot be read") }
        let secrets = SecretSource(environment: { _ in "unread" }, file: { _ in "unread" })
        return try Configuration.read(bytes, file: path, secrets: secrets).configuration
    }

    /// Reads the file, and the secrets that can be read; others are wrong, and no fault.
    ///
    /// For commands beside a gateway, in a shell that has the operators' token and maybe no
    /// vendor's key.
    func readWithSecretsAtHand() throws(ConfigurationError) -> Configuration {
        guard let bytes = Environment.bytes(path) else { throw fault("cannot be read") }
        let secrets = SecretSource(
            environment: { Environment.variable($0) ?? "unread" },
            file: { Environment.file($0) ?? "unread" })
        return try Configuration.read(bytes, file: path, secrets: secrets).configuration
    }

    /// Reads all of it once more.
    ///
    /// A pipe has nothing more to give, and would be waited for; a file that says nothing stands
    /// for the defaults at a start, and here for one that has only begun to be written.
    func readAgain() throws(ConfigurationError) -> Reading {
        guard let bytes = Environment.regularBytes(path) else {
            throw fault("cannot be read again, or is no regular file")
        }
        guard Self.saysSomething(bytes) else { throw fault("says nothing") }
        return try read(bytes) { Environment.regularFile($0) }
    }

    /// Whether the file at the path has no name any more.
    ///
    /// A container that has one file mounted goes on seeing it after the file was replaced outside:
    /// the file that stands at the name now is another one.
    var isReplacedBehindMount: Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_nlink == 0
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
