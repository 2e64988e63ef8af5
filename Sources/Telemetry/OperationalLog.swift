import Glibc
public import Logging
public import Primitives
public import Reactor
import Synchronization

/// Writes operational log lines to standard error from a thread of its own.
///
/// A terminal or a pipe that is not read blocks the writer; on a worker's thread that would stop
/// every stream it carries. Lines that find the queue full are dropped, and their number is written
/// with the next line that is not.
public final class OperationalLog: Sendable {
    private static let linesMax = 4096

    private enum Order: Sendable {
        case write(String)
        /// Writes a byte to a pipe when everything before is written.
        case report(Int32)
    }

    private let mailbox: Mailbox<Order>
    private let dropped = Atomic<Int>(0)

    /// A log with its thread running.
    public init() throws(SystemError) {
        mailbox = try Mailbox(capacity: Self.linesMax) { order in
            switch order {
            case .write(let line): Self.write(line, to: 2)
            case .report(let pipe): Self.write(".", to: pipe)
            }
        }
        let thread = try Thread(name: "weir-log") { [mailbox] in
            // Without a loop there is no log; the gateway itself goes on.
            guard let loop = try? EventLoop() else { return }
            mailbox.open(on: loop)
            loop.run()
        }
        thread.detach()
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                guard let start = bytes.baseAddress else { return }
                let count = unsafe Glibc.write(descriptor, start + written, bytes.count - written)
                if count < 0, errno != EINTR { return }
                written += max(0, count)
            }
        }
    }

    /// Waits until the lines so far are written, or for so long: a process that ends would lose the
    /// last ones, and must not wait for a terminal that is not read.
    public func flush(atMost patience: Interval = .seconds(1)) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return }
        guard mailbox.post(.report(ends[1])) else {
            close(ends[0])
            close(ends[1])
            return
        }
        var wanted = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        // Reported too late the byte goes into a pipe that is still open: it is never closed then.
        if unsafe poll(&wanted, 1, Int32(patience.millisecondsRoundedUp)) > 0 {
            close(ends[0])
            close(ends[1])
        }
    }

    /// A logger that writes here.
    public func logger(_ label: String, level: Logger.Level = .info) -> Logger {
        var logger = Logger(label: label) { _ in LineHandler(log: self) }
        logger.logLevel = level
        return logger
    }

    fileprivate func post(_ line: String) {
        let lost = dropped.exchange(0, ordering: .relaxed)
        let text = lost > 0 ? "\(line) lines_dropped=\(lost)\n" : "\(line)\n"
        if !mailbox.post(.write(text)) { dropped.add(lost + 1, ordering: .relaxed) }
    }
}

/// One line a message: time, level, message, then metadata as `key=value`.
private struct LineHandler: LogHandler {
    let log: OperationalLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(log: OperationalLog) {
        self.log = log
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { $1 }
        var line =
            "\(Self.timestamp()) \(event.level.rawValue) \(Printable.text("\(event.message)"))"
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) {
            let text = "\(value)"
            let plain =
                !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F }
            line += " \(key)=" + Printable.text(plain ? text : quoted(text))
        }
        log.post(line)
    }

    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func timestamp() -> String {
        Timestamp.text(microseconds: Int(Identifier.wallClockMilliseconds()) * 1000)
    }
}
