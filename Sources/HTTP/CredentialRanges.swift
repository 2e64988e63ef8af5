import Primitives

// DESIGN
//
// Text that may hold a URL is not parsed as one: clients, proxies and servers disagree about what
// a URL is, and a credential for any one of them must be found. So each mark is checked by
// itself, wherever it stands: a name before an `=`, a quoted name before a `:`, what stands
// before an `@`, and a run that holds escapes, read again without them.

/// The ranges of credentials in a target, or in the value of a field.
struct CredentialRanges {
    /// Times that escapes are undone to see what they hide; what is nested deeper is a credential.
    private static let unescapingsMax = 4
    /// The longest name that is read; an honest name is shorter.
    private static let nameBytesMax = 257

    /// The ranges, in order; none overlaps another.
    private(set) var ranges: [Range<Int>] = []

    init(in text: Span<UInt8>) {
        self.init(in: text, unescapes: true)
    }

    /// Whether a text has a mark of one, or the shape.
    static func mayStand(in text: Span<UInt8>) -> Bool {
        text.firstCredentialMark != nil || CredentialShape.next(in: text) != nil
    }

    private init(in text: Span<UInt8>, unescapes: Bool) {
        var start = 0
        while let token = CredentialShape.next(in: text, from: start) {
            ranges.append(token)
            start = token.upperBound
        }
        // Most values hold no mark at all.
        guard let mark = text.firstCredentialMark else { return }
        findPairs(text, from: mark)
        findMembers(text, from: mark)
        findUserinfo(text, from: mark)
        if unescapes { findEscaped(text, from: mark) }
        if ranges.count > 1 { join() }
    }

    /// Puts the ranges in order and makes one of those that overlap.
    private mutating func join() {
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var joined: [Range<Int>] = []
        for range in ranges {
            if let last = joined.last, range.lowerBound < last.upperBound {
                let end = max(last.upperBound, range.upperBound)
                joined[joined.count - 1] = last.lowerBound..<end
            } else {
                joined.append(range)
            }
        }
        ranges = joined
    }

    // MARK: Pairs

    /// Finds values behind an `=`, in queries, fragments, parameters of paths and plain text.
    private mutating func findPairs(_ text: Span<UInt8>, from offset: Int) {
        var start = offset
        while let equals = text.firstIndex(of: UInt8(ascii: "="), from: start) {
            start = equals + 1
            var end = equals
            // A name may be quoted, and the quote escaped.
            while end > 0, text[end - 1].isQuoting { end -= 1 }
            var begin = end
            while begin > 0, end - begin < Self.nameBytesMax, !text[begin - 1].endsName {
                begin -= 1
            }
            // What stands behind another `=` belongs to that one's value.
            let isInValue = begin > 0 && text[begin - 1] == UInt8(ascii: "=")
            guard begin < end, !isInValue,
                CredentialWords.isCredential(parameter: text.extracting(begin..<end))
            else { continue }
            let range = valueRange(text, from: equals + 1)
            if !range.isEmpty { ranges.append(range) }
            start = max(start, range.upperBound)
        }
    }

    /// The bytes of the value that begins at an offset.
    private func valueRange(_ text: Span<UInt8>, from offset: Int) -> Range<Int> {
        guard offset < text.count, !text[offset].separatesPairs else { return offset..<offset }
        if text[offset].isQuote, let close = closingQuote(text, of: offset) {
            return offset..<close
        }
        // Whatever opens a value does not end it.
        var end = offset + 1
        while true {
            while end < text.count, !text[end].endsPair { end += 1 }
            // The word before a space may be a scheme, and the secret stands behind it.
            let value = text.extracting(offset..<end)
            guard end < text.count, text[end] == 0x20,
                value.matchesIgnoringCase("bearer") || value.matchesIgnoringCase("basic")
                    || value.matchesIgnoringCase("token")
            else { return offset..<end }
            end += 1
        }
    }

    /// Where the quote stands that closes the one at an offset; nil where none does.
    private func closingQuote(_ text: Span<UInt8>, of open: Int) -> Int? {
        let isEscaped = open > 0 && text[open - 1] == UInt8(ascii: "\\")
        var index = open + 1
        while let close = text.firstIndex(of: text[open], from: index) {
            let isSame = (text[close - 1] == UInt8(ascii: "\\")) == isEscaped
            if isSame { return isEscaped ? close - 1 : close }
            index = close + 1
        }
        return nil
    }

    // MARK: Members

