import Primitives

/// A glob on the names of models, in which `*` stands for anything, and nothing else does.
///
/// It is taken apart once: names are held against it before and after each call under a budget.
struct PriceGlob: Equatable, Sendable {
    private let parts: [[UInt8]]

    init(_ text: String) {
        parts = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
            .map(Array.init)
    }

    /// Whether it is all of a name.
    func matches(_ name: Span<UInt8>) -> Bool {
        let (first, last) = (parts[0], parts[parts.count - 1])
        guard parts.count > 1 else { return name.equals(first.span) }
        guard name.count >= first.count + last.count,
            name.extracting(0..<first.count).equals(first.span),
            name.extracting((name.count - last.count)..<name.count).equals(last.span)
        else { return false }
        var start = first.count
        let end = name.count - last.count
        for index in parts.indices.dropFirst().dropLast() {
            let part = parts[index]
            guard let found = Self.find(part.span, in: name, start..<end) else {
                return false
            }
            start = found
        }
        return true
    }

    /// The end of the first occurrence of a part in a range of a name.
    private static func find(
        _ part: Span<UInt8>, in name: Span<UInt8>, _ range: Range<Int>
    ) -> Int? {
        var start = range.lowerBound
        while start + part.count <= range.upperBound {
            let end = start + part.count
            if name.extracting(start..<end).equals(part) { return end }
            start += 1
        }
        return nil
    }
}
