import ArgumentParser
import Dialects
import Glibc
import LogStore
import Primitives

/// `weir logs export`.
struct LogsExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Records as JSON Lines or CSV, to a pipe or a file.")

    /// How the records are written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case jsonl, csv
    }

    @OptionGroup var options: LogsOptions
    @OptionGroup var filter: LogsFilter

    @Option(name: .long, help: "jsonl or csv.")
    var format = Format.jsonl

    @Flag(name: .long, help: "With header fields and bodies; JSON Lines only.")
    var bodies = false

    @Flag(name: .long, help: "Compute costs anew, by the configuration's present prices.")
    var reprice = false

    @Option(name: .shortAndLong, help: "The file; without one, standard output.")
    var output: String?

    func run() throws {
        let filter = try filter.filter()
        if bodies, format == .csv {
            Output.error("weir: --bodies goes with --format jsonl alone")
            throw ExitCode(2)
        }
        let prices = reprice ? try options.prices() : nil
        let (_, store) = try options.open()
        let file = try output.map(Self.open) ?? 1
        // A file shows no progress by itself; a pipe does at its other end.
        let total = output == nil || isatty(2) == 0 ? nil : try store.count(filter)
        var writer = BufferedWriter(file)
        if format == .csv { writer.write(StoredRecord.csvHeader) }
        var count = 0
        try store.eachRecord(filter, withBodies: bodies) { stored in
            var stored = stored
            if let prices { stored.record = stored.record.repriced(by: prices) }
            switch format {
            case .jsonl: writer.write("\(stored.json(withBodies: bodies))\n")
            case .csv: writer.write(stored.csv)
            }
            count += 1
            if let total, count % 1000 == 0 { Self.progress(count, total) }
            try check(writer)
        }
        writer.flush()
        if let total { Self.progress(count, total, isEnd: true) }
        try check(writer)
        if count == 0 { throw LogsOptions.foundNothing }
    }

    private func check(_ writer: BufferedWriter) throws {
        guard let code = writer.fault else { return }
        // What befell standard output is said at the end, as for every command.
        if let output {
            Output.error(
                "weir: \(output) cannot be written: \(unsafe String(cString: strerror(code)))")
        }
        throw ExitCode(1)
    }

    private static func open(_ path: String) throws -> Int32 {
        let file = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            Output.error("weir: \(path): \(unsafe String(cString: strerror(errno)))")
            throw ExitCode(1)
        }
        return file
    }

    private static func progress(_ count: Int, _ total: Int, isEnd: Bool = false) {
        let width = 40
        let done = total > 0 ? min(width, count * width / total) : width
        let bar =
            String(repeating: "█", count: done) + String(repeating: "░", count: width - done)
        Output.progress("\r\(bar) \(count) of \(total)" + (isEnd ? "\n" : ""))
    }
}

/// Gathers text and writes it in large pieces.
struct BufferedWriter {
    private static let pieceBytes = 256 << 10
    private let descriptor: Int32
    private var pending = ""
    /// The error of the first write that failed: a full disk, or a reader that went away.
    private(set) var fault: Int32?

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    mutating func write(_ text: String) {
        pending += text
        if pending.utf8.count > Self.pieceBytes { flush() }
    }

    mutating func flush() {
        if fault == nil, !Output.write(pending, to: descriptor) { fault = errno }
        pending = ""
    }
}
