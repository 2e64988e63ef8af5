import Glibc
import Journal
import Primitives
import Reactor

/// A journal in a folder of its own, gone with it, and a writer to it.
final class JournalScratch {
    let folder: JournalFolder
    let file: JournalFile
    var writer: JournalWriter
    let waker: Waker

    init(capacity: Int = 64 << 10) throws {
        var template = Array("/tmp/weir-journal-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp") }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        folder = try JournalFolder(path)
        var random = RandomSource(seed: 7)
        file = try folder.makeJournal(capacity: capacity, using: &random)
        waker = try Waker()
        writer = JournalWriter(file, waker: waker)
    }

    deinit {
        for path in (try? JournalFolder.journals(in: folder.path)) ?? [] {
            try? JournalFolder.remove(path)
        }
        unsafe unlink("\(folder.path)/lock")
        unsafe rmdir(folder.path)
    }

    static let time = Instant(nanoseconds: 5)

    func tag(_ exchange: UInt64, attempt: Int = 0) -> JournalWriter.FrameTag {
        JournalWriter.FrameTag(exchange: exchange, attempt: attempt, time: Self.time)
    }

    /// Begins an exchange; nil when it is dropped.
    func begin(_ text: String = "request") -> UInt64? {
        writer.begin(Array(text.utf8).span, time: Self.time)
    }

    func body(_ exchange: UInt64, _ bytes: [UInt8]) -> Bool {
        writer.appendBody(.chunk, tag(exchange, attempt: 1), bytes.span, at: 0)
    }

    func appendDelivery(_ exchange: UInt64) {
        let long = [UInt8](repeating: 1, count: JournalWriter.settlementBytesMax - 32)
        writer.appendDelivery(tag(exchange), long.span)
    }

    func settle(_ exchange: UInt64, isDeliveryWritten: Bool = false) {
        writer.settle(
            tag(exchange), isDeliveryWritten: isDeliveryWritten,
            [UInt8]("end of \(exchange)".utf8).span)
    }

    /// A frame, copied.
    struct Seen: Equatable {
        var kind: FrameKind
        var exchange: UInt64
        var payload: [UInt8]
    }

    /// All frames that can be read from a cursor on.
    static func frames(_ reader: inout JournalReader) -> [Seen] {
        var seen: [Seen] = []
        reader.read { frame in
            let bytes = frame.payload
            var copy: [UInt8] = []
            for index in bytes.indices { copy.append(bytes[index]) }
            seen.append(Seen(kind: frame.kind, exchange: frame.exchange, payload: copy))
            return true
        }
        return seen
    }

    func frames() -> [Seen] {
        var reader = JournalReader(file)
        return Self.frames(&reader)
    }
}
