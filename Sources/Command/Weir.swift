import ArgumentParser
import Glibc
import Reactor

/// The program: one file a subcommand.
@main
struct Weir: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract:
            "A transparent LLM gateway: change base_url, and every call goes on byte for byte.",
        discussion: "Exit status: 0 well, 1 failed, 2 usage or configuration.",
        version: Version.text,
        subcommands: [
            ServeCommand.self, CheckCommand.self, StatusCommand.self, ReloadCommand.self,
            LogsCommand.self, BenchCommand.self, KeysCommand.self, TopCommand.self,
            MockCommand.self, DemoCommand.self, EnvCommand.self,
            ImportCommand.self, TranslateCommand.self,
        ]
    )

    static func main() {
        // Before any thread is started, so that every thread inherits it.
        Signals.block([signalTerminate, signalInterrupt, signalHangUp, signalUser2])
        Glibc.exit(Output.status(run()))
    }

    /// Runs the command of the command line; the status it ends with.
    private static func run() -> Int32 {
        do {
            var command = try parseAsRoot()
            try command.run()
            return 0
        } catch let status as ExitCode {
            return status.rawValue
        } catch {
            let status = exitCode(for: error)
            let text = fullMessage(for: error)
            if status == .success {
                Output.text(text + "\n")
                return 0
            }
            Output.error(text)
            return status == .validationFailure ? 2 : 1
        }
    }
}

/// What this program is.
enum Version {
    /// The version, as CHANGELOG.md has it.
    static let number = "0.1.0"
    static let text = "weir \(number)"
}
