public import Primitives

/// Takes the values at some paths out of JSON texts and leaves every other byte as it was.
public struct JSONRedaction: Sendable {
    /// The text that replaces a value.
    static let replacement: StaticString = "\"<redacted>\""

    private let paths: [JSONPath]

    /// A redaction of the values at these paths.
    public init(_ paths: [JSONPath]) {
        self.paths = paths
    }

    /// Whether there is anything to take out.
    public var isEmpty: Bool { paths.isEmpty }

    /// Appends a text without those values.
    ///
    /// A text that breaks off, or is no JSON from some byte on, is appended as far as it is known
    /// to hold none of them: nothing passes that was not looked at.
    public func write(_ text: Span<UInt8>, to output: inout ByteBuffer) {
        // A byte order mark means nothing, and many parsers pass over it.
        guard !text.hasPrefix("\u{FEFF}") else {
            output.append(text.extracting(0..<3))
            return write(text.extracting(3..<text.count), to: &output)
        }
        // What does not begin like an object or a list has no members.
        let first = text.indices.first { text[$0] > 0x20 }.map { text[$0] }
        guard !isEmpty, first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            return output.append(text)
        }
        var walk = Walk(paths: paths)
        var scanner = JSONScanner(text)
        var isWhole = false
        do throws(JSONScanner.Malformed) {
            try walk.value(&scanner, paths.indices.map { (path: $0, step: 0) })
            try scanner.end()
            isWhole = true
        } catch {
            // Only where the text simply ends, and not where something else goes on behind a fault.
            if walk.isSafeToEnd, error.offset == text.count { walk.vetted = text.count }
        }
        var start = 0
        for range in walk.ranges {
            output.append(text.extracting(start..<range.lowerBound))
            output.append(Self.replacement)
            start = min(range.upperBound, text.count)
        }
        let end = isWhole ? text.count : max(start, walk.vetted)
        output.append(text.extracting(start..<end))
    }

    /// Where a walk over a text stands, and what it has found.
    private struct Walk {
        let paths: [JSONPath]
        var ranges: [Range<Int>] = []
        /// Bytes from the beginning that hold nothing but what may be kept.
        var vetted = 0
        /// Whether the value that is being walked over holds none of the paths, however it goes on.
        var isSafeToEnd = false

        mutating func value(
            _ scanner: inout JSONScanner, _ active: [(path: Int, step: Int)]
        ) throws(JSONScanner.Malformed) {
            let kind = try scanner.kind()
            let start = scanner.offset
            if active.contains(where: { $0.step == paths[$0.path].steps.count }) {
                ranges.append(start..<start)
                vetted = start
                // Broken off, it is gone up to the text's end.
                do {
                    ranges[ranges.count - 1] = try scanner.value()
                } catch {
                    ranges[ranges.count - 1] = start..<Int.max
                    throw error
                }
            } else if active.isEmpty {
                isSafeToEnd = true
                _ = try scanner.value()
                isSafeToEnd = false
            } else if kind == .object {
                try object(&scanner, active)
            } else if kind == .array {
                try array(&scanner, active)
            } else {
                isSafeToEnd = true
                _ = try scanner.value()
                isSafeToEnd = false
            }
            vetted = scanner.offset
        }

        private mutating func object(
            _ scanner: inout JSONScanner, _ active: [(path: Int, step: Int)]
        ) throws(JSONScanner.Malformed) {
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                let name = Self.name(scanner, key)
                let next = active.filter { entry in
                    switch paths[entry.path].steps[entry.step] {
                    case .any: true
                    case .named(let wanted): wanted == name
                    }
                }
                try value(&scanner, next.map { ($0.path, $0.step + 1) })
            }
        }

        private mutating func array(
            _ scanner: inout JSONScanner, _ active: [(path: Int, step: Int)]
        ) throws(JSONScanner.Malformed) {
            var index = 0
            try scanner.array { (scanner) throws(JSONScanner.Malformed) in
                let next = active.filter { entry in
                    switch paths[entry.path].steps[entry.step] {
                    case .any: true
                    case .named(let wanted): wanted == "\(index)"
                    }
                }
                index += 1
                try value(&scanner, next.map { ($0.path, $0.step + 1) })
            }
        }

        private static func name(_ scanner: borrowing JSONScanner, _ key: Range<Int>) -> String {
            JSONText.unescape(
                scanner.bytes(at: key.lowerBound + 1..<key.upperBound - 1))
        }
    }
}
