import ArgumentParser
import JSON
import LogStore
import Primitives

/// `weir logs verify`.
struct LogsVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Account for every exchange: emitted = stored + dropped + pending.",
        discussion: """
            Counts each of the four by itself, from the journals' bytes and the store, while \
            the gateway runs or not, and reads what every record keeps of fields and bodies. \
            Then holds the sums of what keys were charged against the records and those that \
            were removed. Exit status 1 when something does not add up, when something is \
            damaged, or when the folder or a journal in it cannot be read.
            """)

    @OptionGroup var options: LogsOptions

    func run() throws {
        let (folder, store) = try options.open()
        let account = try Self.account(store, folder)
        let isBalanced = account.difference == 0
        let sinks = try store.sinkNames().map { ($0, try store.progress(ofSink: $0)) }
        let last = try store.lastNumber()
        var faults: [(id: String, fault: ContentFault)] = []
        let contents = try store.verifyContents { id, fault in
            if fault.reason == .damaged { faults.append((id, fault)) }
        }
        let ledger = try store.verifyLedger()
        if options.json {
            func number(_ value: Int) -> JSONValue { .number("\(value)") }
            let json = JSONValue.object([
                JSONValue.Member("emitted", number(account.emitted)),
                JSONValue.Member("stored", number(account.stored)),
                JSONValue.Member("dropped", number(account.dropped)),
                JSONValue.Member("pending", number(account.pending)),
                JSONValue.Member("journals", number(account.journals)),
                JSONValue.Member("balanced", .bool(isBalanced)),
                JSONValue.Member("contents", number(contents.records)),
                JSONValue.Member("contents_whole", number(contents.whole)),
                JSONValue.Member("contents_gone", number(contents.gone)),
                JSONValue.Member("contents_damaged", number(contents.damaged)),
                JSONValue.Member("ledger", Self.json(ledger)),
                JSONValue.Member("sinks", .array(sinks.map { Self.json($0, $1, last) })),
            ])
            Output.exact("\(json)\n")
        } else {
            Output.text(
                "emitted \(account.emitted) = stored \(account.stored) + dropped "
                    + "\(account.dropped) + pending \(account.pending)"
                    + (isBalanced ? "\n" : "  IS WRONG BY \(account.difference)\n"))
            Output.text(
                "fields and bodies of \(contents.records) records: \(contents.whole) whole, "
                    + "\(contents.gone) gone with their segments, \(contents.damaged) damaged\n")
            for (id, fault) in faults { Output.text("  \(id): \(fault)\n") }
            Output.text(Self.text(ledger))
            for (name, progress) in sinks {
                Output.text(
                    "sink \(name): delivered \(progress.delivered), quarantined "
                        + "\(progress.quarantined), skipped \(progress.skipped), pending "
                        + "\(last - progress.number)\n")
                try Self.printQuarantine(of: name, store)
            }
        }
        guard isBalanced, contents.damaged == 0, ledger.differences.isEmpty else {
            throw ExitCode(1)
        }
    }

    private static func printQuarantine(of sink: String, _ store: Store) throws {
        for record in try store.quarantined(bySink: sink, limit: 5) {
            Output.text("  \(record.id): \(Printable.text(record.reason))\n")
        }
    }

    private static func json(
        _ sink: String, _ progress: Store.SinkProgress, _ last: Int64
    ) -> JSONValue {
        func number(_ value: Int) -> JSONValue { .number("\(value)") }
        return .object([
            JSONValue.Member("sink", .string(sink)),
            JSONValue.Member("delivered", number(progress.delivered)),
            JSONValue.Member("quarantined", number(progress.quarantined)),
            JSONValue.Member("skipped", number(progress.skipped)),
            JSONValue.Member("pending", number(Int(last - progress.number))),
        ])
    }

    private static func account(_ store: Store, _ folder: String) throws -> Accounting {
        do {
            return try store.account(folder: folder)
        } catch {
            Output.error("weir: exchanges cannot be accounted for: \(error)")
            throw ExitCode(1)
        }
    }
}
