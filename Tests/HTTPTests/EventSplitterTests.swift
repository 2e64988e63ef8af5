import HTTP
import Primitives
import Support
import Testing

@Suite("Server-sent events")
struct EventSplitterTests {
    private static func split(_ pieces: [[UInt8]], bytesMax: Int = 1 << 20) -> [String] {
        var splitter = EventSplitter(bytesMax: bytesMax)
        var events: [String] = []
        for piece in pieces {
            splitter.take(piece.span) { event in
                events.append("\(event.name.bytes.text)|\(event.data.bytes.text)")
            }
        }
        if splitter.isOverflown { events.append("overflown") }
        return events
    }

    private static func split(_ text: String) -> [String] { split([Array(text.utf8)]) }

    @Test("an event that is too large is lent as far as it came, and the next one is read")
    func resumed() {
        let stream = Array("data: a\ndata: 0123456789\n\ndata: b\n\n".utf8)
        for cut in 0..<stream.count {
            var splitter = EventSplitter(bytesMax: 12)
            var events: [String] = []
            var held: [String] = []
            for var piece in [Array(stream[..<cut]), Array(stream[cut...])] {
                splitter.take(piece.span) { events.append($0.data.bytes.text) }
                guard splitter.isOverflown else { continue }
                let index = splitter.overflowIndex
                splitter.withUnfinishedEvent { held = [$0.text, $1.text] }
                // What is lent, and what follows, are all of the event.
                held[1] += String(decoding: piece[index...], as: UTF8.self)
                splitter.resume()
                piece = Array("data: c\n\n".utf8)
                splitter.take(piece.span) { events.append($0.data.bytes.text) }
                break
            }
            #expect(held.first == "a" && held.last?.hasPrefix("data: 0123") == true, "\(cut)")
            #expect(events == ["c"], "\(cut)")
        }
    }

    static let streams: [(text: String, events: [String])] = [
        ("data: a\n\ndata: b\n\n", ["|a", "|b"]),
        ("data: a\r\n\r\ndata: b\r\n\r\n", ["|a", "|b"]),
        ("data: a\r\rdata: b\r\r", ["|a", "|b"]),
        ("\u{FEFF}data: a\n\n", ["|a"]),
        (": comment\n\ndata: a\n\n:\n\n", ["|a"]),
        ("event: ping\ndata: {}\n\n", ["ping|{}"]),
        ("data:a\n\ndata:  b\n\n", ["|a", "| b"]),
        ("data: a\ndata: b\ndata\n\n", ["|a\nb\n"]),
        ("id: 1\nretry: 3\ndata: a\nunknown: x\n\n", ["|a"]),
        ("event: x\n\n", ["x|"]),
        ("data: \n\n", ["|"]),
        ("data: unfinished", []),
        ("data: unfinished\n", []),
        ("\n\n\r\n\r\n", []),
        ("data: a: b: c\n\n", ["|a: b: c"]),
        ("event: a\nevent: b\ndata: c\n\ndata: d\n\n", ["b|c", "|d"]),
        ("data: ü😀\n\n", ["|ü😀"]),
    ]

    @Test("are found at any cut, with every kind of line end", arguments: streams.indices)
    func splits(_ index: Int) {
        let (text, events) = Self.streams[index]
        for pieces in ByteSplits.all(Array(text.utf8)) { #expect(Self.split(pieces) == events) }
    }

    @Test("that lack their blank line are lent at the end of the stream, and no others")
    func end() {
        for (text, last) in [
            ("data: a", "|a"), ("data: a\n\ndata: b\n", "|b"), ("event: error\ndata: c", "error|c"),
            ("data: a\n\n", nil), ("", nil), (": comment", nil), ("data: a\r\n\r", nil),
        ] {
            var splitter = EventSplitter(bytesMax: 100)
            splitter.take(Array(text.utf8).span) { _ in }
            var seen: [String] = []
            splitter.end { seen.append("\($0.name.bytes.text)|\($0.data.bytes.text)") }
            #expect(seen == (last.map { [$0] } ?? []), "\(text)")
        }
        var full = EventSplitter(bytesMax: 4)
        full.take(Array("data: a".utf8).span) { _ in }
        full.end { _ in Issue.record("an event of a splitter that gave up") }
    }

    @Test("of ten megabytes are found whole where there is room, and given up where there is not")
    func large() {
        let data = [UInt8](repeating: 0x78, count: 10 << 20)
        let stream = Array("data: ".utf8) + data + Array("\n\ndata: b\n\n".utf8)
        var pieces: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: 16 << 10) {
            pieces.append(Array(stream[start..<min(start + (16 << 10), stream.count)]))
        }
        let events = Self.split(pieces, bytesMax: 16 << 20)
        #expect(events.map(\.utf8.count) == [data.count + 1, 2])
        #expect(Self.split(pieces, bytesMax: 64 << 10) == ["overflown"])
    }

    @Test("and comments are counted")
    func counts() {
        var splitter = EventSplitter(bytesMax: 1000)
        splitter.take(Array(": a\n: b\ndata: c\n\n: d\n".utf8).span) { _ in }
        #expect(splitter.commentCount == 3)
        #expect(splitter.eventCount == 1)
    }
}
