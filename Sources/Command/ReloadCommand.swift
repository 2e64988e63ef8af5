import ArgumentParser
import Config
import Glibc
import JSON
import Journal
import Primitives

/// `weir reload`.
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have a running gateway read its configuration again, and print what changed.",
        discussion: """
            The gateway is found by its operators' listener, or by its folder where the file has \
            another token, and gets SIGHUP. The command waits until every worker serves by the \
            new reading. Exit status 2 where the file has faults that show without the gateway, \
            which is not asked then; 1 where the gateway refused the file, or nothing answers.
            """)

    @OptionGroup var options: LogsConfiguration

    @Option(name: .long, help: "How many seconds to wait at most.")
    var timeout = 30

    func run() throws {
        let configuration = try options.loadWithSecrets()
        try Process.prepare()
        let found = try Self.find(configuration)
        guard kill(pid_t(found.process), SIGHUP) == 0 else {
            let reason = unsafe String(cString: strerror(errno))
            throw Self.fault("process \(found.process) cannot be sent SIGHUP: \(reason)")
        }
        let end = Instant.now() + .seconds(Int64(timeout))
        var silence: OperatorsClient.Silence?
        while Instant.now() < end {
            do {
                let status = try OperatorsClient.ask(configuration)
                silence = nil
                if let reload = status["reload"], found.isBefore(reload) {
                    Output.text(Self.lines(reload).joined(separator: "\n") + "\n")
                    guard reload["applied"]?.isTrue == true else { throw ExitCode(1) }
                    return
                }
            } catch let fault as OperatorsClient.Silence {
                // The token of the file is the gateway's once it has read the file.
                guard found.number == nil else { throw Self.fault("\(fault)") }
                silence = fault
            }
            usleep(20_000)
        }
        throw Self.fault(
            silence.map {
                "process \(found.process) was sent SIGHUP, and what it did is not known: \($0)"
            } ?? "after \(timeout) s nothing was reloaded; the gateway's log says why")
    }

    /// A gateway before it reads its file.
    private struct Found {
        let process: Int
        /// The number of its last reading; nil where it did not answer.
        var number: Int?
        private let began = Timestamp.text(
            microseconds: Int(Identifier.wallClockMilliseconds()) * 1000)

        init(process: Int, number: Int?) {
            self.process = process
            self.number = number
        }

        func isBefore(_ reload: JSONValue) -> Bool {
            if let number { return (reload["number"]?.integer ?? 0) > number }
            return reload["time"]?.text ?? "" >= began
        }
    }

    /// The gateway that serves a configuration: by its operators' listener, or by the record's
    /// folder where the file has another token or address than the gateway was started with.
    private static func find(_ configuration: Configuration) throws -> Found {
        do {
            let before = try OperatorsClient.ask(configuration)
            guard let process = before["process"]?.integer, process > 1 else {
                throw fault("the gateway does not say which process it is")
            }
            return Found(process: process, number: before["reload"]?["number"]?.integer ?? 0)
        } catch let silence as OperatorsClient.Silence {
            guard let owner = JournalFolder.owner(of: configuration.log.path), owner > 1 else {
                throw fault("\(silence)")
            }
            return Found(process: Int(owner), number: nil)
        }
    }

    private static func fault(_ text: String) -> ExitCode {
        Output.error("weir: \(text)")
        return ExitCode(1)
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
