import Primitives

/// The short way of an open item's text: event by event from the vendor's framing into the
/// client's, with nothing read, and nothing allocated, in between.
///
/// What reader and writer keep of the text is gathered, and given to them when another event
/// comes.
struct TextLane: ~Copyable {
    /// The item.
    let key: Int
    /// Whether its text is a call's arguments.
    let isArguments: Bool
    private let template: EventTemplate
    /// Nil where the client gets the text later, and whole.
    private let frame: FrameTemplate?
    private let keepsText: Bool
    /// The framing of the vendor's events before their data, and behind it; empty until one was
    /// seen.
    private var prefix: [UInt8] = []
    private var suffix: [UInt8] = []
    private var text = ByteBuffer()
    private var last = ByteBuffer()
    /// The number of the next event for the client.
    private(set) var number: Int

    init(
        key: Int, isArguments: Bool, _ template: EventTemplate, _ frame: FrameTemplate?,
        number: Int, keepsText: Bool
    ) {
        self.key = key
        self.isArguments = isArguments
        self.template = template
        self.frame = frame
        self.number = number
        self.keepsText = keepsText || isArguments || frame == nil
    }

    /// The text of the events so far, where anything keeps it.
    var keptText: EscapedText { EscapedText(inner: Array(text.bytes)[...]) }
    /// The last event, where events say a usage; empty otherwise.
    var lastEvent: [UInt8] { Array(last.bytes) }

    /// Passes the data of an event on; false where it is another one than those before.
    mutating func pass(_ event: Span<UInt8>, into output: inout ByteBuffer) -> Bool {
        guard let found = template.text(in: event, from: 0), found.end == event.count else {
            return false
        }
        pass(event.extracting(found.text), of: event, into: &output)
        return true
    }

    /// Passes the event on that begins at an offset of a stream, and gives its end; nil where
    /// another one begins there, or not all of it is here.
    mutating func pass(
        from start: Int, of stream: Span<UInt8>, into output: inout ByteBuffer
    ) -> Int? {
        if suffix.isEmpty { return learn(from: start, of: stream, into: &output) }
        let data = start + prefix.count
        guard data <= stream.count,
            stream.extracting(start..<data).equals(prefix.span),
            let found = template.text(in: stream, from: data)
        else { return nil }
        let end = found.end + suffix.count
        guard end <= stream.count, stream.extracting(found.end..<end).equals(suffix.span) else {
            return nil
        }
        pass(
            stream.extracting(found.text), of: stream.extracting(data..<found.end), into: &output)
        return end
    }

    private mutating func pass(
        _ inner: Span<UInt8>, of event: Span<UInt8>, into output: inout ByteBuffer
    ) {
        if keepsText { text.append(inner) }
        if template.hasUsage {
            last.removeAll()
            last.append(event)
        }
        guard let frame else { return }
        frame.append(inner, number: number, to: &output)
        number += 1
    }

    /// Passes an event on, and remembers its framing: one `data` field, behind an `event` field or
    /// none, and an empty line.
    private mutating func learn(
        from start: Int, of stream: Span<UInt8>, into output: inout ByteBuffer
    ) -> Int? {
        var data = start
        if stream.has("event:", at: start) {
            let end = stream.firstIndex(below: 0, or: 0x0A, or: 0x0D, from: start)
            data = stream.has("\r\n", at: end) ? end + 2 : end + 1
        }
        guard stream.has("data:", at: data) else { return nil }
        data += stream.has("data: ", at: data) ? 6 : 5
        guard let found = template.text(in: stream, from: data) else { return nil }
        let endings: [StaticString] = ["\n\n", "\r\n\r\n"]
        for ending in endings where stream.has(ending, at: found.end) {
            let end = found.end + ending.utf8CodeUnitCount
            prefix.append(stream.extracting(start..<data))
            suffix.append(stream.extracting(found.end..<end))
            pass(
                stream.extracting(found.text), of: stream.extracting(data..<found.end),
                into: &output)
            return end
        }
        return nil
    }
}
