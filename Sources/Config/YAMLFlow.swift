/// Reads a value of YAML on one line: a text, or a list or a map in brackets.
struct YAMLFlow {
    /// Why there is no value.
    enum Fault: Error, CustomStringConvertible {
        /// A bracket or a quote is still open.
        case breaksOff
        case unknown(String)

        var description: String {
            switch self {
            case .breaksOff: "a bracket or a quote is not closed"
            case .unknown(let what): "\(what) is not read here"
            }
        }
    }

    private let text: [Character]
    private var index = 0
    /// Brackets that are open.
    private var depth = 0

    init(_ text: String) {
        self.text = Array(text)
    }

    /// Whether nothing but spaces is left.
    var isAtEnd: Bool { text[index...].allSatisfy { $0 == " " } }

    private mutating func skipSpaces() {
        while index < text.count, text[index] == " " { index += 1 }
    }

    mutating func value() throws(Fault) -> YAMLValue {
        skipSpaces()
        guard index < text.count else { return .null }
        guard depth < 64 else { throw .unknown("a value that lies so deep") }
        switch text[index] {
        case "[": return try list()
        case "{": return try map()
        case "&", "*", "!": throw .unknown("\"\(text[index])\", an anchor, an alias or a tag,")
        default: return try scalar()
        }
    }

    private mutating func list() throws(Fault) -> YAMLValue {
        index += 1
        depth += 1
        defer { depth -= 1 }
        var elements: [YAMLValue] = []
        while true {
            if try takeEnd("]") { return .list(elements) }
            elements.append(try value())
            try takeComma(or: "]")
        }
    }

    private mutating func map() throws(Fault) -> YAMLValue {
        index += 1
        depth += 1
        defer { depth -= 1 }
        var members: [YAMLValue.Member] = []
        while true {
            if try takeEnd("}") { return .map(members) }
            guard let name = try scalar().text else { throw .unknown("a name of a member") }
            skipSpaces()
            guard index < text.count else { throw .breaksOff }
            guard text[index] == ":" else { throw .unknown("a member without a colon") }
            index += 1
            skipSpaces()
            guard index < text.count else { throw .breaksOff }
            let isEmpty = text[index] == "," || text[index] == "}"
            let value = try isEmpty ? .null : value()
            members.append(YAMLValue.Member(name: name, value: value, line: 0))
            try takeComma(or: "}")
        }
    }

    private mutating func takeEnd(_ bracket: Character) throws(Fault) -> Bool {
        skipSpaces()
        guard index < text.count else { throw .breaksOff }
        guard text[index] == bracket else { return false }
        index += 1
        return true
    }

    private mutating func takeComma(or bracket: Character) throws(Fault) {
        skipSpaces()
        guard index < text.count else { throw .breaksOff }
        if text[index] == bracket { return }
        guard text[index] == "," else { throw .unknown("\"\(text[index])\" between two values") }
        index += 1
    }

    /// A text, plain or in quotes.
    mutating func scalar() throws(Fault) -> YAMLValue {
        skipSpaces()
        guard index < text.count else { throw .breaksOff }
        if text[index] == "\"" || text[index] == "'" { return try quoted(text[index]) }
        let start = index
        while index < text.count {
            let sign = text[index]
            let next = index + 1 < text.count ? text[index + 1] : " "
            if depth > 0, ",]}".contains(sign) || sign == ":" && " ,]}".contains(next) { break }
            index += 1
        }
        var plain = text[start..<index]
        while plain.last == " " { plain.removeLast() }
        let word = String(plain)
        return ["", "~", "null", "Null", "NULL"].contains(word)
            ? .null : .scalar(word, isQuoted: false)
    }

    private mutating func quoted(_ quote: Character) throws(Fault) -> YAMLValue {
        index += 1
        var result = ""
        while index < text.count {
            let sign = text[index]
            index += 1
            if sign == quote {
                // Two single quotes are one.
                guard quote == "'", index < text.count, text[index] == "'" else {
                    return .scalar(result, isQuoted: true)
                }
                result.append("'")
                index += 1
            } else if sign == "\\", quote == "\"" {
                result.append(try escaped())
            } else {
                result.append(sign)
            }
        }
        throw .breaksOff
    }

    private mutating func escaped() throws(Fault) -> Character {
        guard index < text.count else { throw .breaksOff }
        let sign = text[index]
        index += 1
        switch sign {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "\"", "\\", "/", " ": return sign
        case "u", "x":
            let length = sign == "u" ? 4 : 2
            guard index + length <= text.count,
                let code = UInt32(String(text[index..<index + length]), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw .unknown("an escape of this kind") }
            index += length
            return Character(scalar)
        default: throw .unknown("the escape \\\(sign)")
        }
    }
}
