import JSON
import Primitives

/// The bytes around the text of an event, for the next event that differs in its text alone.
///
/// A stream repeats some hundred bytes around every few letters. An event that has the same bytes
/// around another text says the same of that text, so that it need not be read.
struct EventTemplate {
    /// What may differ.
    private enum Hole {
        /// The text between quotes.
        case text
        /// A string that the form's reader does not look at.
        case string
        /// A whole number that it does not look at, or of which the last one counts.
        case digits
    }

    /// Literal bytes and what stands behind them.
    private struct Piece {
        let literal: Range<Int>
        let hole: Hole
    }

    private let bytes: [UInt8]
    private var pieces: [Piece] = []
    private let tail: Range<Int>
    /// Whether spaces may stand in the tail: Anthropic pads its events with some, to hide how long
    /// their texts are.
    private let isTailPadded: Bool
    /// Whether the events say a usage, of which the last one counts.
    private(set) var hasUsage = false

    /// The members that differ from event to event, and that the readers pass over.
    private static func passedOver(_ form: Form) -> [String] {
        switch form {
        case .chat: ["obfuscation", "created"]
        case .responses: ["sequence_number", "item_id", "obfuscation"]
        case .messages, .gemini: []
        }
    }

    private static func usageName(_ form: Form) -> String? {
        switch form {
        case .chat: "usage"
        case .gemini: "usageMetadata"
        case .responses, .messages: nil
        }
    }

    /// The template of an event whose text is some of its bytes; nil where that stands nowhere.
    init?(_ event: [UInt8], text: EscapedText, _ form: Form) {
        let (start, end) = (text.inner.startIndex, text.inner.endIndex)
        // The text is a slice of the event, unless it came from an earlier one.
        guard !text.isEmpty, start > 0, end < event.count, event[start - 1] == 0x22,
            event[end] == 0x22, event[start..<end] == text.inner
        else { return nil }
        bytes = event
        var holes: [(range: Range<Int>, hole: Hole)] = [(start - 1..<end + 1, .text)]
        let (passedOver, usage) = (Self.passedOver(form), Self.usageName(form))
        for member in RawJSON(walked: event[...]).members {
            if member.name == usage, member.value.isObject {
                hasUsage = true
                Self.addNumbers(of: member.value, to: &holes)
            } else if passedOver.contains(member.name) {
                Self.add(member.value, to: &holes)
            }
        }
        holes.sort { $0.range.lowerBound < $1.range.lowerBound }
        var offset = 0
        for hole in holes {
            guard hole.range.lowerBound >= offset else { return nil }
            pieces.append(Piece(literal: offset..<hole.range.lowerBound, hole: hole.hole))
            offset = hole.range.upperBound
        }
        let rest = event[offset...]
        isTailPadded = form == .messages && !rest.contains(0x22)
        tail = offset..<event.count
    }

    private static func add(_ value: RawJSON, to holes: inout [(range: Range<Int>, hole: Hole)]) {
        let range = value.bytes.startIndex..<value.bytes.endIndex
        switch value.kind {
        case .string: holes.append((range, .string))
        case .number where value.bytes.allSatisfy { 0x30...0x39 ~= $0 }:
            holes.append((range, .digits))
        default: break
        }
    }

    private static func addNumbers(
        of value: RawJSON, to holes: inout [(range: Range<Int>, hole: Hole)]
    ) {
        switch value.kind {
        case .number: add(value, to: &holes)
        case .object:
            for member in value.members { addNumbers(of: member.value, to: &holes) }
        case .array: for element in value.elements { addNumbers(of: element, to: &holes) }
        default: break
        }
    }

    /// Where the text of an event stands, without its quotes, and where the event ends; nil where
    /// another one begins at the offset.
    func text(
        in stream: Span<UInt8>, from offset: Int
    ) -> (text: Range<Int>, end: Int)? {
        var offset = offset
        var text: Range<Int>?
        for piece in pieces {
            guard let start = skip(piece.literal, stream, offset) else { return nil }
            switch piece.hole {
            case .text:
                guard let end = Self.endOfString(stream, start), end - start > 2 else {
                    return nil
                }
                text = start + 1..<end - 1
                offset = end
            case .string:
                guard let end = Self.endOfString(stream, start) else { return nil }
                offset = end
            case .digits:
                guard let end = Self.endOfDigits(stream, start) else { return nil }
                offset = end
            }
        }
        guard let text, let end = skipTail(stream, offset) else { return nil }
        return (text, end)
    }

    /// The end of the event, whose tail stands at an offset; nil where another one stands.
    private func skipTail(_ stream: Span<UInt8>, _ offset: Int) -> Int? {
        guard isTailPadded else { return skip(tail, stream, offset) }
        var end = offset
        for index in tail where bytes[index] != 0x20 {
            while end < stream.count, stream[end] == 0x20 { end += 1 }
            guard end < stream.count, stream[end] == bytes[index] else { return nil }
            end += 1
        }
        return end
    }

    /// The end of literal bytes at an offset; nil where others stand.
    private func skip(_ literal: Range<Int>, _ stream: Span<UInt8>, _ offset: Int) -> Int? {
        let end = offset + literal.count
        guard end <= stream.count else { return nil }
        let isSame = stream.extracting(offset..<end).equals(bytes.span.extracting(literal))
        return isSame ? end : nil
    }

    private static func endOfString(_ stream: Span<UInt8>, _ start: Int) -> Int? {
        guard start < stream.count, stream[start] == 0x22 else { return nil }
        let end = stream.firstIndex(below: 0x20, or: 0x22, or: 0x5C, from: start + 1)
        guard end < stream.count else { return nil }
        if stream[end] == 0x22 { return end + 1 }
        guard stream[end] == 0x5C else { return nil }
        var scanner = JSONScanner(stream.extracting(start..<stream.count))
        do throws(JSONScanner.Malformed) {
            return start + (try scanner.value()).upperBound
        } catch {
            // What is no string of JSON, or not all here, is read as any other event.
            return nil
        }
    }

    private static func endOfDigits(_ stream: Span<UInt8>, _ start: Int) -> Int? {
        var end = start
        while end < stream.count, 0x30...0x39 ~= stream[end] { end += 1 }
        // No number of JSON begins with a zero before another digit.
        guard end > start, stream[start] != 0x30 || end == start + 1 else { return nil }
        return end
    }
}
