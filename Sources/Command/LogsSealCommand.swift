import ArgumentParser
import Journal
import LogStore

/// `weir logs seal`.
struct LogsSealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seal the segment that is being written, and compress all that are not.",
        discussion: """
            While no gateway runs on the folder: one that does seals and compresses by itself. \
            Exit status 2 when one does.
            """)

    @OptionGroup var options: LogsOptions

    func run() throws {
        let path = try options.folder()
        // It must be there: a store is not made where none was.
        _ = try options.open()
        do {
            let folder = try JournalFolder(path)
            let store = try Store(folder: path)
            store.sealSegment()
            try store.packSegments { number, before, after in
                if options.json {
                    Output.text(
                        "{\"segment\":\(number),\"before\":\(before),\"after\":\(after)}\n")
                } else {
                    Output.text(
                        "segment \(number): \(Figure.bytes(before)) before, "
                            + "\(Figure.bytes(after)) now\n")
                }
            }
            try store.close()
            withExtendedLifetime(folder) {}
        } catch let error as JournalFolder.Unusable {
            Output.error("weir: \(error)")
            throw ExitCode(2)
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }
}
