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
        if format == .csv { writer.write(Self.columns.joined(separator: ",") + "\r\n") }
        var count = 0
        try store.eachRecord(filter, withBodies: bodies) { stored in
            var stored = stored
            if let prices { stored.record = stored.record.repriced(by: prices) }
            switch format {
            case .jsonl: writer.write("\(stored.json(withBodies: bodies))\n")
            case .csv: writer.write(Self.line(stored))
            }
            count += 1
            if let total, count % 1000 == 0 { Self.progress(count, total) }
            guard !writer.hasFailed else { throw ExitCode(1) }
        }
        writer.flush()
        if let total { Self.progress(count, total, isEnd: true) }
        if writer.hasFailed {
            Output.error("weir: the export could not be written")
            throw ExitCode(1)
        }
        if count == 0 { throw ExitCode(1) }
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
        Output.errorText("\r\(bar) \(count) of \(total)" + (isEnd ? "\n" : ""))
    }

    private static let columns = [
        "id", "time", "outcome", "status", "method", "target", "dialect", "chain", "vendor",
        "model", "answering_model", "key", "stream", "attempts", "head_us", "content_us",
        "last_byte_us", "end_us", "request_bytes", "response_bytes", "usage_state",
        "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
        "cache_write_long_tokens", "reasoning_tokens", "audio_input_tokens",
        "audio_output_tokens", "cost_usd", "price_version", "finish_reason", "error_kind",
        "error_message", "dropped_frames",
    ]

    private static func line(_ stored: StoredRecord) -> String {
        let record = stored.record
        let usage = record.usage
        func number(_ value: Int?) -> String { value.map { "\($0)" } ?? "" }
        let cells = [
            stored.id, Timestamp.text(microseconds: record.acceptedMicroseconds), record.outcome,
            "\(record.status)", record.method, record.target, record.dialect.rawValue,
            record.chain, record.vendor, record.model, record.answeringModel, record.key,
            "\(record.isStream)", "\(record.attempts.count)", number(record.headMicroseconds),
            number(record.contentMicroseconds), number(record.lastByteMicroseconds),
            "\(record.endMicroseconds)", "\(record.requestBytes)", "\(record.responseBytes)",
            record.usageState.rawValue, number(usage.input), number(usage.output),
            number(usage.cacheRead), number(usage.cacheWrite), number(usage.cacheWriteLong),
            number(usage.reasoning), number(usage.audioInput), number(usage.audioOutput),
            record.costNanodollars.map { "\(Double($0) / 1e9)" } ?? "", record.priceVersion,
            record.finishReason, record.errorKind, record.errorMessage,
            "\(record.droppedFrames)",
        ]
        return cells.map(quote).joined(separator: ",") + "\r\n"
    }

    /// A cell as RFC 4180 quotes it; what a spreadsheet would take for a formula is made text.
    private static func quote(_ cell: String) -> String {
        let isFormula = cell.first.map { "=+-@".contains($0) } ?? false
        let text = isFormula && Double(cell) == nil ? "'" + cell : cell
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }
}

/// Gathers text and writes it in large pieces.
struct BufferedWriter {
    private static let pieceBytes = 256 << 10
    private let descriptor: Int32
    private var pending = ""
    /// Whether something could not be written: a full disk, or a reader that went away.
    private(set) var hasFailed = false

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    mutating func write(_ text: String) {
        pending += text
        if pending.utf8.count > Self.pieceBytes { flush() }
    }

    mutating func flush() {
        if !Output.write(pending, to: descriptor) { hasFailed = true }
        pending = ""
    }
}
