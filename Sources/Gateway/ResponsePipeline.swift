import Codings
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Routing

/// The stages between a vendor's bytes and the writer: they read a response, take something out
/// of it, or hold it back.
///
/// A stage is there only where something asks for it. Without one a piece is neither split nor
/// copied: see ``isPlain``. The order is: undo the content coding on the side, filter, inspect,
/// hold.
struct ResponsePipeline: ~Copyable {
    /// The reasons for which a response is read.
    struct Demands {
        /// Whether the vendor was asked for a usage that the client did not ask for.
        var filtersUsage = false
        /// Whether the stream has to end in its dialect's marker.
        var awaitsTerminal = false
        /// Whether a clock runs between two contents.
        var watchesContent = false
        /// Whether the gateway's secrets are looked for, under a content coding, too.
        var masksBodies = false
        /// Whether the bytes are frames of a WebSocket, which are looked at.
        var observesFrames = false
        /// Whether the usage that the vendor reports is needed at the end.
        var readsUsage = false
        /// What says the response in the client's dialect; nil where it is that.
        var translator: AnswerTranslator?
        /// What makes addresses in the body the gateway's; nil leaves them.
        var addresses: OwnAddress?
    }

    private let dialect: Dialect
    private var demands = Demands()
    /// Undoes the content coding on the side, for the stages that look into it.
    private var decoder: ContentDecoder?
    private var usageFilter: UsageFilter?
    /// Says the response in the client's dialect, where that is another than the vendor's.
    private(set) var translator: AnswerTranslator?
    private var addressFilter: AddressFilter?
    /// Reads the events of a stream.
    private var inspector: EventInspector?
    /// Reads the usage, for a caller with limits.
    private var observer: UsageObserver?
    /// Keeps the response until it is known to be an answer.
    private(set) var hold: Hold?
    /// Whether no stage has to see the pieces.
    private(set) var isPlain = true

    private var isEventStream = false
    /// Whether the response is under a content coding: nothing of ours can be written between its
    /// bytes.
    private var isEncoded = false
    private var streamEnd = StreamEnd()
    /// Whether bytes were passed on, other than those released because the hold's time was up.
    private(set) var hasPassedBytes = false

    init(dialect: Dialect) {
        self.dialect = dialect
    }

    /// Whether the bytes of a response with this head can be looked into.
    static func isReadable(_ head: borrowing ResponseHead) -> Bool {
        !head.isEncoded || ContentDecoder(head.codings.span) != nil
    }

    /// Sets up the stages for a response with this head.
    mutating func begin(
        _ head: borrowing ResponseHead, _ demands: Demands, hold: Hold?, now: Instant
    ) {
        self.demands = demands
        self.hold = hold
        isEventStream = head.mediaType == .eventStream
        isEncoded = head.isEncoded
        translator = demands.translator
        if translator != nil {
            decoder = isEncoded ? ContentDecoder(head.codings.span) : nil
            // What the client gets is written here, plain.
            isEncoded = false
        } else if isEncoded {
            let isWanted =
                hold != nil || demands.awaitsTerminal || demands.masksBodies
                || demands.watchesContent && isEventStream || demands.readsUsage
            decoder = isWanted ? ContentDecoder(head.codings.span) : nil
            // The marker of a response that cannot be read is not awaited.
            if decoder == nil { self.demands.awaitsTerminal = false }
        } else if demands.filtersUsage, isEventStream {
            usageFilter = UsageFilter()
        } else if let addresses = demands.addresses {
            addressFilter = AddressFilter(addresses)
        }
        let watchesEvents = self.demands.awaitsTerminal || demands.watchesContent
        if isEventStream, watchesEvents || hold?.reason == .stream {
            inspector = EventInspector(
                dialect: dialect,
                bytesMax: max(
                    watchesEvents ? EventInspector.eventBytesMax : 0, hold?.bytesMax ?? 0),
                now: now)
            if isEncoded, decoder == nil { inspector?.stopReading(now: now) }
        }
        if demands.readsUsage, head.status < 300 {
            observer = UsageObserver(
                dialect: translator?.vendor.dialect ?? dialect, isEventStream: isEventStream)
        }
        updateIsPlain()
    }