    /// Finds values behind a quoted name and a `:`, as JSON has them.
    private mutating func findMembers(_ text: Span<UInt8>, from offset: Int) {
        var start = offset
        while start < text.count {
            let quote = text.firstIndex(
                below: 0, or: UInt8(ascii: "\""), or: UInt8(ascii: "'"), from: start)
            guard quote < text.count else { return }
            start = quote + 1
            var colon = quote + 1
            while colon < text.count, text[colon] == 0x20 { colon += 1 }
            guard colon < text.count, text[colon] == UInt8(ascii: ":") else { continue }
            let name = memberName(text, closedAt: quote)
            guard !name.isEmpty,
                CredentialWords.isCredential(parameter: text.extracting(name))
            else { continue }
            var value = colon + 1
            while value < text.count, text[value].opensMember { value += 1 }
            guard value < text.count else { return }
            var end = value
            if text[value].isQuote {
                value += 1
                end = closingQuote(text, of: value - 1) ?? text.count
            } else {
                while end < text.count, !text[end].endsMember { end += 1 }
            }
            if value < end { ranges.append(value..<end) }
            start = max(start, end)
        }
    }

    /// The bytes of the name that a quote closes.
    private func memberName(_ text: Span<UInt8>, closedAt quote: Int) -> Range<Int> {
        var end = quote
        while end > 0, text[end - 1] == UInt8(ascii: "\\") { end -= 1 }
        var begin = end
        while begin > 0, end - begin < Self.nameBytesMax, !text[begin - 1].isQuote { begin -= 1 }
        return begin..<end
    }

    // MARK: Userinfo

    /// Finds what stands before an `@` and may be a password.
    private mutating func findUserinfo(_ text: Span<UInt8>, from offset: Int) {
        var start = offset
        while let at = text.firstIndex(of: UInt8(ascii: "@"), from: start) {
            var begin = at
            while begin > 0, !text[begin - 1].endsAuthority { begin -= 1 }
            // A password may hold the sign: the host stands behind the last one.
            var last = at
            var end = at + 1
            while end < text.count, !text[end].endsAuthority {
                if text[end] == UInt8(ascii: "@") { last = end }
                end += 1
            }
            start = end
            if isAfterSlashes(text, begin) {
                ranges.append(begin..<last)
            } else if let range = bareUserinfo(text, begin..<last) {
                ranges.append(range)
            }
        }
    }

    /// Whether an authority begins here: browsers take a `\` for a `/`, and are content with one
    /// behind the scheme's colon.
    private func isAfterSlashes(_ text: Span<UInt8>, _ begin: Int) -> Bool {
        var start = begin
        while start > 0, text[start - 1].isSlash { start -= 1 }
        let count = begin - start
        return count > 1 || count == 1 && start > 0 && text[start - 1] == UInt8(ascii: ":")
    }

    /// The bytes of `user:password` where no slashes stand before them; nil where there is none.
    private func bareUserinfo(_ text: Span<UInt8>, _ run: Range<Int>) -> Range<Int>? {
        guard
            let colon = text.extracting(run).firstIndex(of: UInt8(ascii: ":")),
            run.lowerBound + colon + 1 < run.upperBound
        else { return nil }
        var begin = run.lowerBound + colon
        while begin > run.lowerBound, !text[begin - 1].endsName { begin -= 1 }
        let scheme = text.extracting(begin..<run.lowerBound + colon)
        for word: StaticString in ["mailto", "sip", "sips", "acct", "xmpp"]
        where scheme.matchesIgnoringCase(word) { return nil }
        return begin..<run.upperBound
    }

    // MARK: Escapes

    /// Finds what is a credential once its escapes are undone, a run between separators each.
    private mutating func findEscaped(_ text: Span<UInt8>, from offset: Int) {
        var start = offset
        var done = 0
        while start < text.count {
            let mark = text.firstIndex(
                below: 0, or: UInt8(ascii: "%"), or: UInt8(ascii: "\\"), from: start)
            guard mark < text.count else { return }
            start = mark + 1
            guard text[mark] == UInt8(ascii: "%") || text.escapedByte(at: mark) != nil else {
                continue
            }
            var begin = mark
            while begin > done, !text[begin - 1].endsRun { begin -= 1 }
            var end = mark + 1
            while end < text.count, !text[end].endsRun { end += 1 }
            (start, done) = (end, end)
            let run = text.extracting(begin..<end)
            guard let equals = run.firstIndex(of: UInt8(ascii: "=")),
                !Self.hides(run.extracting(0..<equals))
            else {
                if Self.hides(run) { ranges.append(begin..<end) }
                continue
            }
            // Of a pair the name is left to read; where it is a credential's, its value is found.
            let value = begin + equals + 1
            if value < end, Self.hides(run) { ranges.append(value..<end) }
        }
    }

