public import Journal
import Primitives

/// What of an exchange is told to the worker's journal, and how far that got.
struct Tee: ~Copyable {
    /// The exchange's number there; nil when nothing is told of it.
    var exchange: UInt64?
    /// Bytes of the current response's body that are told at most.
    var responseBytesMax = 0
    var requestBytes = 0
    var responseBytes = 0
    /// A body with a hole in it would be taken for another: after the first piece that found no
    /// room nothing more of it is told.
    var isRequestWhole = true
    var isResponseWhole = true
    var droppedFrames = 0
    var headAt: Instant?
    /// Whether it was told how the exchange ends if nothing more is told.
    var isDeliveryTold = false
    /// What the client was given, and of which attempt it is.
    var status = 0
    var answered = 0
    /// Whose answer that is, where it was kept and another vendor may have been asked since.
    var answeringVendor: String?
    /// Bodies on their way through a redactor; empty where there is none.
    var gatheredRequest = ByteBuffer()
    var gatheredResponse = ByteBuffer()
    var isRequestTold = false
    /// Whether the response is a stream of events, and its bytes are what they seem.
    var isEventStream = false
    var isResponseReadable = true
    /// The gateway's own answer, or why there is none.
    var failureCode = ""
    var explanation = ""
}

/// What was told of a response that is kept, so that a later attempt's does not stand for it.
struct ToldResponse {
    let bytes: Int
    let isWhole: Bool
    let headAt: Instant?
    let lastByteAt: Instant
}

/// How much of the bodies is told to the journal.
public struct JournalCapture: Sendable {
    /// Bytes of a request's body: its beginning always, because the model stands there.
    let requestBytesMax: Int
    /// Bytes of a response's body that nobody needs to read to its end.
    let responseBytesMax: Int
    /// Bytes of a JSON answer: its usage stands at the end.
    static let answerBytesMax = 1 << 20
    private static let modelBytes = 4 << 10

    /// Tells what is needed to keep so many bytes of each body.
    public init(keptBytesMax: Int) {
        requestBytesMax = max(keptBytesMax, Self.modelBytes)
        responseBytesMax = keptBytesMax
    }
}

/// A worker's journal, and what it is told.
public final class WorkerJournal {
    var writer: JournalWriter
    let capture: JournalCapture
    /// Takes something out of bodies; nil where nothing is to be taken out.
    let redactor: BodyRedactor?
    var scratch = PayloadWriter()

    /// A journal that is told what `capture` says, without what `redactor` takes out.
    public init(
        _ writer: consuming JournalWriter, capture: JournalCapture, redactor: BodyRedactor? = nil
    ) {
        self.writer = writer
        self.capture = capture
        self.redactor = redactor
    }

    /// Tells a piece of a response; false when it found no room.
    func tellChunk(_ place: JournalWriter.Place, _ bytes: Span<UInt8>) -> Bool {
        writer.tellBody(.chunk, place, bytes)
    }
}

@available(*, unavailable)
extension WorkerJournal: Sendable {}

/// A worker's journal as it is called for every chunk: no reference to it is counted meanwhile.
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

    /// Tells a piece of a response; false when it found no room.
    @inline(__always)
    func tell(_ place: JournalWriter.Place, _ bytes: Span<UInt8>) -> Bool {
        guard let journal = unsafe journal else { return true }
        return unsafe journal._withUnsafeGuaranteedRef { $0.tellChunk(place, bytes) }
    }
}
