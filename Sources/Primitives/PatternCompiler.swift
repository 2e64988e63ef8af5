/// Turns an expression into a pattern's instructions, by recursive descent.
struct PatternCompiler {
    private static let depthMax = 50
    private static let repeatMax = 1000

    private typealias Code = [Pattern.Instruction]

    private let text: [UInt8]
    private var offset = 0
    private var depth = 0

    init(_ text: [UInt8]) {
        self.text = text
    }

    mutating func compile() throws(Pattern.Unusable) -> [Pattern.Instruction] {
        guard !text.isEmpty else { throw fault("it is empty") }
        let code = try alternatives()
        guard offset == text.count else { throw fault("a parenthesis closes that none opened") }
        return code + [.match]
    }

    private func fault(_ reason: String) -> Pattern.Unusable {
        Pattern.Unusable(description: reason)
    }

    private var current: UInt8? { offset < text.count ? text[offset] : nil }

    // Targets of jumps are relative to the beginning of a piece of code, and moved when it is put
    // into another.
    private static func moved(_ code: Code, by distance: Int) -> Code {
        code.map { instruction in
            switch instruction {
            case .split(let one, let other): .split(one + distance, other + distance)
            case .jump(let index): .jump(index + distance)
            default: instruction
            }
        }
    }

    private mutating func alternatives() throws(Pattern.Unusable) -> Code {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw fault("its groups are nested too deeply") }
        var code = try sequence()
        while current == UInt8(ascii: "|") {
            offset += 1
            let other = try sequence()
            let end = code.count + other.count + 2
            code =
                [.split(1, code.count + 2)] + Self.moved(code, by: 1) + [.jump(end)]
                + Self.moved(other, by: code.count + 2)
            try check(code)
        }
        return code
    }

    private mutating func sequence() throws(Pattern.Unusable) -> Code {
        var code: Code = []
        while let byte = current, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            var part = try atom()
            while let repeated = try repetition(part) { part = repeated }
            code += Self.moved(part, by: code.count)
            try check(code)
        }
        return code
    }

    private func check(_ code: Code) throws(Pattern.Unusable) {
        guard code.count < Pattern.instructionsMax else { throw fault("it is too large") }
    }

    /// A part repeated as what follows it says; nil where nothing does.
    private mutating func repetition(_ part: Code) throws(Pattern.Unusable) -> Code? {
        switch current {
        case UInt8(ascii: "*"):
            offset += 1
            return [.split(1, part.count + 2)] + Self.moved(part, by: 1) + [.jump(0)]
        case UInt8(ascii: "+"):
            offset += 1
            return part + [.split(0, part.count + 1)]
        case UInt8(ascii: "?"):
            offset += 1
            return [.split(1, part.count + 1)] + Self.moved(part, by: 1)
        case UInt8(ascii: "{"):
            offset += 1
            return try counted(part)
        default:
            return nil
        }
    }

    private mutating func counted(_ part: Code) throws(Pattern.Unusable) -> Code {
        let least = try number() ?? 0
        var most: Int? = least
        if current == UInt8(ascii: ",") {
            offset += 1
            most = try number()
        }
        guard current == UInt8(ascii: "}") else { throw fault("a brace does not close") }
        offset += 1
        guard least <= most ?? least else { throw fault("a repetition ends before it begins") }
        guard (most ?? least) * part.count < Pattern.instructionsMax else {
            throw fault("it is too large")
        }
        var code: Code = []
        for _ in 0..<least { code += Self.moved(part, by: code.count) }
        guard let most else {
            return code
                + Self.moved(
                    [.split(1, part.count + 2)] + Self.moved(part, by: 1) + [.jump(0)],
                    by: code.count)
        }
        for _ in least..<most {
            code += Self.moved(
                [.split(1, part.count + 1)] + Self.moved(part, by: 1), by: code.count)
        }
        return code
    }

    private mutating func number() throws(Pattern.Unusable) -> Int? {
        var value: Int?
        while let byte = current, 0x30...0x39 ~= byte {
            value = (value ?? 0) * 10 + Int(byte - 0x30)
            guard value ?? 0 <= Self.repeatMax else { throw fault("a repetition is too long") }
            offset += 1
        }
        return value
    }

    private mutating func atom() throws(Pattern.Unusable) -> Code {
        guard let byte = current else { return [] }
        offset += 1
        switch byte {
        case UInt8(ascii: "("):
            if current == UInt8(ascii: "?") { throw fault("(? is not known") }
            let code = try alternatives()
            guard current == UInt8(ascii: ")") else { throw fault("a parenthesis does not close") }
            offset += 1
            return code
        case UInt8(ascii: "["): return [.bytes(try bracket())]
        case UInt8(ascii: "."): return [.bytes(ByteSet(0x0A...0x0A).inverted)]
        case UInt8(ascii: "\\"): return [.bytes(try escape())]
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw fault("a repetition has nothing before it")
        case UInt8(ascii: "^"), UInt8(ascii: "$"):
            throw fault("^ and $ mean nothing in bodies; \\ before them means themselves")
        default: return [.bytes(ByteSet(byte...byte))]
        }
    }

    private mutating func escape() throws(Pattern.Unusable) -> ByteSet {
        guard let byte = current else { throw fault("it ends in a \\") }
        offset += 1
        var set = ByteSet()
        switch byte {
        case UInt8(ascii: "d"): set = ByteSet(0x30...0x39)
        case UInt8(ascii: "s"):
            for space: UInt8 in [0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20] { set.insert(space) }
        case UInt8(ascii: "w"):
            set = ByteSet(0x30...0x39)
            set.formUnion(ByteSet(0x41...0x5A))
            set.formUnion(ByteSet(0x61...0x7A))
            set.insert(0x5F)
        case UInt8(ascii: "n"): set.insert(0x0A)
        case UInt8(ascii: "r"): set.insert(0x0D)
        case UInt8(ascii: "t"): set.insert(0x09)
        case 0x30...0x39: throw fault("a reference back to a group is not allowed")
        case 0x41...0x5A, 0x61...0x7A: throw fault("\\ before this letter is not known")
        default: set.insert(byte)
        }
        return set
    }

    private mutating func bracket() throws(Pattern.Unusable) -> ByteSet {
        var set = ByteSet()
        let isInverted = current == UInt8(ascii: "^")
        if isInverted { offset += 1 }
        var isFirst = true
        while let byte = current, byte != UInt8(ascii: "]") || isFirst {
            isFirst = false
            offset += 1
            if byte == UInt8(ascii: "["), current == UInt8(ascii: ":") {
                throw fault("names of character classes are not known")
            }
            if byte == UInt8(ascii: "\\") {
                set.formUnion(try escape())
                continue
            }
            guard current == UInt8(ascii: "-"), offset + 1 < text.count,
                text[offset + 1] != UInt8(ascii: "]")
            else {
                set.insert(byte)
                continue
            }
            let last = text[offset + 1]
            offset += 2
            guard byte <= last else { throw fault("a range ends before it begins") }
            set.formUnion(ByteSet(byte...last))
        }
        guard current == UInt8(ascii: "]") else { throw fault("a bracket does not close") }
        offset += 1
        return isInverted ? set.inverted : set
    }
}
