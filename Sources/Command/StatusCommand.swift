import ArgumentParser
import JSON

/// `weir status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show a running gateway on this machine: vendors, chains, limits, record.",
        discussion: """
            It asks the operators' listener of the configuration, with its token. Exit status 1 \
            where no gateway answers.
            """)

    @OptionGroup var options: LogsConfiguration

    @Flag(name: .long, help: "Print what /api/status answers, as JSON.")
    var json = false

    func run() throws {
        let configuration = try options.loadWithSecrets()
        try Process.prepare()
        let status = try OperatorsClient.status(configuration)
        if json { return Output.exact("\(status)\n") }
        Output.text(Self.text(status))
    }

    /// What people read, the table in so many columns.
    static func text(_ status: JSONValue, width: Int = Terminal.columns) -> String {
        let configuration = status["configuration"]
        var lines = [
            "weir \(text(status, "version")), process \(number(status, "process")), "
                + "\(text(status, "state")) for "
                + duration(status["uptime_seconds"]?.integer ?? 0),
            "listens on \(text(status, "listen")) with \(number(status, "workers")) workers; "
                + "\(number(status, "connections")) connections",
        ]
        if let file = configuration?["file"]?.text, !file.isEmpty {
            lines.append("configuration \(file), sha256 \(configuration?["sha256"]?.text ?? "")")
        }
        if let reload = status["reload"], reload != .null {
            lines.append(contentsOf: ReloadCommand.lines(reload))
        }
        lines += ["", vendors(status, width: width)]
        lines += chains(status)
        lines += limits(status)
        if let record = status["record"], record != .null {
            let trouble = record["trouble"]?.text ?? ""
            lines += [
                "record: \(number(record, "stored")) stored, \(number(record, "pending")) pending, "
                    + "\(number(record, "dropped")) dropped"
                    + (trouble.isEmpty ? "" : "; NOT STORED NOW: \(trouble)")
            ]
            if let losses = record["losses"]?.integer, losses > 0 {
                lines.append(
                    "record: parts of it are LOST, weir logs verify names them: \(losses)")
            }
        }
        for sink in status["sinks"]?.elements ?? [] {
            let trouble = text(sink, "trouble")
            lines.append(
                "sink \(text(sink, "name")): \(number(sink, "delivered")) delivered, "
                    + "\(number(sink, "pending")) pending"
                    + (trouble.isEmpty ? "" : "; NOT DELIVERED NOW: \(trouble)"))
        }
        for certificate in status["certificates"]?.elements ?? [] {
            lines.append(
                "certificate of \(text(certificate, "listener")) ends "
                    + text(certificate, "ends").prefix(16))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A narrow set of columns: the state is the last, and goes on below where a line ends.
    private static func vendors(_ status: JSONValue, width: Int) -> String {
        var table = TextTable(columns: [
            TextTable.Column(name: "vendor", least: 9),
            TextTable.Column(name: "open", side: .right),
            TextTable.Column(name: "calls", side: .right),
            TextTable.Column(name: "errors", side: .right),
            TextTable.Column(name: "failed", side: .right),
            TextTable.Column(name: "moved on", side: .right),
            TextTable.Column(name: "cooled", side: .right),
            TextTable.Column(name: "state", least: 9),
        ])
        for vendor in status["vendors"]?.elements ?? [] {
            table.add([
                text(vendor, "name"), number(vendor, "in_flight"), number(vendor, "calls"),
                number(vendor, "error_answers"), number(vendor, "failed_attempts"),
                number(vendor, "moved_on"), number(vendor, "cooldowns"), state(vendor),
            ])
        }
        return table.text(width: width, wrapsLast: true)
    }

    /// `well`, `failing: status`, `cooldown until 12:04:09: timeout`.
    private static func state(_ value: JSONValue) -> String {
        var state = text(value, "state")
        if let until = value["cools_until"]?.text {
            state += " until \(until.dropFirst(11).prefix(8))"
        }
        let failure = text(value, "failure")
        return failure.isEmpty || text(value, "state") == "well" ? state : "\(state): \(failure)"
    }

    private static func chains(_ status: JSONValue) -> [String] {
        var lines: [String] = []
        for chain in status["chains"]?.elements ?? [] where !text(chain, "name").isEmpty {
            for plan in chain["plans"]?.elements ?? [] {
                let targets = (plan["targets"]?.elements ?? []).map { target in
                    let model = target["model"]?.text.map { " as \($0)" } ?? ""
                    let state = text(target, "state") == "well" ? "" : " (\(state(target)))"
                    return text(target, "vendor") + model + state
                }
                lines.append(
                    "chain \(text(chain, "name")), \(text(plan, "dialect")): "
                        + targets.joined(separator: ", then "))
            }
        }
        return lines.isEmpty ? [] : lines + [""]
    }

    private static func limits(_ status: JSONValue) -> [String] {
        let limits = (status["limits"]?.elements ?? []).compactMap { limit -> String? in
            guard let budget = limit["budget_usd"]?.double, budget > 0 else { return nil }
            let spent = limit["spent_usd"]?.double ?? 0
            return "\(text(limit, "scope")) \(text(limit, "name")): "
                + "\(money(spent)) of \(money(budget)) a \(text(limit, "period")), "
                + "\(Int(spent / budget * 100)) %"
        }
        return limits.isEmpty ? [] : limits + [""]
    }

    private static func money(_ dollars: Double) -> String {
        Figure.shortMoney(nanodollars: Int((dollars * 1e9).rounded()))
    }

    private static func text(_ value: JSONValue, _ name: String) -> String {
        value[name]?.text ?? ""
    }

    private static func number(_ value: JSONValue, _ name: String) -> String {
        "\(value[name]?.integer ?? 0)"
    }

    /// `12 s`, `3 m`, `5 h 12 m`, `3 d 4 h`.
    private static func duration(_ seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3600: "\(seconds / 60) m"
        case ..<86_400: "\(seconds / 3600) h \(seconds % 3600 / 60) m"
        default: "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }
}
