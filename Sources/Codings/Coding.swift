import Primitives

/// A content coding of RFC 9110, 8.4.1, that can be undone here.
enum Coding: String, CaseIterable, Sendable {
    case gzip, deflate, br, zstd

    /// Codings of one body at most: real bodies have fewer, and each costs a window.
    static let stackMax = 4

    /// The codings that `Content-Encoding` fields list, in the order in which they were applied;
    /// nil where one of them is not known, or there are too many.
    ///
    /// Several fields are one list, their values joined with commas.
    static func list(_ value: Span<UInt8>) -> [Coding]? {
        var codings: [Coding] = []
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
            let name = value.extracting(start..<end).trimmed
            start = end + 1
            if name.count == 0 || name.matchesIgnoringCase("identity") { continue }
            guard let coding = Coding(name), codings.count < stackMax else { return nil }
            codings.append(coding)
        }
        return codings
    }

    private init?(_ name: Span<UInt8>) {
        if name.matchesIgnoringCase("gzip") || name.matchesIgnoringCase("x-gzip") {
            self = .gzip
        } else if name.matchesIgnoringCase("deflate") {
            self = .deflate
        } else if name.matchesIgnoringCase("br") {
            self = .br
        } else if name.matchesIgnoringCase("zstd") {
            self = .zstd
        } else {
            return nil
        }
    }
}
