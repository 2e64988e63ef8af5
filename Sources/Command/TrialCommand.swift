import ArgumentParser
import Config

/// `weir try-reading`: parses the text on standard input and says that it has survived it; see
/// ``TrialReading``.
///
/// It reads no file and no secret: a pipe may block, or be empty once read.
struct TrialCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try-reading", shouldDisplay: false)

    /// Only the end after the parser has this status; a failure before it has another.
    static let survived: Int32 = 86

    func run() throws {
        guard let text = Environment.standardInput() else { throw ExitCode(1) }
        ConfigurationReader.tryParsing(text)
        throw ExitCode(Self.survived)
    }
}
