import Primitives

/// Header fields as a record keeps them: a line each, credentials taken out.
struct HeaderLines {
    let text: String

    /// The values of all fields of a name, which is in lower case, as one list.
    func list(of name: StaticString) -> [UInt8] {
        var list: [UInt8] = []
        let bytes = text.utf8.span
        var start = 0
        while start < bytes.count {
            let end = bytes.firstIndex(below: 0, or: 0x0D, or: 0x0A, from: start)
            let line = bytes.extracting(start..<end)
            start = end + 1
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
                line.extracting(0..<colon).matchesIgnoringCase(name)
            else { continue }
            if !list.isEmpty { list.append(UInt8(ascii: ",")) }
            list.append(line.extracting(colon + 1..<line.count).trimmed)
        }
        return list
    }
}
