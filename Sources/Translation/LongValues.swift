import JSON

/// Where the long values of a text end, so that a walk over its parts reads no long text again.
///
/// Each level of a body would be read once more otherwise: a message's text as part of the body, of
/// the messages, of the message, of its content.
struct LongValues: Sendable {
    /// What is shorter is read again, which costs less than to look it up.
    private static let lengthMin = 256
    /// Values at most: so many are more than a million tokens, which no model reads.
    ///
    /// A value takes memory of its own here, some hundred bytes, however short it is. A body of
    /// brackets alone must not become many times as large.
    static let valuesMax = 1 << 19

    /// By where they begin, none before those that it stands in.
    private var ranges: [Range<Int>] = []

    init() {}

    /// Walks over the next value of a text, and takes in what is long of it.
    mutating func walk(
        _ scanner: inout JSONScanner
    ) throws(JSONScanner.Malformed) -> Range<Int> {
        var count = 0
        return try walk(&scanner, &count)
    }

    private mutating func walk(
        _ scanner: inout JSONScanner, _ count: inout Int
    ) throws(JSONScanner.Malformed) -> Range<Int> {
        let kind = try scanner.kind()
        count += 1
        guard count <= Self.valuesMax else {
            throw scanner.fault("more than \(Self.valuesMax) values")
        }
        let (start, index) = (scanner.offset, ranges.count)
        switch kind {
        case .object:
            ranges.append(start..<start)
            try scanner.object { (scanner, _) throws(JSONScanner.Malformed) in
                _ = try walk(&scanner, &count)
            }
        case .array:
            ranges.append(start..<start)
            try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                _ = try walk(&scanner, &count)
            }
        default:
            let range = try scanner.value()
            if range.count >= Self.lengthMin { ranges.append(range) }
            return range
        }
        let range = start..<scanner.offset
        if range.count >= Self.lengthMin {
            ranges[index] = range
        } else {
            // Nothing inside of it is long either.
            ranges.removeLast()
        }
        return range
    }

    /// Goes over the next value; the scanner's text begins at an offset of the whole one.
    func value(
        _ scanner: inout JSONScanner, _ base: Int
    ) throws(JSONScanner.Malformed) -> Range<Int> {
        guard !ranges.isEmpty else { return try scanner.value() }
        _ = try scanner.kind()
        let start = scanner.offset
        guard let end = end(of: base + start) else { return try scanner.value() }
        scanner.jump(to: end - base)
        return start..<scanner.offset
    }

    private func end(of start: Int) -> Int? {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].lowerBound < start { low = middle + 1 } else { high = middle }
        }
        guard low < ranges.count, ranges[low].lowerBound == start else { return nil }
        return ranges[low].upperBound
    }
}