    /// Sets up the stages for a response whose client has gone before its head: its usage is read
    /// in the vendor's dialect, for what the caller is charged.
    mutating func beginDetached(
        _ head: borrowing ResponseHead, _ dialect: Dialect, readsUsage: Bool
    ) {
        guard readsUsage, head.status < 300 else { return }
        isEventStream = head.mediaType == .eventStream
        isEncoded = head.isEncoded
        decoder = isEncoded ? ContentDecoder(head.codings.span) : nil
        observer = UsageObserver(dialect: dialect, isEventStream: isEventStream)
        updateIsPlain()
    }

    private mutating func updateIsPlain() {
        isPlain =
            usageFilter == nil && addressFilter == nil && inspector == nil && decoder == nil
            && hold == nil
            && !demands.observesFrames
            && observer == nil && translator == nil
    }

    /// Whether the bytes are another protocol's.
    var isTunnel: Bool { demands.observesFrames }

    /// Whether the end of the stream must be a marker.
    var awaitsTerminal: Bool { demands.awaitsTerminal }

    /// When the last content came; nil where no clock asks for it.
    var lastContent: Instant? {
        demands.watchesContent && isEventStream ? inspector?.lastContent : nil
    }

    // MARK: Stages

    /// Reads a piece for its usage; `plain` is how it reads.
    mutating func observe(_ plain: Span<UInt8>, isReadable: Bool, now: Instant) {
        observer?.take(plain, isReadable: isReadable, now: now)
    }

    /// Bytes of the response that were read for its usage.
    var observedBytes: Int { observer?.bytes ?? 0 }

    /// What the response, which is at its end, says of its usage; nil where it was not read.
    func endObservation(now: Instant) -> AnswerFacts? {
        observer?.end(isDecoded: decoder?.isAtEnd ?? true, now: now)
    }

    /// Undoes the content coding of a piece on the side; nil where it has none that is undone.
    ///
    /// Otherwise whether all of the response could be read so far.
    mutating func decode(_ bytes: Span<UInt8>, to plain: inout ByteBuffer) -> Bool? {
        guard let decoder else { return isEncoded ? false : nil }
        let isReadable = decoder.decode(bytes) { plain.append($0) }
        // The rest of a response that cannot be read is not guessed at.
        if !isReadable { self.decoder = nil }
        return isReadable
    }

    /// Takes out of a piece what the client did not ask for, or puts the gateway's addresses in;
    /// false where nothing is filtered.
    mutating func filter(_ bytes: Span<UInt8>, to passed: inout ByteBuffer) -> Bool {
        if let translator {
            translator.take(bytes, into: &passed)
            return true
        }
        if var filter = usageFilter.take() {
            filter.take(bytes, to: &passed)
            usageFilter = consume filter
            return true
        }
        guard var filter = addressFilter.take() else { return false }
        filter.take(bytes, to: &passed)
        addressFilter = consume filter
        return true
    }

    /// Appends what the filter still holds at the end of the stream.
    ///
    /// `isWhole`: whether the vendor's response is here to its end.
    mutating func endFilter(to passed: inout ByteBuffer, isWhole: Bool) {
        if let translator { return translator.end(isWhole: isWhole, into: &passed) }
        if var filter = addressFilter.take() { filter.end(to: &passed) }
        guard var filter = usageFilter.take() else { return }
        filter.endStream(to: &passed)
    }

    /// Looks into a piece, and holds it where the response is held.
    ///
    /// `plain`: how it reads. `isReadable`: whether all of it was read.
    mutating func take(
        _ bytes: Span<UInt8>, reads plain: Span<UInt8>, isReadable: Bool, now: Instant
    ) {
        if isEventStream { streamEnd.take(plain) }
        if let inspector {
            inspector.take(plain, now: now)
            if !isReadable { inspector.stopReading(now: now) }
        }
        guard let hold else { return }
        hold.take(bytes, reads: plain, isReadable: isReadable)
        if hold.reason == .stream, hold.finding == .waiting, let inspector {
            hold.observe(inspector.finding, inspector.facts)
        }
    }

