/// Reads a TOML 1.0 document into a tree that has the location of each key and value.
///
/// Behind what leaves no doubt where the next statement begins, a key that is set twice or a number
/// that is none, reading goes on, so that one run finds several faults. Anything else ends it.
struct TOMLReader {
    /// How deep tables and lists may lie in each other: reading recurses as deep.
    static let maximumDepth = 64
    /// How many faults are kept.
    static let maximumFaults = 20

    let source: TOMLSource
    var offset: Int
    var draft = TOMLDraft()
    private var faults: [TOMLFault] = []

    private init(_ source: TOMLSource) {
        self.source = source
        offset = source.start
    }

    /// The tree of a document.
    static func read(_ bytes: [UInt8]) throws(TOMLError) -> TOMLTable {
        var faults: [TOMLFault] = []
        do throws(TOMLFault) {
            var reader = TOMLReader(try TOMLSource(bytes))
            do throws(TOMLFault) {
                try reader.readDocument()
            } catch {
                reader.faults.append(error)
            }
            faults = reader.faults
            if faults.isEmpty { return reader.draft.finished() }
        } catch {
            faults = [error]
        }
        throw TOMLError(faults: faults.sorted { $0.location < $1.location })
    }

    private mutating func readDocument() throws(TOMLFault) {
        var table = TOMLDraft.root
        while true {
            skipBlankLines()
            guard let byte = peek else { return }
            if byte == UInt8(ascii: "[") {
                table = try readHeader()
                try endLine(after: "a header")
            } else {
                try readKeyValue(into: table, isNested: false)
                try endLine(after: "a value")
            }
        }
    }

    private mutating func readHeader() throws(TOMLFault) -> Int {
        let location = here
        offset += 1
        let isList = peek == UInt8(ascii: "[")
        if isList { offset += 1 }
        skipSpace()
        let key = try readKey(isHeader: true)
        try checkDepth(key.parts.count, at: location)
        for _ in 0..<(isList ? 2 : 1) {
            guard peek == UInt8(ascii: "]") else {
                throw fault("\(isList ? "]]" : "]") is needed after a table's name, not \(shown)")
            }
            offset += 1
        }
        let table: Int
        do throws(TOMLFault) {
            table =
                isList ? try draft.append(key, at: location) : try draft.define(key, at: location)
        } catch {
            record(error)
            table = draft.addLoose(depth: key.parts.count, at: location)
        }
        // Lists on the way, which the key does not show, count as well.
        try checkDepth(draft.depth(of: table), at: location)
        return table
    }

    /// Reads `key = value`; `isNested`: within an inline table.
    mutating func readKeyValue(into table: Int, isNested: Bool) throws(TOMLFault) {
        let location = here
        let key = try readKey(isHeader: false)
        guard peek == UInt8(ascii: "=") else {
            throw fault("= is needed after a key, not \(shown)")
        }
        offset += 1
        skipSpace()
        let depth = draft.depth(of: table) + key.parts.count
        try checkDepth(depth, at: location)
        let value = try readValue(depth: depth, isNested: isNested)
        do throws(TOMLFault) {
            try draft.set(key, to: value, in: table, at: location)
        } catch {
            record(error)
        }
    }

    /// Reads a key with its dots, and the space behind it.
    private mutating func readKey(isHeader: Bool) throws(TOMLFault) -> TOMLKey {
        var key = TOMLKey(try readKeyPart(isHeader: isHeader, isFirst: true))
        skipSpace()
        while peek == UInt8(ascii: ".") {
            offset += 1
            skipSpace()
            key.append(try readKeyPart(isHeader: isHeader, isFirst: false))
            skipSpace()
        }
        return key
    }

    private mutating func readKeyPart(
        isHeader: Bool, isFirst: Bool
    ) throws(TOMLFault) -> [UInt8] {
        if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") {
            guard !isLongQuote else {
                throw fault("three quotes begin text of several lines, which no key is")
            }
            return try readText()
        }
        let start = offset
        while let byte = peek, Self.isBare(byte) { offset += 1 }
        guard offset > start else {
            let allowed = "letters, digits, - and _ may stand there, others in quotes"
            if isFirst, isHeader { throw fault("no table's name begins like this; \(allowed)") }
            throw fault(
                isFirst
                    ? "a key is needed here, not \(shown); \(allowed)"
                    : "a name is needed after the dot of a key, not \(shown); \(allowed)")
        }
        return Array(source.bytes[start..<offset])
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func endLine(after what: String) throws(TOMLFault) {
        skipSpace()
        skipComment()
        guard let byte = peek else { return }
        guard byte == 0x0A || byte == 0x0D else {
            throw fault("the line must end after \(what), not go on with \(shown)")
        }
    }
}

// Bytes, one after the other.
extension TOMLReader {
    var peek: UInt8? { offset < source.bytes.count ? source.bytes[offset] : nil }

    var here: SourceLocation { source.location(of: offset) }

    mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { offset += 1 }
    }

    mutating func skipComment() {
        guard peek == UInt8(ascii: "#") else { return }
        while let byte = peek, byte != 0x0A, byte != 0x0D { offset += 1 }
    }

    /// Skips space, comments and line ends: a carriage return is known to be half of one.
    mutating func skipBlankLines() {
        while true {
            skipSpace()
            skipComment()
            guard let byte = peek, byte == 0x0A || byte == 0x0D else { return }
            offset += 1
        }
    }

    /// What stands here, as a message names it: one character, never a whole value.
    var shown: String {
        guard let byte = peek else { return "the end of the file" }
        if byte == 0x0A || byte == 0x0D { return "the end of the line" }
        let bytes = source.bytes[offset..<min(offset + 4, source.bytes.count)]
        guard let scalar = String(decoding: bytes, as: UTF8.self).unicodeScalars.first else {
            return "this"
        }
        switch scalar {
        case " ", "\t": return "a space"
        case "\"", "'": return "a quote"
        default: return "\"\(scalar)\""
        }
    }

    /// A fault of what stands here.
    func fault(_ message: String) -> TOMLFault {
        TOMLFault(location: here, message: message)
    }

    /// Keeps a fault behind which reading goes on.
    mutating func record(_ fault: TOMLFault) {
        if faults.count < Self.maximumFaults { faults.append(fault) }
    }

    func checkDepth(_ depth: Int, at location: SourceLocation) throws(TOMLFault) {
        guard depth <= Self.maximumDepth else {
            throw TOMLFault(
                location: location,
                message: "tables and lists lie in each other more than \(Self.maximumDepth) deep")
        }
    }
}
