import ArgumentParser
import Journal
import LogStore

/// `weir logs restore`.
struct LogsRestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a backup the record, while no gateway runs on its folder.")

    @OptionGroup var options: LogsOptions

    @Argument(help: "The file that `weir logs backup` wrote.")
    var file: String

    @Flag(name: .long, help: "Give up the record that is there.")
    var replace = false

    func run() throws {
        let folder = try options.folder()
        if let obstacle = JournalFolder.obstacle(to: folder), obstacle.isInUse {
            Output.error("weir: \(obstacle.description); stop it first")
            throw ExitCode(1)
        }
        try LogsOptions.orFail {
            try Store.restore(file, into: folder, replacing: replace)
        }
    }
}
