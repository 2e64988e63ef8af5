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
            were removed. Exit status 1 when something does not add up, when a record that was \
            stored is not there, when something is damaged, or a segment or a journal was taken \
            away by another hand, or when the folder or a journal in it cannot be read.
            """)

    @OptionGroup var options: LogsOptions

    @Flag(
        name: .long,
        help: "Write compressed segments anew that are damaged and can be restored as a whole.")
    var repair = false

    @Flag(
        name: .long,
        help: "Write down that the losses this finds are known, and count only later ones.")
    var acknowledge = false

    /// What was found.
    private struct Findings {
        var account: Accounting
        var missing: Int
        var contents: Store.ContentAccount
        var faults: [(id: String, fault: ContentFault)] = []
        var damage: [SegmentDamage]
        var pages: RecordLoss?
        var losses: LossReport
        var ledger: LedgerBalance
        var sinks: [(name: String, progress: Store.SinkProgress)]
        var last: Int64

        var isRight: Bool {
            account.difference == 0 && !damage.contains { isRepairable($0.segment) }
                && losses.new.isEmpty && ledger.differences.isEmpty
        }

        /// Whether `--repair` makes a damaged segment whole.
        private func isRepairable(_ segment: UInt64) -> Bool {
            !damage.contains { $0.segment == segment && !$0.isRestored }
        }

        /// What was found besides by a look at every record.
        var others: [RecordLoss] {
            var losses = pages.map { [$0] } ?? []
            if missing > 0 {
                losses.append(RecordLoss(kind: .recordsMissing, name: "", count: missing))
            }
            let records = Dictionary(grouping: faults, by: \.fault.segment)
            for (segment, faults) in records.sorted(by: { $0.key < $1.key }) {
                losses.append(
                    RecordLoss(
                        kind: .recordsDamaged, name: "\(segment)",
                        count: Set(faults.map(\.id)).count))
            }
            for (segment, damage) in Dictionary(grouping: damage, by: \.segment)
                .sorted(by: { $0.key < $1.key }) where !isRepairable(segment)
            {
                losses.append(
                    RecordLoss(kind: .segmentDamage, name: "\(segment)", count: damage.count))
            }
            return losses
        }
    }

    func run() throws {
        let (folder, store) = try options.open()
        if repair { try Self.repair(store, folder) }
        let account = try Self.account(store, folder)
        var faults: [(id: String, fault: ContentFault)] = []
        let contents = try store.verifyContents { id, fault in
            if fault.reason == .damaged { faults.append((id, fault)) }
        }
        var findings = Findings(
            account: account, missing: try store.missingRows(), contents: contents,
            faults: faults, damage: store.damagedSegments(), pages: try store.damagedPages(),
            losses: LossReport(), ledger: try store.verifyLedger(),
            sinks: try store.sinkNames().map { ($0, try store.progress(ofSink: $0)) },
            last: try store.lastNumber())
        let losses = try Self.losses(store) + findings.others
        if acknowledge { try Self.acknowledge(losses, folder) }
        findings.losses = try store.report(losses)
        if options.json {
            Output.exact("\(Self.json(findings))\n")
        } else {
            try Self.report(findings, store)
        }
        guard findings.isRight else { throw ExitCode(1) }
    }

    /// Repairs what can be, and says what; the rest is found again by what follows.
    private static func repair(_ store: Store, _ folder: String) throws {
        let damage = store.damagedSegments()
        try LogsOptions.orFail {
            let other = try Store(changing: folder)
            let repaired = try other.repairSegments()
            try other.close()
            for damage in damage where repaired.contains(damage.segment) {
                Output.error("repaired: \(damage)")
            }
        }
    }

    private static func acknowledge(_ losses: [RecordLoss], _ folder: String) throws {
        try LogsOptions.orFail {
            let other = try Store(changing: folder)
            let now = Int(Identifier.wallClockMilliseconds()) * 1000
            try other.acknowledge(losses, now: now)
            try other.close()
        }
    }

    private static func json(_ findings: Findings) -> JSONValue {
        func number(_ value: Int) -> JSONValue { .number("\(value)") }
        let sinks = findings.sinks.map { name, progress in
            JSONValue.object([
                JSONValue.Member("sink", .string(name)),
                JSONValue.Member("delivered", number(progress.delivered)),
                JSONValue.Member("quarantined", number(progress.quarantined)),
                JSONValue.Member("skipped", number(progress.skipped)),
                JSONValue.Member("pending", number(Int(findings.last - progress.number))),
            ])
        }
        let (account, contents) = (findings.account, findings.contents)
        return JSONValue.object([
            JSONValue.Member("emitted", number(account.emitted)),
            JSONValue.Member("stored", number(account.stored)),
            JSONValue.Member("dropped", number(account.dropped)),
            JSONValue.Member("pending", number(account.pending)),
            JSONValue.Member("journals", number(account.journals)),
            JSONValue.Member("balanced", .bool(account.difference == 0)),
            JSONValue.Member("rows_missing", number(findings.missing)),
            JSONValue.Member("contents", number(contents.records)),
            JSONValue.Member("contents_whole", number(contents.whole)),
            JSONValue.Member("contents_gone", number(contents.gone)),
            JSONValue.Member("contents_damaged", number(contents.damaged)),
            JSONValue.Member("segments_damaged", number(findings.damage.count)),
            JSONValue.Member("losses", json(findings.losses.new)),
            JSONValue.Member("losses_acknowledged", json(findings.losses.acknowledged)),
            JSONValue.Member("ledger", json(findings.ledger)),
            JSONValue.Member("sinks", .array(sinks)),
        ])
    }

    private static func report(_ findings: Findings, _ store: Store) throws {
        let (account, contents) = (findings.account, findings.contents)
        Output.text(
            "emitted \(account.emitted) = stored \(account.stored) + dropped "
                + "\(account.dropped) + pending \(account.pending)"
                + (account.difference == 0 ? "\n" : "  IS WRONG BY \(account.difference)\n"))
        Output.text(
            "fields and bodies of \(contents.records) records: \(contents.whole) whole, "
                + "\(contents.gone) gone with their segments, \(contents.damaged) damaged\n")
        for (id, fault) in findings.faults { Output.text("  \(id): \(fault)\n") }
        for damage in findings.damage { Output.text("  \(damage)\n") }
        Output.text(text(findings.losses))
        Output.text(text(findings.ledger))
        for (name, progress) in findings.sinks {
            Output.text(
                "sink \(name): delivered \(progress.delivered), quarantined "
                    + "\(progress.quarantined), skipped \(progress.skipped), pending "
                    + "\(findings.last - progress.number)\n")
            for record in try store.quarantined(bySink: name, limit: 5) {
                Output.text("  \(record.id): \(Printable.text(record.reason))\n")
            }
        }
    }

    private static func losses(_ store: Store) throws -> [RecordLoss] {
        do {
            return try store.losses()
        } catch {
            Output.error("weir: what is lost cannot be looked for: \(error)")
            throw ExitCode(1)
        }
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