    /// Whether a run holds a credential at any step of its unescaping, and not before.
    private static func hides(_ run: Span<UInt8>) -> Bool {
        var plain = run.indices.map { run[$0] }
        for _ in 0..<unescapingsMax {
            let next = plain.span.unescaped()
            if next.count == plain.count { return false }
            plain = next
            // One step at a time: each looking into the next would cost ever more.
            if !CredentialRanges(in: plain.span, unescapes: false).ranges.isEmpty { return true }
        }
        return plain.span.unescaped().count < plain.count
    }
}

extension Span where Element == UInt8 {
    /// Near where the first byte stands that may part a credential from what is around it; nil
    /// where none does.
    fileprivate var firstCredentialMark: Int? {
        let index = firstIndex(
            near: [
                UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "%"), UInt8(ascii: "\\"),
                UInt8(ascii: "\""), UInt8(ascii: "'"),
            ])
        return index < count ? index : nil
    }

    /// The bytes with escapes undone once: those of URLs, and those of JSON.
    fileprivate func unescaped() -> [UInt8] {
        let plain = percentDecoded()
        guard plain.contains(UInt8(ascii: "\\")) else { return plain }
        var output: [UInt8] = []
        output.reserveCapacity(plain.count)
        var index = 0
        while index < plain.count {
            guard plain[index] == UInt8(ascii: "\\"), index + 1 < plain.count else {
                output.append(plain[index])
                index += 1
                continue
            }
            if let byte = plain.span.escapedByte(at: index) {
                output.append(byte)
                index += 6
            } else {
                index += 1
            }
        }
        return output
    }

    /// The byte that `\\u00XX` at an offset writes; nil where none is written.
    fileprivate func escapedByte(at offset: Int) -> UInt8? {
        guard has("\\u00", at: offset), offset + 6 <= count,
            let high = self[offset + 4].hexadecimalDigit,
            let low = self[offset + 5].hexadecimalDigit
        else { return nil }
        return high << 4 | low
    }
}

extension UInt8 {
    fileprivate var isQuote: Bool { self == UInt8(ascii: "\"") || self == UInt8(ascii: "'") }

    fileprivate var isSlash: Bool { self == UInt8(ascii: "/") || self == UInt8(ascii: "\\") }

    fileprivate var isQuoting: Bool { isQuote || self == UInt8(ascii: "\\") || self == 0x20 }

    /// Whether a byte separates the pairs of a query: some split at semicolons, too.
    fileprivate var separatesPairs: Bool {
        self == UInt8(ascii: "&") || self == UInt8(ascii: ";") || self == UInt8(ascii: "?")
            || self == UInt8(ascii: "#")
    }

    /// Whether a byte ends a pair, or the URL that it stands in.
    fileprivate var endsPair: Bool {
        separatesPairs || self <= 0x20 || isQuote || self == UInt8(ascii: "<")
            || self == UInt8(ascii: ">") || self == UInt8(ascii: ",")
    }

    /// Whether a byte ends a run that is unescaped as a whole.
    fileprivate var endsRun: Bool { endsPair || self == UInt8(ascii: "/") }

    /// Whether a byte ends the name of a pair, read backwards.
    fileprivate var endsName: Bool {
        endsRun || self == UInt8(ascii: "=") || self == UInt8(ascii: "(")
            || self == UInt8(ascii: "{") || self == UInt8(ascii: "\\")
    }

    /// Whether a byte ends the authority of a URL, read backwards from its `@`.
    fileprivate var endsAuthority: Bool {
        self <= 0x20 || isSlash || self == UInt8(ascii: "?") || self == UInt8(ascii: "#")
            || self == UInt8(ascii: "\"") || self == UInt8(ascii: "<")
    }

    /// Whether a byte may stand between a member's colon and its value.
    fileprivate var opensMember: Bool {
        self == 0x20 || self == UInt8(ascii: "[") || self == UInt8(ascii: "\\")
    }

    /// Whether a byte ends a member's value that is not quoted.
    fileprivate var endsMember: Bool {
        self <= 0x20 || self == UInt8(ascii: ",") || self == UInt8(ascii: "}")
            || self == UInt8(ascii: "]")
    }
}
