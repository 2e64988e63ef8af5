public import Journal
import Primitives
import Routing

/// How much of the bodies is written to the journal, and how.
public struct JournalCapture: Sendable {
    /// Bytes of a request's body: its beginning always, because most models stand there.
    let requestBytesMax: Int
    /// Bytes of a response's body whose end is not needed.
    let responseBytesMax: Int
    /// The length from which on a body's pieces are in no file: they are read, and not kept.
    let asideFromBytes: Int
    /// Bytes of a JSON answer: its usage stands at the end.
    static let answerBytesMax = 1 << 20
    private static let modelBytes = 4 << 10

    /// Writes what is needed to keep so many bytes of each body.
    ///
    /// `isFull`: what is longer is cut for its length alone, and may be in a file for the moment
    /// until it is read.
    public init(keptBytesMax: Int, isFull: Bool = true) {
        requestBytesMax = max(keptBytesMax, Self.modelBytes)
        responseBytesMax = keptBytesMax
        asideFromBytes = isFull ? .max : keptBytesMax
    }

    /// Whether a journal needs a way beside its file.
    public var needsAside: Bool { asideFromBytes < .max }
}

/// A worker's journal, and how bodies are written to it.
public final class WorkerJournal {
    var writer: JournalWriter
    let capture: JournalCapture
    /// Takes something out of bodies; nil where nothing is to be taken out.
    let redactor: BodyRedactor?
    /// Finds the gateway's own secrets, and those of the previous reading of the configuration,
    /// which an exchange may still use.
    private(set) var mask = SecretMask([])
    /// Whether there is any: asked for every frame, and cheaper than a mask.
    private(set) var masksSecrets = false
    var scratch = PayloadWriter()

    /// A journal of what `capture` says, without what `redactor` takes out.
    public init(
        _ writer: consuming JournalWriter, capture: JournalCapture, redactor: BodyRedactor? = nil
    ) {
        self.writer = writer
        self.capture = capture
        self.redactor = redactor
    }

    /// Masks the secrets in the payload that is about to be written.
    func hideSecrets() {
        if masksSecrets { scratch.hide(mask) }
    }

    /// Has other secrets masked from now on.
    func adopt(_ mask: SecretMask) {
        self.mask = mask
        masksSecrets = !mask.isEmpty
    }

    /// Writes a piece of a response as it came; false when it found no room.
    ///
    /// `offset`: bytes of the body before it. `held`: see ``Tee/heldResponse``.
    @inline(__always)
    func appendChunk(
        _ tag: JournalWriter.FrameTag, _ bytes: Span<UInt8>, offset: Int, held: inout ByteBuffer
    ) -> Bool {
        let isPlain =
            held.isEmpty
            && (!masksSecrets
                || mask.undecided(atEndOf: bytes) == 0 && mask.first(in: bytes) == nil)
        if isPlain, offset + bytes.count <= capture.asideFromBytes {
            return writer.appendBody(.chunk, tag, bytes, at: offset)
        }
        if isPlain { return append(.chunk, tag, bytes, offset: offset) }
        return appendMasked(.chunk, tag, bytes, offset: offset, held: &held)
    }

    /// Writes a piece of a body without the gateway's secrets in it; an end that may be the
    /// beginning of one is held until more is known.
    func appendMasked(
        _ kind: FrameKind, _ tag: JournalWriter.FrameTag, _ bytes: Span<UInt8>, offset: Int,
        held: inout ByteBuffer
    ) -> Bool {
        let start = offset - held.count
        held.append(bytes)
        var text = ByteBuffer()
        mask.write(held.bytes, to: &text)
        let undecided = mask.undecided(atEndOf: text.bytes)
        let decided = text.count - undecided
        held.removeAll()
        held.append(text.bytes(decided..<text.count))
        return append(kind, tag, text.bytes(0..<decided), offset: start)
    }

    /// Writes what was held of a body that is at its end, or of which no more is written.
    func appendHeld(
        _ kind: FrameKind, _ tag: JournalWriter.FrameTag, offset: Int, held: inout ByteBuffer
    ) -> Bool {
        guard !held.isEmpty else { return true }
        // Most of a secret is as good as all of it.
        let isLong = held.count >= SecretMask.secretBytesMin
        var text = ByteBuffer()
        for index in 0..<held.count {
            text.append(byte: isLong ? UInt8(ascii: "*") : held.bytes[index])
        }
        held.release()
        return append(kind, tag, text.bytes, offset: offset - text.count)
    }

    /// Writes bytes of a body in frames of a size that finds room; false when one found none.
    ///
    /// `offset`: bytes of the body that were written before them.
    func append(
        _ kind: FrameKind, _ tag: JournalWriter.FrameTag, _ bytes: Span<UInt8>, offset: Int
    ) -> Bool {
        var start = 0
        while start < bytes.count {
            var end = min(start + 64 << 10, bytes.count)
            let isAside = offset + start >= capture.asideFromBytes
            if !isAside { end = min(end, max(start, capture.asideFromBytes - offset)) }
            let piece = bytes.extracting(start..<end)
            let isWritten =
                isAside
                ? writer.appendBodyAside(kind, tag, piece, at: offset + start)
                : writer.appendBody(kind, tag, piece, at: offset + start)
            guard isWritten else { return false }
            start = end
        }
        return true
    }
}

@available(*, unavailable)
extension WorkerJournal: Sendable {}

/// A worker's journal, called for every chunk without counting a reference to it.
///
/// It is held for as long as this value lives.
@safe
struct ChunkTee: ~Copyable {
    private let journal: Unmanaged<WorkerJournal>?

    init(_ journal: WorkerJournal?) {
        unsafe self.journal = unsafe journal.map { unsafe Unmanaged.passRetained($0) }
    }

    deinit {
        unsafe journal?.release()
    }

    /// Writes a piece of a response; false when it found no room.
    @inline(__always)
    func append(
        _ tag: JournalWriter.FrameTag, _ bytes: Span<UInt8>, offset: Int, held: inout ByteBuffer
    ) -> Bool {
        guard let journal = unsafe journal else { return true }
        return unsafe journal._withUnsafeGuaranteedRef {
            $0.appendChunk(tag, bytes, offset: offset, held: &held)
        }
    }
}

extension Worker {
    /// Has exchanges that begin from now on recorded, if none is yet.
    func record(in journal: WorkerJournal?) {
        guard self.journal == nil, let journal else { return }
        journal.adopt(snapshot.routing.mask)
        self.journal = journal
        chunkTee = ChunkTee(journal)
    }
}
