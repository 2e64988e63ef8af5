import ArgumentParser
import Config

/// `weir try-reading`: parses the text on standard input and says that it has survived it; see
/// ``TrialReading``.
///
/// It reads no file and no secret: those may be waited for, or be gone once read.
struct TrialCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try-reading", shouldDisplay: false)

    /// No other end of the process has this status, whatever went wrong on the way to the parser.
    static let survived: Int32 = 86

    func run() throws {
        guard let text = Environment.standardInput() else { throw ExitCode(1) }
        ConfigurationReader.tryParsing(text)
        throw ExitCode(Self.survived)
    }
}
