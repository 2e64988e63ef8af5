public import Primitives

/// One server-sent event: its name and its data, the framing taken off.
public struct ServerSentEvent: ~Copyable {
    /// The last `event` field; empty without one.
    public internal(set) var name = ByteBuffer()
    /// The `data` fields, joined by line feeds.
    public internal(set) var data = ByteBuffer()
    /// Whether there was a `data` field, be it of no bytes.
    public internal(set) var hasData = false

    init() {}

    mutating func removeAll() {
        name.removeAll()
        data.removeAll()
        hasData = false
    }
}

/// Splits a stream of server-sent events that arrives in pieces, as the HTML standard has it: lines
/// end in LF, CR or CR LF, a byte order mark may come first, comments and unknown fields mean
/// nothing.
///
/// It only reads: the bytes themselves are passed on as they came. An event without its blank line
/// at the end of the stream is none.
public struct EventSplitter: ~Copyable {
    private var event = ServerSentEvent()
    private var line = ByteBuffer()
    private var endsInCarriageReturn = false
    private var isFirstLine = true
    /// Bytes of an unfinished event kept at most; beyond it the stream is not understood any more.
    private let bytesMax: Int

    /// Events and comments seen.
    public private(set) var eventCount = 0
    /// Lines that are no fields, from the first that begins with a brace on: some vendors break a
    /// stream off with an error as bare JSON.
    public private(set) var bareText = ByteBuffer()
    /// Lines that are comments.
    public private(set) var commentCount = 0
    /// Whether an event was larger than the bound, so that the rest is not read.
    public private(set) var isOverflown = false

    /// Where in the last piece that was taken the splitter gave up; of an overflown one alone.
    public private(set) var overflowIndex = 0

    /// A splitter at the start of a stream that keeps at most so many bytes of an event.
    public init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Takes a piece of the stream; each event that it completes is lent to the closure.
    public mutating func take(
        _ bytes: Span<UInt8>, _ complete: (borrowing ServerSentEvent) -> Void
    ) {
        guard bytes.count > 0 else { return }
        // The LF of a CR LF whose CR ended the line already.
        var start = endsInCarriageReturn && bytes[0] == 0x0A ? 1 : 0
        endsInCarriageReturn = false
        while !isOverflown {
            let end = bytes.firstIndex(below: 0, or: 0x0A, or: 0x0D, from: start)
            guard hasRoom(for: end - start) else {
                overflowIndex = start
                return isOverflown = true
            }
            let piece = bytes.extracting(start..<end)
            guard end < bytes.count else { return line.append(piece) }
            endLine(piece, complete)
            start = end + 1
            guard bytes[end] == 0x0D else { continue }
            if start == bytes.count {
                endsInCarriageReturn = true
            } else if bytes[start] == 0x0A {
                start += 1
            }
        }
    }

    /// Whether the next byte begins an event.
    public var isBetweenEvents: Bool {
        line.isEmpty && !event.hasData && event.name.isEmpty && !endsInCarriageReturn
            && !isOverflown && bareText.isEmpty
    }

    /// Lends ``bareText`` to the closure.
    public func withBareText(_ look: (Span<UInt8>) -> Void) {
        look(bareText.bytes)
    }

    /// Lends what an overflown splitter has of the event that is too large: its data, and the line
    /// that goes on where the splitter gave up.
    public func withUnfinishedEvent(_ look: (_ data: Span<UInt8>, _ line: Span<UInt8>) -> Void) {
        look(event.data.bytes, line.bytes)
    }

    /// Goes on behind the event that was too large.
    public mutating func resume() {
        guard isOverflown else { return }
        isOverflown = false
        event.removeAll()
        line.removeAll()
    }

    /// Ends the stream.
    ///
    /// A last event without its blank line is lent to the closure: by the standard it is no
    /// event, but some clients read it as one.
    public mutating func end(_ complete: (borrowing ServerSentEvent) -> Void) {
        guard !isOverflown else { return }
        if !line.isEmpty { endLine(Span(), complete) }
        endEvent(complete)
    }

    private func hasRoom(for bytes: Int) -> Bool {
        line.count + event.data.count + bareText.count + bytes <= bytesMax
    }

    /// Ends a line with its last piece, which is most often all of it and then not copied.
    private mutating func endLine(
        _ piece: Span<UInt8>, _ complete: (borrowing ServerSentEvent) -> Void
    ) {
        guard !line.isEmpty else { return takeLine(piece, complete) }
        line.append(piece)
        // Out of the splitter while it is read, so that the event may change meanwhile.
        var current = ByteBuffer()
        swap(&current, &line)
        takeLine(current.bytes, complete)
        current.removeAll()
        swap(&current, &line)
    }

    private mutating func takeLine(
        _ line: Span<UInt8>, _ complete: (borrowing ServerSentEvent) -> Void
    ) {
        let hasMark = isFirstLine && line.hasPrefix("\u{FEFF}")
        isFirstLine = false
        let content = hasMark ? line.extracting(3..<line.count) : line
        if content.count == 0 { endEvent(complete) } else { takeField(content) }
    }

    private mutating func takeField(_ bytes: Span<UInt8>) {
        let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
        guard colon > 0 else { return commentCount += 1 }
        let name = bytes.extracting(0..<colon)
        var start = min(colon + 1, bytes.count)
        if start < bytes.count, bytes[start] == 0x20 { start += 1 }
        let value = bytes.extracting(start..<bytes.count)
        if name.matches("data") {
            if event.hasData { event.data.append(byte: 0x0A) }
            event.hasData = true
            event.data.append(value)
        } else if name.matches("event") {
            event.name.removeAll()
            event.name.append(value)
        } else if !bareText.isEmpty || bytes[0] == UInt8(ascii: "{") {
            bareText.append(bytes)
            bareText.append(byte: 0x0A)
        }
    }

    private mutating func endEvent(_ complete: (borrowing ServerSentEvent) -> Void) {
        guard event.hasData || !event.name.isEmpty else { return }
        eventCount += 1
        complete(event)
        event.removeAll()
    }
}
