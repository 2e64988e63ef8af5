extension TOMLReader {
    /// Reads a value; `depth` is its own, `isNested`: within a list or an inline table.
    mutating func readValue(depth: Int, isNested: Bool) throws(TOMLFault) -> TOMLValue {
        let location = here
        let content: TOMLValue.Content
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            content = .string(String(decoding: try readText(), as: UTF8.self))
        case UInt8(ascii: "["):
            try checkDepth(depth, at: location)
            content = .array(try readArray(depth: depth))
        case UInt8(ascii: "{"):
            try checkDepth(depth, at: location)
            content = .table(try readInlineTable(depth: depth))
        default: content = readBareValue(isNested: isNested)
        }
        return TOMLValue(location: location, content: content)
    }

    private mutating func readArray(depth: Int) throws(TOMLFault) -> [TOMLValue] {
        let location = here
        let unclosed = TOMLFault(
            location: location, message: "the list that begins here has no ] at its end")
        offset += 1
        var elements: [TOMLValue] = []
        while true {
            skipBlankLines()
            guard let byte = peek else { throw unclosed }
            if byte == UInt8(ascii: "]") { break }
            elements.append(try readValue(depth: depth + 1, isNested: true))
            skipBlankLines()
            guard let byte = peek else { throw unclosed }
            if byte == UInt8(ascii: "]") { break }
            guard byte == UInt8(ascii: ",") else {
                throw fault("a comma or ] is needed after an element of a list, not \(shown)")
            }
            offset += 1
        }
        offset += 1
        return elements
    }

    private mutating func readInlineTable(depth: Int) throws(TOMLFault) -> TOMLTable {
        let table = draft.addLoose(depth: depth, at: here)
        offset += 1
        skipSpace()
        if peek == UInt8(ascii: "}") {
            offset += 1
            return draft.finish(table)
        }
        while true {
            try checkSameLine()
            try readKeyValue(into: table, isNested: true)
            skipSpace()
            try checkSameLine()
            if peek == UInt8(ascii: "}") { break }
            guard peek == UInt8(ascii: ",") else {
                throw fault("a comma or } is needed in an inline table, not \(shown)")
            }
            let comma = here
            offset += 1
            skipSpace()
            guard peek == UInt8(ascii: "}") else { continue }
            record(
                TOMLFault(location: comma, message: "no comma may stand before the } of a table"))
            break
        }
        offset += 1
        return draft.finish(table)
    }

    /// An inline table may hold no line end of its own; text and lists in it may.
    private func checkSameLine() throws(TOMLFault) {
        guard let byte = peek else { throw fault("} is needed before the end of the file") }
        guard byte != 0x0A, byte != 0x0D, byte != UInt8(ascii: "#") else {
            throw fault("an inline table must stand on one line, and } is missing on this one")
        }
    }

    /// Reads true, false, a number, a date or a time; what is none of them is a fault behind which
    /// the next line, or the next element, can still be read.
    private mutating func readBareValue(isNested: Bool) -> TOMLValue.Content {
        let end = endOfBareValue
        do throws(TOMLScalar.Refusal) {
            let content = try TOMLScalar.read(Array(source.bytes[offset..<end]))
            offset = end
            return content
        } catch {
            let isEmpty = peek.map { "\r\n#,]}".utf8.contains($0) } ?? true
            let missing = "a value is needed here, not \(shown)"
            record(fault(end == offset && isEmpty ? missing : error.reason))
            let ends = isNested ? "\n#,]}".utf8 : "\n#".utf8
            while let byte = peek, !ends.contains(byte) { offset += 1 }
            return .boolean(false)
        }
    }

    private var endOfBareValue: Int {
        let bytes = source.bytes
        func run(from start: Int) -> Int {
            var end = start
            while end < bytes.count, TOMLScalar.holds(bytes[end]) { end += 1 }
            return end
        }
        let end = run(from: offset)
        // A space may stand between a date and its time.
        guard end - offset == 10, TOMLScalar.beginsDate(bytes[offset..<end]),
            end + 1 < bytes.count, bytes[end] == 0x20, 0x30...0x39 ~= bytes[end + 1]
        else { return end }
        return run(from: end + 1)
    }
}
