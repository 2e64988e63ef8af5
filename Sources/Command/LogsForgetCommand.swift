import ArgumentParser
import Journal
import LogStore
import Primitives

/// `weir logs forget`.
struct LogsForgetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Erase the bodies and header fields of a key's, a session's or one exchange.",
        discussion: """
            What is counted stays: tokens, cost, times. The text is gone from the record's files \
            when the command ends, also while the gateway runs. Backups and sinks have their own. \
            Exit status 1 when text may be left, with the path.
            """)

    @OptionGroup var options: LogsOptions

    @Option(name: .long, help: "The digest of the caller's key, whole.")
    var key: String?

    @Option(name: .long, help: "The session, as the client names it, whole.")
    var session: String?

    @Option(name: .long, help: "The exchange's id, or its beginning.")
    var id: String?

    @Flag(
        name: .long,
        help: "Remove, too, what was put aside as damaged or has no record, whatever it holds.")
    var removeDamaged = false

    /// Ids of later turns that are printed at most.
    private static let shownMax = 20

    func validate() throws {
        guard [key, session, id].compactMap({ $0 }).count == 1 else {
            throw ValidationError("name one of --key, --session and --id")
        }
        guard ![key, session, id].contains("") else {
            throw ValidationError("an empty name is that of no exchange")
        }
    }

    func run() throws {
        let folder = try options.folder()
        try LogsOptions.orFail {
            // What a restore left when it was killed holds texts, too.
            try Store.settleInterruptedRestore(in: folder)
            var unreadable: [String] = []
            let isErased = try erase(in: folder) { unreadable.append($0) }
            let isRemoved = try settleDamaged(in: folder)
            if !unreadable.isEmpty {
                Output.error(
                    "weir: no journals, and may hold the text; the next start puts them aside: "
                        + unreadable.joined(separator: " "))
            }
            guard isErased, isRemoved, unreadable.isEmpty else { throw ExitCode(1) }
        }
    }

    /// Erases what the store holds; whether that is all, and anything.
    private func erase(in folder: String, unreadable: (String) -> Void) throws -> Bool {
        let store = try Store(changing: folder)
        // Before the store is asked: what ends meanwhile is among those that are erased.
        let inFlight = try store.exchangesInFlight(folder: folder, unreadable: unreadable)
            .filter(isMeant)
        let numbers = try numbers(store)
        guard !numbers.isEmpty || !inFlight.isEmpty else {
            Output.error("weir: no exchange is of that name")
            return false
        }
        if !numbers.isEmpty {
            try store.erase(numbers: numbers)
            let later = try store.laterTurns(than: numbers)
            Output.text(Self.report(erased: numbers.count, later: later))
        }
        let left = try inFlight.filter { exchange in
            let found = try store.records(named: exchange.identifier.description)
            return !found.contains { numbers.contains($0.number) }
        }
        try store.close()
        guard !left.isEmpty else { return true }
        Output.error(
            Self.report(inFlight: left, isServed: JournalFolder.owner(of: folder) != nil))
        return false
    }

    /// Names the journals and segments that no record leads to, or removes them; whether none is
    /// left.
    private func settleDamaged(in folder: String) throws -> Bool {
        let store = try Store(reading: folder)
        let damaged = try JournalFolder.damagedJournals(in: folder) + store.unledSegments()
        try store.close()
        guard !damaged.isEmpty else { return true }
        guard removeDamaged else {
            Output.error(
                "weir: put aside as damaged, or without a record, and may hold the text; "
                    + "--remove-damaged removes: " + damaged.joined(separator: " "))
            return false
        }
        for path in damaged {
            try JournalFolder.remove(path)
            Output.text("removed \(Printable.text(path))\n")
        }
        return true
    }

    /// Whether the options mean an exchange.
    private func isMeant(_ exchange: ExchangeInFlight) -> Bool {
        if let id { return exchange.identifier.description.hasPrefix(id.uppercased()) }
        if let key { return exchange.key == key }
        return exchange.session == session
    }

    static func report(inFlight: [ExchangeInFlight], isServed: Bool) -> String {
        let names = inFlight.prefix(shownMax).map(\.identifier.description)
        let more = inFlight.count - names.count
        // Without a gateway none goes on: they wait in journals for the next start.
        let reason =
            isServed
            ? "still in flight, and erased by the same command when they have ended: "
            : "in journals that no gateway has read; start one, then the same command erases: "
        let rest = more > 0 ? " and \(more) more" : ""
        return "weir: " + reason + names.joined(separator: " ") + rest
    }

    private func numbers(_ store: Store) throws -> [Int64] {
        if let id {
            let found = try store.records(named: id)
            guard found.count < 2 else {
                Output.error("weir: several exchanges have ids that begin with \(id)")
                throw ExitCode(1)
            }
            return found.map(\.number)
        }
        return try store.numbers(key.map(Store.Caller.key) ?? .session(session ?? ""))
    }

    static func report(erased: Int, later: [String]) -> String {
        var text = "erased the text of \(erased) exchange\(erased == 1 ? "" : "s")\n"
        guard !later.isEmpty else { return text }
        text += "\(later.count) later in the same session may repeat it, because agents send the\n"
        text += "conversation again with each turn; --session erases them, too:\n"
        for id in later.prefix(shownMax) { text += "  \(id)\n" }
        if later.count > shownMax { text += "  and \(later.count - shownMax) more\n" }
        return text
    }
}