    /// Marks that a piece is passed on.
    @inline(__always)
    mutating func pass(_ bytes: Span<UInt8>, _ client: ClientConnection) {
        if isPlain, isEventStream { streamEnd.take(bytes) }
        guard !hasPassedBytes else { return }
        hasPassedBytes = true
        // The clock so far was armed for the first of these bytes; the one between bytes may be
        // much shorter, and nothing else would arm it.
        client.isClockChanged = true
    }

    /// Whether something of ours can be written between the response's events.
    var bearsHeartbeats: Bool { isEventStream && !isEncoded }

    /// Whether the last byte that was passed on ended an event, or none was.
    var isBetweenEvents: Bool { bearsHeartbeats && streamEnd.isBetweenEvents }

    // MARK: Hold

    /// Whether what is held shows that the vendor failed.
    var showsError: Bool { hold?.finding == .failed }

    /// Whether what is held goes out: it shows content, or cannot be held any longer.
    var showsContent: Bool { hold?.finding == .release }

    /// What is wrong with a held stream that shows nothing.
    var emptiness: String { inspector?.emptiness ?? "an empty stream" }

    /// Holds nothing any more.
    mutating func endHold() {
        // A response released because time was up has shown no content yet; its clock goes on.
        hasPassedBytes = showsContent
        hold = nil
        translator?.headWentOut()
        if !demands.awaitsTerminal, !demands.watchesContent { inspector = nil }
        if inspector == nil, !demands.masksBodies, observer == nil, translator == nil {
            decoder = nil
        }
        updateIsPlain()
    }

    /// Reads what is held, which is whole, to its end.
    mutating func readHeldToEnd() {
        guard let hold else { return }
        if hold.reason == .stream, let inspector {
            inspector.end()
            if hold.finding == .waiting { hold.observe(inspector.finding, inspector.facts) }
        }
        hold.readText()
    }

    /// Whether a translated stream's end mark was passed on: the client has all of it, however the
    /// vendor's transfer ends.
    var hasMarkedEnd: Bool { translator?.hasMarkedEnd ?? false }

    /// Whether the stream, which has ended, lacks the marker that it must end in.
    mutating func lacksTerminal() -> Bool {
        if let translator { return translator.lacksEnd }
        guard demands.awaitsTerminal, let inspector else { return false }
        inspector.end()
        return inspector.lacksTerminal
    }

    /// Drops the stages that serve a client, which has gone.
    mutating func detach() {
        hold = nil
        inspector = nil
        usageFilter = nil
        translator = nil
        addressFilter = nil
        demands.awaitsTerminal = false
        demands.watchesContent = false
        updateIsPlain()
    }

    /// Writes why the stream breaks off, in the form for which the client's SDK raises an error.
    ///
    /// Only between two events: in the middle of one it would be taken for the rest of that.
    func writeErrorEvent(_ error: DialectError, to output: inout ByteBuffer) {
        guard isEventStream, !isEncoded, hasPassedBytes, streamEnd.isBetweenEvents,
            !(translator?.hasFailed ?? false), !hasMarkedEnd
        else { return }
        // A dialect's two forms have errors of two shapes.
        if let translator { return translator.breakOff(error.message, into: &output) }
        dialect.errorEvent(error, to: &output)
    }
}

/// The last bytes of a stream: whether an event has just ended.
struct StreamEnd {
    private var last: UInt32 = 0x0A0A

    mutating func take(_ bytes: Span<UInt8>) {
        for index in max(0, bytes.count - 4)..<bytes.count {
            last = last << 8 | UInt32(bytes[index])
        }
    }

    /// Whether what comes next begins an event.
    var isBetweenEvents: Bool {
        last & 0xFFFF == 0x0A0A || last & 0xFFFF == 0x0D0D || last == 0x0D0A_0D0A
    }
}
