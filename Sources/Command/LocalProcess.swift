import Glibc
import Primitives
import Reactor

/// This program started once more, as a server on this machine: ended by its number.
@safe
final class LocalProcess {
    let pid: Int32
    private let output: Int32
    private var text = ""

    /// Starts this program with other arguments; what it says is kept, not shown.
    init(_ arguments: [String]) throws(Composition.StartError) {
        do {
            let pipe = try OwnProgram.pipe()
            defer { Glibc.close(pipe.write) }
            do {
                pid = try OwnProgram.start(arguments, output: pipe.write)
            } catch {
                Glibc.close(pipe.read)
                throw error
            }
            output = pipe.read
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
        Orphanage.add(pid)
    }

    deinit {
        Glibc.close(output)
    }

    /// The number that the program says after a text, awaited for ten seconds.
    func port(after mark: String) throws(Composition.StartError) -> Int {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let end = Instant.now() + .seconds(10)
        while Instant.now() < end {
            if let found = text.firstRange(of: mark) {
                let digits = text[found.upperBound...].prefix { $0.isNumber }
                if let number = Int(digits), digits.endIndex < text.endIndex { return number }
            }
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 200) > 0 else { continue }
            let count = unsafe read(output, &bytes, bytes.count)
            guard count > 0 else { break }
            text += String(decoding: bytes.prefix(count), as: UTF8.self)
        }
        throw Composition.StartError(description: "a server did not start: \(text)")
    }

    /// Ends the program at once, and waits until it is gone.
    func end() {
        kill(pid, SIGKILL)
        _ = waitpid(pid, nil, 0)
    }

    // MARK: A folder for it

    static func makeFolder() throws(Composition.StartError) -> String {
        let parent = Environment.variable("TMPDIR") ?? "/tmp"
        let wildcard = String(repeating: "X", count: 6)
        var template = Array("\(parent)/weir-\(wildcard)".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw Composition.StartError(description: "\(SystemError(call: "mkdtemp \(parent)"))")
        }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static func write(_ text: String, to path: String) -> Bool {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return false }
        defer { close(file) }
        return Output.write(text, to: file)
    }

    /// Takes a folder away with what is in it.
    static func remove(_ path: String) {
        guard let folder = unsafe opendir(path) else {
            unsafe unlink(path)
            return
        }
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { remove("\(path)/\(name)") }
        }
        unsafe closedir(folder)
        unsafe rmdir(path)
    }
}

/// Processes that must not outlive this one, whatever ends it.
@safe
private enum Orphanage {
    private static let countMax = 8
    // Read in a signal's handler: memory that is there from the first process on, and never moves.
    nonisolated(unsafe) private static let pids: UnsafeMutablePointer<Int32> = {
        let pids = UnsafeMutablePointer<Int32>.allocate(capacity: countMax)
        unsafe pids.initialize(repeating: 0, count: countMax)
        return unsafe pids
    }()

    static func add(_ pid: Int32) {
        for slot in 0..<countMax where unsafe pids[slot] == 0 {
            unsafe pids[slot] = pid
            break
        }
        signal(SIGINT, endAll)
        signal(SIGTERM, endAll)
        Signals.unblock([SIGINT, SIGTERM])
    }

    fileprivate static func killAll() {
        for slot in 0..<countMax where unsafe pids[slot] > 0 { kill(unsafe pids[slot], SIGKILL) }
    }
}

private func endAll(_ number: Int32) {
    Orphanage.killAll()
    _exit(128 + number)
}
