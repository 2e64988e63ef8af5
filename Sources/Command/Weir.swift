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
        Glibc.exit(Output.status(run()))
    }

    /// Has signals wait for a loop that takes them; any other command they end, as they end any
    /// program, also where the parent process had them blocked.
    private static func prepareSignals(takes isTaking: Bool) {
        let numbers = [signalTerminate, signalInterrupt, signalHangUp, signalUser2]
        Signals.block(isTaking ? numbers : [])
        if !isTaking { Signals.unblock(numbers) }
    }

    /// Runs the command of the command line; the status it ends with.
    private static func run() -> Int32 {
        do {
            var command = try parseAsRoot()
            // Before any thread is started, so that every thread inherits it.
            prepareSignals(takes: command is any SignalTaking)
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

/// A command that serves: signals come to its loop, which decides when it ends.
protocol SignalTaking {}

/// What this program is.
enum Version {
    /// The version, as CHANGELOG.md has it.
    static let number = "0.1.0"
    static let text = "weir \(number)"
}
