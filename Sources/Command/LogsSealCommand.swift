import ArgumentParser
import Glibc
import Journal
import LogStore
import Primitives

/// `weir logs seal`.
struct LogsSealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Seal the segment that is being written, and compress all that are not.",
        discussion: """
            While a gateway runs on the folder, it is asked to seal; what is complete then is \
            compressed before the command ends.
            """)

    @OptionGroup var options: LogsOptions

    /// How long a gateway may take to answer: one that stores much looks between two rounds.
    private static let patience = Interval.seconds(30)

    func run() throws {
        let path = try options.folder()
        // It must be there: a store is not made where none was.
        _ = try options.open()
        try LogsOptions.orFail {
            if let folder = try Self.free(path) {
                let store = try Store(folder: path)
                store.sealSegment()
                try store.packSegments(waits: true, report)
                try store.close()
                withExtendedLifetime(folder) {}
                return
            }
            let store = try Store(changing: path)
            let end = Instant.now() + Self.patience
            let last = try store.requestSeal {
                _ = poll(nil, 0, 10)
                return Instant.now() < end
            }
            guard let last else {
                Output.error("weir: the gateway did not answer in time; nothing is sealed")
                throw ExitCode(1)
            }
            try store.packSegments(upTo: last, waits: true, report)
            try store.close()
        }
    }

    /// The folder, taken for this process; nil while a gateway has it.
    private static func free(_ path: String) throws -> JournalFolder? {
        do {
            return try JournalFolder(path)
        } catch let error as JournalFolder.Unusable where error.isInUse {
            return nil
        }
    }

    private func report(_ number: UInt64, _ before: Int, _ after: Int) {
        if options.json {
            Output.text("{\"segment\":\(number),\"before\":\(before),\"after\":\(after)}\n")
        } else {
            Output.text(
                "segment \(number): \(Figure.bytes(before)) before, \(Figure.bytes(after)) now\n")
        }
    }
}
