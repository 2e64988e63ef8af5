/// Reads the part of YAML 1.2 that people write configurations in: maps and lists by indentation or
/// in brackets, texts plain or in quotes, texts of several lines, comments.
///
/// Anchors, aliases, tags and several documents are refused by name: to guess would change what a
/// file means.
struct YAMLReader {
    /// What cannot be read, and where.
    struct Fault: Error, Equatable, CustomStringConvertible {
        let line: Int
        let reason: String
        var description: String { "line \(line): \(reason)" }
    }

    private static let depthMax = 64

    private struct Line {
        let number: Int
        let indent: Int
        let text: String
    }

    private var lines: [Line] = []
    /// The lines as they stand, for texts of several of them.
    private let raw: [Substring]
    private var index = 0
    private var depth = 0

    /// Reads a document.
    static func read(_ text: String) throws(Fault) -> YAMLValue {
        var reader = try YAMLReader(text)
        guard !reader.lines.isEmpty else { return .null }
        let value = try reader.block(indent: reader.lines[0].indent)
        guard reader.index == reader.lines.count else {
            throw reader.fault("is indented less than what it belongs to")
        }
        return value
    }

    private init(_ text: String) throws(Fault) {
        raw = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (offset, line) in raw.enumerated() {
            let indent = line.prefix { $0 == " " }.count
            let content = line.dropFirst(indent)
            guard !content.hasPrefix("\t") else {
                throw Fault(line: offset + 1, reason: "a tab indents it")
            }
            if content.isEmpty || content.hasPrefix("#") { continue }
            if indent == 0, content.hasPrefix("---") {
                guard lines.isEmpty else {
                    throw Fault(line: offset + 1, reason: "a second document begins")
                }
                continue
            }
            lines.append(
                Line(number: offset + 1, indent: indent, text: Self.trimmed(content)))
        }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while text.last == " " || text.last == "\t" { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return String(text)
    }

    private func fault(_ reason: String) -> Fault {
        Fault(line: index < lines.count ? lines[index].number : raw.count, reason: reason)
    }

    // MARK: Blocks

    private mutating func block(indent: Int) throws(Fault) -> YAMLValue {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("lies too deep") }
        let first = lines[index].text
        if first == "-" || first.hasPrefix("- ") { return try list(indent: indent) }
        if Self.keyEnd(first) != nil { return try map(indent: indent) }
        index += 1
        return try inline(Self.withoutComment(first))
    }

    private mutating func list(indent: Int) throws(Fault) -> YAMLValue {
        var elements: [YAMLValue] = []
        while index < lines.count, lines[index].indent == indent,
            lines[index].text == "-" || lines[index].text.hasPrefix("- ")
        {
            let line = lines[index]
            let rest = Self.trimmed(line.text.dropFirst())
            guard !rest.isEmpty, !rest.hasPrefix("#") else {
                index += 1
                elements.append(try nested(deeperThan: indent) ?? .null)
                continue
            }
            // What follows the dash is a block of its own, indented as far as it stands.
            let inner = line.indent + (line.text.count - rest.count)
            lines[index] = Line(number: line.number, indent: inner, text: rest)
            elements.append(try block(indent: inner))
        }
        try checkIndent(indent)
        return .list(elements)
    }

    private mutating func map(indent: Int) throws(Fault) -> YAMLValue {
        var members: [YAMLValue.Member] = []
        while index < lines.count, lines[index].indent == indent {
            let line = lines[index]
            guard !(line.text == "-" || line.text.hasPrefix("- ")) else { break }
            guard let end = Self.keyEnd(line.text) else { throw fault("is no \"name: value\"") }
            let name = try key(String(line.text[..<end]))
            guard !members.contains(where: { $0.name == name }) else {
                throw fault("sets \"\(name)\" twice")
            }
            let rest = Self.withoutComment(
                Self.trimmed(line.text[line.text.index(after: end)...]))
            index += 1
            let value = try self.value(rest, of: line)
            members.append(YAMLValue.Member(name: name, value: value, line: line.number))
        }
        try checkIndent(indent)
        return .map(members)
    }

