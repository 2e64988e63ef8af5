import ArgumentParser
import LogStore

/// `weir logs sessions`.
struct LogsSessionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "Sessions and their agents, those with the latest calls first.",
        discussion: """
            A session is what the client names one: Claude Code, Codex, opencode and others send \
            its name with each call. Each has its agents below it, and each agent its calls with \
            --calls. Calls that name no session are in none.
            """)

    @OptionGroup var options: LogsOptions
    @OptionGroup var filter: LogsFilter
    @OptionGroup var table: LogsTableOptions

    @Option(name: .shortAndLong, help: "How many sessions at most.")
    var limit = 20

    @Flag(name: .long, help: "With each call.")
    var calls = false

    func run() throws {
        let filter = try filter.filter()
        let columns = try table.chosen(from: SessionLine.columns(withCalls: calls))
        let (_, store) = try options.open()
        let sessions = try store.sessions(filter, limit: limit, withCalls: calls)
        guard !sessions.isEmpty else { throw LogsOptions.foundNothing }
        if options.json {
            for session in sessions { Output.exact("\(SessionLine.json(session))\n") }
            return
        }
        Output.text(
            LogsColumn.table(
                columns, sessions.flatMap(SessionLine.lines), width: table.width))
    }
}
