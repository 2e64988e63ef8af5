import Primitives
import Synchronization

/// The alerts that were posted and are not over, for a process that takes over: it does not post
/// them again, and posts when they are over.
public final class StandingAlerts: Sendable {
    private static let separator = "\u{1F}"
    /// What goes with a message between two processes, at most.
    private static let bytesMax = 32 << 10

    private let alerts = Mutex<[Alert]>([])

    /// None.
    public init() {}

    /// All of them.
    public var all: [Alert] { alerts.withLock { $0 } }

    /// Says which there are.
    public func set(_ alerts: [Alert]) { self.alerts.withLock { $0 = alerts } }

    /// Each as a line, as far as they fit a message.
    public var lines: [String] {
        var bytes = 0
        let lines = all.map { alert in
            [alert.kind, alert.subject, alert.text].map { Printable.text($0) }
                .joined(separator: Self.separator)
        }
        return lines.filter { line in
            bytes += line.utf8.count + 1
            return bytes < Self.bytesMax
        }
    }

    /// Those of such lines.
    public func set(lines: [String]) {
        set(
            lines.compactMap { line in
                let parts = line.split(
                    separator: Self.separator, omittingEmptySubsequences: false
                ).map(String.init)
                guard parts.count == 3 else { return nil }
                return Alert(kind: parts[0], subject: parts[1], isOver: false, text: parts[2])
            })
    }
}