    private func checkIndent(_ indent: Int) throws(Fault) {
        guard index < lines.count, lines[index].indent > indent else { return }
        throw fault("is indented more than the line before it")
    }

    private mutating func value(_ rest: String, of line: Line) throws(Fault) -> YAMLValue {
        if rest.isEmpty {
            if let value = try nested(deeperThan: line.indent) { return value }
            // A list may stand as far left as the name that it belongs to.
            guard index < lines.count, lines[index].indent == line.indent,
                lines[index].text == "-" || lines[index].text.hasPrefix("- ")
            else { return .null }
            return try list(indent: line.indent)
        }
        if rest.hasPrefix("|") || rest.hasPrefix(">") { return text(rest, of: line) }
        return try inline(rest)
    }

    private mutating func nested(deeperThan indent: Int) throws(Fault) -> YAMLValue? {
        guard index < lines.count, lines[index].indent > indent else { return nil }
        return try block(indent: lines[index].indent)
    }

    /// A text of several lines, as it stands or folded.
    private mutating func text(_ mark: String, of line: Line) -> YAMLValue {
        var texts: [Substring] = []
        var indent: Int?
        var row = line.number
        while row < raw.count {
            let own = raw[row].prefix { $0 == " " }.count
            let isBlank = own == raw[row].count
            guard isBlank || own > line.indent else { break }
            if !isBlank, indent == nil { indent = own }
            texts.append(raw[row].dropFirst(min(own, indent ?? own)))
            row += 1
        }
        while texts.last?.isEmpty ?? false { texts.removeLast() }
        while index < lines.count, lines[index].number <= row { index += 1 }
        let joined = texts.joined(separator: mark.hasPrefix("|") ? "\n" : " ")
        return .scalar(mark.hasSuffix("-") ? joined : joined + "\n", isQuoted: true)
    }

    // MARK: Parts of a line

    /// Where the colon behind a name stands; nil where there is none.
    private static func keyEnd(_ text: String) -> String.Index? {
        var quote: Character?
        var index = text.startIndex
        if let first = text.first, "[{".contains(first) { return nil }
        while index < text.endIndex {
            let sign = text[index]
            if let open = quote {
                if sign == open { quote = nil }
            } else if sign == "\"" || sign == "'", index == text.startIndex {
                quote = sign
            } else if sign == "#", index > text.startIndex, text[text.index(before: index)] == " " {
                return nil
            } else if sign == ":" {
                let next = text.index(after: index)
                if next == text.endIndex || text[next] == " " { return index }
            }
            index = text.index(after: index)
        }
        return nil
    }

    private func key(_ text: String) throws(Fault) -> String {
        guard text != "<<" else { throw fault("merges another map, which is not read here") }
        var flow = YAMLFlow(text)
        guard let value = try? flow.scalar(), let name = value.text, flow.isAtEnd else {
            throw fault("has a name that is not understood")
        }
        return name
    }

    /// A text without the comment behind it.
    private static func withoutComment(_ text: String) -> String {
        var quote: Character?
        var previous: Character = " "
        for index in text.indices {
            let sign = text[index]
            if let open = quote {
                if sign == open, previous != "\\" { quote = nil }
            } else if sign == "\"" || sign == "'", !previous.isLetter, !previous.isNumber {
                quote = sign
            } else if sign == "#", previous == " " {
                return trimmed(text[..<index])
            }
            previous = sign
        }
        return trimmed(text)
    }

    /// A value on a line; one in brackets may go on over the next lines.
    private mutating func inline(_ rest: String) throws(Fault) -> YAMLValue {
        var text = rest
        let number = index > 0 ? lines[index - 1].number : 1
        while true {
            var flow = YAMLFlow(text)
            do {
                let value = try flow.value()
                guard flow.isAtEnd else {
                    throw Fault(line: number, reason: "has more behind its value")
                }
                return value
            } catch let fault as Fault {
                throw fault
            } catch YAMLFlow.Fault.breaksOff where index < lines.count {
                text += " " + Self.withoutComment(lines[index].text)
                index += 1
            } catch {
                throw Fault(line: number, reason: "\(error)")
            }
        }
    }
}
