import JSON
import Primitives

/// The bytes around the text of an event, for the next event that differs in its text alone.
///
/// A stream repeats some hundred bytes around every few letters. An event that has the same bytes
/// around another text says the same of that text, so that it need not be read.
struct EventTemplate {
    private enum Hole {
        /// The text between quotes.
        case text
        /// A value that the form's reader does not look at, or that counts at the end alone.
        case other(JSONScanner.Kind)
    }

    /// Literal bytes and what stands behind them.
    private struct Piece {
        let literal: Range<Int>
        let hole: Hole
    }

    private let bytes: [UInt8]
    private var pieces: [Piece] = []
    private let tail: Range<Int>
    /// Whether the events say a usage, of which the last one counts.
    private(set) var hasUsage = false

    /// The members that differ from event to event, and that the readers pass over.
    private static func passedOver(_ form: Form) -> [String] {
        switch form {
        case .chat: ["obfuscation", "created"]
        case .responses: ["sequence_number", "item_id", "obfuscation"]
        case .messages: []
        case .gemini: ["createTime"]
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
            let isUsage = member.name == usage && member.value.isObject
            guard isUsage || passedOver.contains(member.name) else { continue }
            if isUsage { hasUsage = true }
            let value = member.value.bytes
            holes.append((value.startIndex..<value.endIndex, .other(member.value.kind)))
        }
        holes.sort { $0.range.lowerBound < $1.range.lowerBound }
        var offset = 0
        for hole in holes {
            guard hole.range.lowerBound >= offset else { return nil }
            pieces.append(Piece(literal: offset..<hole.range.lowerBound, hole: hole.hole))
            offset = hole.range.upperBound
        }
        tail = offset..<event.count
    }

    /// Where the text of an event stands, without its quotes; nil where the event is another one.
    func text(of event: Span<UInt8>) -> Range<Int>? {
        var offset = 0
        var text: Range<Int>?
        for piece in pieces {
            guard let start = skip(piece.literal, event, offset) else { return nil }
            var scanner = JSONScanner(event.extracting(start..<event.count))
            do throws(JSONScanner.Malformed) {
                let kind = try scanner.kind()
                let range = try scanner.value()
                guard range.lowerBound == 0 else { return nil }
                offset = start + range.upperBound
                switch piece.hole {
                case .text:
                    guard kind == .string, range.count > 2 else { return nil }
                    text = start + 1..<offset - 1
                case .other(let known): guard kind == known else { return nil }
                }
            } catch {
                return nil
            }
        }
        guard skip(tail, event, offset) == event.count else { return nil }
        return text
    }

    /// The end of literal bytes at an offset; nil where others stand.
    private func skip(_ literal: Range<Int>, _ event: Span<UInt8>, _ offset: Int) -> Int? {
        let end = offset + literal.count
        guard end <= event.count else { return nil }
        let isSame = event.extracting(offset..<end).equals(bytes.span.extracting(literal))
        return isSame ? end : nil
    }
}
