import ArgumentParser
import Glibc
import JSON
import Primitives

/// `weir reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have a running gateway read its configuration again, and print what changed.",
        discussion: """
            The gateway is found by its operators' listener and gets SIGHUP. The command waits \
            until every worker serves by the new reading. Exit status 1 where the file was \
            refused, or where nothing answers.
            """)

    @OptionGroup var options: LogsConfiguration

    @Option(name: .long, help: "How many seconds to wait at most.")
    var timeout = 30

    func run() throws {
        let configuration = try options.loadWithSecrets()
        try Process.prepare()
        let before = try OperatorsClient.status(configuration)
        guard let process = before["process"]?.integer, process > 1 else {
            Output.error("weir: the gateway does not say which process it is")
            throw ExitCode(1)
        }
        let number = before["reload"]?["number"]?.integer ?? 0
        guard kill(pid_t(process), SIGHUP) == 0 else {
            let reason = unsafe String(cString: strerror(errno))
            Output.error("weir: process \(process) cannot be sent SIGHUP: \(reason)")
            throw ExitCode(1)
        }
        let end = Instant.now() + .seconds(Int64(timeout))
        while Instant.now() < end {
            let status = try OperatorsClient.status(configuration)
            guard let reload = status["reload"], (reload["number"]?.integer ?? 0) > number else {
                usleep(20_000)
                continue
            }
            Output.text(Self.lines(reload).joined(separator: "\n") + "\n")
            guard reload["applied"]?.isTrue == true else { throw ExitCode(1) }
            return
        }
        Output.error("weir: after \(timeout) s nothing was reloaded; the gateway's log says why")
        throw ExitCode(1)
    }

    /// What a reading has led to, a line each.
    static func lines(_ reload: JSONValue) -> [String] {
        func texts(_ name: String) -> [String] {
            (reload[name]?.elements ?? []).compactMap(\.text)
        }
        let time = (reload["time"]?.text ?? "").prefix(19)
        let warnings = texts("warnings")
        guard reload["applied"]?.isTrue == true else {
            return ["not reloaded at \(time): what was read before stays in force"]
                + texts("faults").map { "  \($0)" }
        }
        let changes = texts("changes")
        var lines = ["reloaded at \(time), sha256 \(reload["sha256"]?.text ?? "")"]
        lines += changes.isEmpty ? ["  nothing has changed"] : changes.map { "  \($0)" }
        let waiting = texts("waits_for_restart")
        if !waiting.isEmpty {
            lines.append("  wait for a restart: \(waiting.joined(separator: ", "))")
        }
        return lines + warnings.map { "  \($0)" }
    }
}
