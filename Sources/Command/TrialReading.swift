import Glibc
import Primitives
import Reactor

/// Reads a configuration's text in a process of its own, before this one dares to.
///
/// toml++ has assertions where errors should be, and ends the process at some malformed texts: at a
/// date of a certain shape, for one. At a start only the start fails; while the gateway
/// serves, every stream in flight would be lost.
@safe
struct TrialReading: ~Copyable {
    /// How long a reading may take.
    private static let patience = Interval.seconds(5)

    private let pid: Int32
    private let input: Int32
    private let deadline = Instant.now() + patience

    /// Reads a text; why it cannot be read here, or nil where this process may read it, too.
    static func fault(of text: String) -> String? {
        do {
            let trial = try TrialReading()
            trial.send(text)
            return trial.outcome()
        } catch {
            return "could not be tried before it is read: \(error)"
        }
    }

    private init() throws(SystemError) {
        let pipe = try OwnProgram.pipe()
        defer { close(pipe.read) }
        do {
            pid = try OwnProgram.start(["try-reading"], input: pipe.read)
        } catch {
            close(pipe.write)
            throw error
        }
        input = pipe.write
        _ = fcntl(input, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(input)
    }

    /// Writes the text to the other process, as far as that reads it: it may have ended.
    private func send(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var sent = 0
            while sent < bytes.count, Instant.now() < deadline {
                guard let start = bytes.baseAddress else { return }
                let count = unsafe write(input, start + sent, bytes.count - sent)
                if count >= 0 {
                    sent += count
                } else if errno == EAGAIN {
                    var entry = pollfd(fd: input, events: Int16(POLLOUT), revents: 0)
                    _ = unsafe poll(&entry, 1, 100)
                } else if errno != EINTR {
                    return
                }
            }
        }
    }

    /// Waits for the end, and trusts only the one status that follows a parser's return.
    ///
    /// This process finds the faults again, with their line and column.
    private consuming func outcome() -> String? {
        let (pid, deadline) = (pid, deadline)
        // The other end of the pipe is the end of the text.
        _ = consume self
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(pid, &status, WNOHANG)
            if ended == pid { break }
            guard ended == 0, Instant.now() < deadline else {
                kill(pid, SIGKILL)
                _ = unsafe waitpid(pid, &status, 0)
                return ended == 0 ? "took too long to read" : "was tried, and the outcome is lost"
            }
            poll(nil, 0, 2)
        }
        let signal = status & 0x7F
        guard signal == 0 else {
            return "is malformed in a way that its parser cannot report: it ended by signal "
                + "\(signal)"
        }
        let code = status >> 8 & 0xFF
        return code == TrialCommand.survived
            ? nil : "could not be tried before it is read: status \(code)"
    }
}
