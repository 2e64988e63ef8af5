import ArgumentParser
import LogStore

/// `weir logs backup`.
struct LogsBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Write the record as it is now into one file, while the gateway runs or not.",
        discussion: """
            The file is one that tar reads, for its owner alone: the database and the segments \
            with fields and bodies. While it is written nothing is erased. What is still in the \
            journals, some milliseconds of a running gateway's, is not in it.
            """)

    @OptionGroup var options: LogsOptions

    @Argument(help: "The file, which is not there yet.")
    var file: String

    func run() throws {
        let (_, store) = try options.open()
        try LogsOptions.orFail { try store.backUp(to: file) }
    }
}
