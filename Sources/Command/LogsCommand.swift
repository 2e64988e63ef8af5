import ArgumentParser
import Config
import Glibc
import LogStore
import Primitives

/// `weir logs`: the record of exchanges.
struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "The record of exchanges.",
        discussion: """
            The record is read from the folder of the configuration's log.path, while the gateway \
            writes to it or not; no secret that the configuration names is needed. Exit status 1 \
            when nothing matched.
            """,
        subcommands: [
            LogsListCommand.self, LogsTailCommand.self, LogsShowCommand.self,
            LogsSessionsCommand.self, LogsStatsCommand.self, LogsExportCommand.self,
            LogsVerifyCommand.self, LogsSealCommand.self, LogsForgetCommand.self,
            LogsBackupCommand.self, LogsRestoreCommand.self,
        ],
        defaultSubcommand: LogsListCommand.self
    )
}

/// Where the record is, and how it is printed: the same for every command about it.
struct LogsOptions: ParsableArguments {
    @OptionGroup var configuration: LogsConfiguration

    @Option(name: .long, help: "The record's folder, instead of the configuration's log.path.")
    var path: String?

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    /// The folder of the record.
    func folder() throws -> String {
        try path ?? configuration.load().log.path
    }

    /// The configuration's prices; ends with status 2 where it has none.
    func prices() throws -> PriceTable {
        let configuration = try configuration.load()
        do throws(Composition.StartError) {
            if let table = try Prices.table(configuration) { return table }
            Output.error("weir: the configuration has no [prices]; name one with --config")
        } catch {
            Output.error("weir: \(error)")
        }
        throw ExitCode(2)
    }

    /// The record, opened for reading; ends with status 1 when there is none.
    func open() throws -> (folder: String, store: Store) {
        let folder = try folder()
        return (folder, try Self.orFail { try Store(reading: folder) })
    }

    /// The end of a command that found nothing, as a person at a terminal reads it; programs have
    /// the status.
    static var foundNothing: ExitCode {
        if isatty(2) != 0 { Output.error("weir: no exchange of the record matches") }
        return ExitCode(1)
    }

    /// The result of something that may fail for a reason outside; ends with status 1 then.
    static func orFail<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let status as ExitCode {
            throw status
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }
}

/// Which records: the same for every command that takes several.
struct LogsFilter: ParsableArguments {
    @Option(name: .long, help: "From this time on: 10m, 2h, 7d ago, or 2026-11-24T15:00 (UTC).")
    var since: String?

    @Option(name: .long, help: "Before this time, in the same form.")
    var until: String?

    @Option(name: .long, help: "The vendor that answered, or that was called last.")
    var vendor: String?

    @Option(name: .long, help: "The model asked for, or that answered; * stands for anything.")
    var model: String?

    @Option(name: .long, help: "complete, truncated, client_cancelled, upstream_error, …")
    var outcome: String?

    @Option(name: .long, help: "A status such as 429, or a class such as 5xx.")
    var status: String?

    @Option(name: .long, help: "The digest of the caller's key, or its beginning.")
    var key: String?

    @Option(name: .long, help: "The chain that served the request.")
    var chain: String?

    @Option(name: .long, help: "The session, as the client names it, or its beginning.")
    var session: String?

    @Option(name: .long, help: "The client's address; * stands for anything.")
    var client: String?

    @Option(
        name: .customLong("class"),
        help: "The class of error: connect, timeout, reset, status, credential, truncated, …")
    var errorClass: String?

    @Option(name: .long, help: "A text that stands in a body or in the target.")
    var text: String?

    /// What is asked for, as it was written: `since 7d, vendor openai`; empty for all.
    var words: String {
        let parts = [
            ("since", since), ("until", until), ("vendor", vendor), ("model", model),
            ("outcome", outcome), ("status", status), ("key", key), ("chain", chain),
            ("session", session), ("client", client), ("class", errorClass), ("text", text),
        ]
        return parts.compactMap { name, value in value.map { "\(name) \($0)" } }
            .joined(separator: ", ")
    }

    /// The filter; ends with status 2 when a part of it is none.
    func filter() throws -> RecordFilter {
        var filter = RecordFilter()
        filter.since = try since.map { try Self.time($0, "--since") }
        filter.until = try until.map { try Self.time($0, "--until") }
        filter.vendor = vendor
        filter.model = model
        filter.outcome = outcome
        filter.key = key
        filter.chain = chain
        filter.session = session
        filter.client = client
        filter.errorClass = errorClass
        filter.text = text
        if let status {
            let digits = status.prefix { $0.isNumber }
            let isClass = digits.count == 1 && status.dropFirst().lowercased() == "xx"
            let isKnown = "1"..."5" ~= digits.prefix(1)
            guard isKnown, isClass || digits.count == 3 && digits.count == status.count else {
                throw Self.fault("--status \(status): allowed are 429 and 5xx")
            }
            filter.status = status
        }
        return filter
    }

    private static func time(_ text: String, _ option: String) throws -> Int {
        if let time = Timestamp.microseconds(text) { return time }
        guard let interval = Configuration.duration(text) else {
            throw fault("\(option) \(text): allowed are 10m, 2h, 7d and 2026-11-24T15:00")
        }
        return Int(Identifier.wallClockMilliseconds()) * 1000 - Int(interval.nanoseconds / 1000)
    }

    private static func fault(_ text: String) -> ExitCode {
        Output.error("weir: \(text)")
        return ExitCode(2)
    }
}
