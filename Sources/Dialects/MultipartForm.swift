import Primitives

/// A body of `multipart/form-data` (RFC 7578), read as far as a field's value needs.
struct MultipartForm {
    let boundary: [UInt8]

    /// The form that a `Content-Type` describes; nil where it has no boundary.
    init?(_ contentType: Span<UInt8>) {
        guard let value = Self.parameter("boundary", of: contentType), !value.isEmpty,
            value.count <= 200
        else { return nil }
        boundary = Array("--".utf8) + value
    }

    /// Where the values of a field stand, in a body that may break off; nil where the body is no
    /// such form.
    func values(of name: StaticString, in body: Span<UInt8>) -> [Range<Int>]? {
        guard var index = next(in: body, from: 0), index == 0 || body[index - 1] == 0x0A else {
            return body.count < 64 << 10 ? nil : []
        }
        var found: [Range<Int>] = []
        while true {
            index += boundary.count
            // The last boundary has two dashes behind it.
            guard index + 2 <= body.count, body[index] == 0x0D, body[index + 1] == 0x0A else {
                return found
            }
            guard let head = body.firstRange(of: "\r\n\r\n", from: index) else { return found }
            let end = next(in: body, from: head.upperBound)
            let last = end ?? body.count
            let fields = body.extracting(index + 2..<head.upperBound - 2)
            if Self.isField(name, fields) {
                // A part with an encoding of its own is not decoded here.
                if Self.isEncoded(fields) { return nil }
                // The value of a part that breaks off is unknown.
                guard let end, end - 2 >= head.upperBound else { return end == nil ? found : nil }
                found.append(head.upperBound..<end - 2)
            }
            guard end != nil else { return found }
            index = last
        }
    }

    /// How often a body, read as loosely as possible, says that a part has this name.
    ///
    /// Servers accept different forms: folded lines, other line ends, a name given twice. More
    /// mentions than fields means that a server may see another field than this reader.
    func mentions(of name: StaticString, in body: Span<UInt8>) -> Int {
        var count = 0
        var index = 0
        while let field = body.firstRange(ofAnyCase: "content-disposition", from: index) {
            index = field.upperBound
            let rest = body.extracting(index..<min(body.count, index + 300))
            let blank = (rest.firstRange(of: "\r\n\r\n") ?? rest.firstRange(of: "\n\n"))
            let end = index + (blank?.lowerBound ?? rest.count)
            var start = index
            while let word = body.extracting(0..<end).firstRange(ofAnyCase: "name", from: start) {
                start = word.upperBound
                // "filename" does not name the field.
                if body[word.lowerBound - 1].lowercased == UInt8(ascii: "e") { continue }
                let rest = body.extracting(start..<min(end, start + 24))
                let stop = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.count
                guard let found = rest.extracting(0..<stop).firstRange(ofAnyCase: name) else {
                    continue
                }
                let next = start + found.upperBound
                if next >= body.count || !body[next].isWordByte { count += 1 }
            }
        }
        return count
    }

    /// Where the next boundary stands that begins a line.
    func next(in body: Span<UInt8>, from offset: Int) -> Int? {
        var index = offset
        while let dash = body.firstIndex(of: UInt8(ascii: "-"), from: index) {
            let isThere =
                dash + boundary.count <= body.count && (dash == 0 || body[dash - 1] == 0x0A)
                && body.extracting(dash..<dash + boundary.count).equals(boundary.span)
            if isThere { return dash }
            index = dash + 1
        }
        return nil
    }

    /// Whether a part with this head has an encoding of its own.
    static func isEncoded(_ head: Span<UInt8>) -> Bool {
        head.firstRange(ofAnyCase: "content-transfer-encoding") != nil
    }

    /// Whether the head of a part is that of a field with this name.
    static func isField(_ name: StaticString, _ head: Span<UInt8>) -> Bool {
        var start = 0
        while start < head.count {
            let end = head.firstRange(of: "\r\n", from: start)?.lowerBound ?? head.count
            let line = head.extracting(start..<end)
            start = end + 2
            let length = 20
            guard line.count > length,
                line.extracting(0..<length).matchesIgnoringCase("content-disposition:")
            else { continue }
            guard let value = parameter("name", of: line) else { return false }
            return value.span.matches(name)
        }
        return false
    }

    /// The value of a parameter, without its quotes.
    private static func parameter(_ name: StaticString, of field: Span<UInt8>) -> [UInt8]? {
        var index = 0
        while let semicolon = field.firstIndex(of: UInt8(ascii: ";"), from: index) {
            index = semicolon + 1
            let rest = field.extracting(index..<field.count)
            guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            let isNamed = rest.extracting(0..<equals).trimmed.matchesIgnoringCase(name)
            let (value, end) = value(rest, from: equals + 1)
            if isNamed { return value }
            index += end
        }
        return nil
    }

    private static func value(_ text: Span<UInt8>, from offset: Int) -> ([UInt8], end: Int) {
        var index = offset
        while index < text.count, text[index] == 0x20 || text[index] == 0x09 { index += 1 }
        var value: [UInt8] = []
        guard index < text.count, text[index] == UInt8(ascii: "\"") else {
            let end = text.firstIndex(of: UInt8(ascii: ";"), from: index) ?? text.count
            let plain = text.extracting(index..<end).trimmed
            return (plain.indices.map { plain[$0] }, end)
        }
        index += 1
        while index < text.count, text[index] != UInt8(ascii: "\"") {
            if text[index] == UInt8(ascii: "\\"), index + 1 < text.count { index += 1 }
            value.append(text[index])
            index += 1
        }
        return (value, min(index + 1, text.count))
    }
}

extension UInt8 {
    fileprivate var isWordByte: Bool {
        let byte = lowercased
        return UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || byte == UInt8(ascii: "_")
            || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "-")
    }
}

extension Span where Element == UInt8 {
    /// Where a literal in lower case first stands, in any case of its letters.
    fileprivate func firstRange(
        ofAnyCase literal: StaticString, from offset: Int = 0
    ) -> Range<Int>? {
        let length = literal.utf8CodeUnitCount
        var index = offset
        while index + length <= count {
            if extracting(index..<index + length).matchesIgnoringCase(literal) {
                return index..<index + length
            }
            index += 1
        }
        return nil
    }
}
