/// Where each key of a TOML text stands.
///
/// The TOML library tells positions of syntax errors alone, not of the values it read; a diagnostic
/// without a line is of little use at three in the morning. This walk knows just enough of TOML to
/// find the keys of a text that the library accepts; of any other it makes what it can.
struct KeyPlaces {
    struct Place: Equatable {
        let line: Int
        let column: Int
    }

    /// By dotted path, elements of arrays in brackets: `chains[0].targets[1].vendor`.
    private(set) var places: [String: Place] = [:]
    /// The first table header whose name begins with a byte that no key can begin with.
    private(set) var badHeader: Place?
    private var arrayCounts: [String: Int] = [:]
    private let bytes: [UInt8]
    private var offset = 0
    private var line = 1
    private var lineStart = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
        walk()
    }

    /// Where a key stands, or the table it is missing from, or that table's own.
    func nearestPlace(_ path: String) -> Place {
        var path = Substring(path)
        while !path.isEmpty {
            if let place = places[String(path)] { return place }
            path = path[..<(path.lastIndex { $0 == "." || $0 == "[" } ?? path.startIndex)]
        }
        return Place(line: 1, column: 1)
    }

    private mutating func walk() {
        var table = ""
        while true {
            skipBlank(newlines: true)
            guard offset < bytes.count else { return }
            if bytes[offset] == UInt8(ascii: "[") {
                table = header()
            } else {
                keyValue(in: table)
            }
        }
    }

    private mutating func header() -> String {
        let place = here
        advance()
        let isArray = peek == UInt8(ascii: "[")
        if isArray { advance() }
        while peek == 0x20 || peek == 0x09 { advance() }
        if let byte = peek, !Self.mayBeginName(byte), badHeader == nil { badHeader = here }
        let parts = key()
        while let byte = peek, byte == UInt8(ascii: "]") { advance() }
        // The path down to a table may lead through arrays, of which the last element is meant.
        var path = ""
        for (index, part) in parts.enumerated() {
            path = path.isEmpty ? part : "\(path).\(part)"
            if isArray, index == parts.count - 1 {
                let count = arrayCounts[path, default: 0]
                arrayCounts[path] = count + 1
                note(path, place)
                path += "[\(count)]"
            } else if let count = arrayCounts[path] {
                path += "[\(count - 1)]"
            }
        }
        note(path, place)
        return path
    }

    private mutating func keyValue(in table: String) {
        skipBlank(newlines: false)
        let place = here
        var path = table
        let start = offset
        for part in key() {
            path = path.isEmpty ? part : "\(path).\(part)"
            note(path, place)
        }
        skipBlank(newlines: false)
        if peek == UInt8(ascii: "=") { advance() }
        value(path)
        // Whatever was not understood is stepped over, so that the walk always ends.
        if offset == start { advance() }
    }

    private mutating func value(_ path: String) {
        skipBlank(newlines: false)
        switch peek {
        case UInt8(ascii: "["): array(path)
        case UInt8(ascii: "{"): inlineTable(path)
        case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = string()
        default:
            while let byte = peek, !Self.endsValue.contains(byte) { advance() }
        }
    }

    private static let endsValue = Set("\n,]}#".utf8)

    private mutating func array(_ path: String) {
        advance()
        var index = 0
        while true {
            skipBlank(newlines: true)
            guard let byte = peek, byte != UInt8(ascii: "]") else { break }
            if byte == UInt8(ascii: ",") {
                advance()
                continue
            }
            note("\(path)[\(index)]", here)
            let start = offset
            value("\(path)[\(index)]")
            if offset == start { advance() }
            index += 1
        }
        advance()
    }

    private mutating func inlineTable(_ path: String) {
        advance()
        while true {
            skipBlank(newlines: true)
            guard let byte = peek, byte != UInt8(ascii: "}") else { break }
            if byte == UInt8(ascii: ",") {
                advance()
                continue
            }
            keyValue(in: path)
        }
        advance()
    }

    private mutating func key() -> [String] {
        var parts: [String] = []
        while true {
            skipBlank(newlines: false)
            if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") {
                parts.append(string())
            } else {
                let start = offset
                while let byte = peek, Self.isBare(byte) { advance() }
                parts.append(String(decoding: bytes[start..<offset], as: UTF8.self))
            }
            skipBlank(newlines: false)
            guard peek == UInt8(ascii: ".") else { return parts }
            advance()
        }
    }

    /// Whether a byte may follow a header's bracket: an empty name is told by the library.
    private static func mayBeginName(_ byte: UInt8) -> Bool {
        isBare(byte) || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'")
            || byte == UInt8(ascii: "]")
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func string() -> String {
        guard let quote = peek else { return "" }
        let isLong =
            offset + 2 < bytes.count && bytes[offset + 1] == quote && bytes[offset + 2] == quote
        for _ in 0..<(isLong ? 3 : 1) { advance() }
        let start = offset
        while let byte = peek {
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                advance()
                advance()
                continue
            }
            if !isLong, byte == 0x0A { break }
            if byte == quote {
                guard isLong else { break }
                if offset + 2 < bytes.count, bytes[offset + 1] == quote, bytes[offset + 2] == quote
                {
                    break
                }
            }
            advance()
        }
        let text = String(decoding: bytes[start..<min(offset, bytes.count)], as: UTF8.self)
        for _ in 0..<(isLong ? 3 : 1) where peek == quote { advance() }
        // One or two right before the end are a part of the text.
        for _ in 0..<2 where isLong && peek == quote { advance() }
        return text
    }

    private mutating func skipBlank(newlines: Bool) {
        while let byte = peek {
            if byte == 0x20 || byte == 0x09 || byte == 0x0D || newlines && byte == 0x0A {
                advance()
            } else if newlines, byte == UInt8(ascii: "#") {
                while let byte = peek, byte != 0x0A { advance() }
            } else {
                return
            }
        }
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private var here: Place { Place(line: line, column: offset - lineStart + 1) }

    private mutating func advance() {
        guard offset < bytes.count else { return }
        if bytes[offset] == 0x0A {
            line += 1
            lineStart = offset + 1
        }
        offset += 1
    }

    private mutating func note(_ path: String, _ place: Place) {
        if places[path] == nil { places[path] = place }
    }
}
