import Dialects
import HTTP
import JSON
import Primitives

/// The expected answer to a chat call: the vendor's own, read once with no gateway in between.
struct HeardAnswer: Sendable {
    /// The body as the vendor sent it.
    var body: [UInt8]
    /// The pieces of text, in order.
    var contents: [String]
    /// Where in the body each piece ends.
    var contentEnds: [Int]
}

/// An answer as it comes in: the times of its pieces, and at its end whether it is right.
///
/// An answer that is the expected one to the byte is followed by counting bytes, which costs the
/// measuring side next to nothing. At the first byte that differs, all of it is parsed.
struct Answer: ~Copyable {
    private let expectation: HeardAnswer?
    private let streams: Bool
    private var splitter = EventSplitter(bytesMax: 16 << 20)
    private var body: [UInt8] = []
    private var matched = 0
    private var isLiteral: Bool
    private var next = 0
    private(set) var contents: [String] = []
    /// Where in the body each piece of text ended.
    private(set) var contentEnds: [Int] = []
    /// When each piece of text had come.
    private(set) var contentTimes: [Instant] = []
    private(set) var sawTerminal = false
    private(set) var sawError = false
    private var isMalformed = false

    init(_ expectation: HeardAnswer?, streams: Bool) {
        self.expectation = expectation
        self.streams = streams
        isLiteral = expectation != nil
    }

    /// All bytes so far, as far as they were kept.
    var bytes: [UInt8] { body }

    /// Takes a piece that came at a time.
    mutating func take(_ piece: Span<UInt8>, at time: Instant) {
        if isLiteral, let expectation {
            if matches(piece, expectation.body) {
                matched += piece.count
                while next < expectation.contentEnds.count,
                    expectation.contentEnds[next] <= matched
                {
                    contentTimes.append(time)
                    next += 1
                }
                return
            }
            readFromStart(expectation)
        }
        read(piece, at: time)
    }

    private func matches(_ piece: Span<UInt8>, _ expected: [UInt8]) -> Bool {
        guard matched + piece.count <= expected.count else { return false }
        return piece.equals(expected.span.extracting(matched..<matched + piece.count))
    }

    /// Parses the bytes that were only counted so far; the times at which they came are kept.
    private mutating func readFromStart(_ expectation: HeardAnswer) {
        isLiteral = false
        let times = contentTimes
        contentTimes = []
        read(expectation.body.span.extracting(0..<matched), at: times.last ?? .now())
        for index in 0..<min(times.count, contentTimes.count) { contentTimes[index] = times[index] }
    }

    private mutating func read(_ piece: Span<UInt8>, at time: Instant) {
        body.append(piece)
        guard streams else {
            if contentTimes.isEmpty, piece.count > 0 { contentTimes.append(time) }
            return
        }
        var found: [JSONValue?] = []
        var isDone = false
        splitter.take(piece) { event in
            if event.data.bytes.matches("[DONE]") { return isDone = true }
            guard event.data.bytes.count > 0 else { return }
            found.append(try? JSONValue(parsing: event.data.bytes))
        }
        for value in found { take(value, at: time) }
        if isDone { sawTerminal = true }
    }

    private mutating func take(_ event: JSONValue?, at time: Instant) {
        guard let event else { return isMalformed = true }
        if let error = event["error"], error != .null { sawError = true }
        for choice in event["choices"]?.elements ?? [] {
            guard let text = choice["delta"]?["content"]?.text, !text.isEmpty else { continue }
            contents.append(text)
            contentEnds.append(body.count)
            contentTimes.append(time)
        }
    }

    /// The answer ended in order.
    ///
    /// Returns what is wrong with it.
    mutating func end() -> Fault? {
        if isLiteral, let expectation {
            if matched == expectation.body.count { return nil }
            readFromStart(expectation)
        }
        guard streams else { return endPlain() }
        if sawError { return .errorEvent }
        if isMalformed { return .notACompletion }
        if let fault = compare() { return fault }
        if !sawTerminal { return .missingTerminal }
        return contents.isEmpty ? .empty : nil
    }

    private mutating func endPlain() -> Fault? {
        guard let root = try? JSONValue(parsing: body.span),
            let choice = root["choices"]?.elements?.first
        else { return .notACompletion }
        guard let text = choice["message"]?["content"]?.text, !text.isEmpty else { return .empty }
        contents = [text]
        return compare()
    }

    private func compare() -> Fault? {
        guard let expected = expectation?.contents, contents != expected else { return nil }
        if contents.joined() == expected.joined() { return .mergedChunks }
        // One list within the other: some are missing, or some were added.
        if Self.isPart(contents, of: expected) { return .missingChunk }
        if Self.isPart(expected, of: contents) { return .extraChunk }
        return .wrongText
    }

    private static func isPart(_ part: [String], of whole: [String]) -> Bool {
        var rest = whole[...]
        for text in part {
            guard let next = rest.firstIndex(of: text) else { return false }
            rest = rest[(next + 1)...]
        }
        return true
    }
}
