/// A key as a document writes it: one part, or several with dots between them.
struct TOMLKey: CustomStringConvertible {
    /// The bytes of each part; there is one at least.
    private(set) var parts: [[UInt8]]
    private(set) var last: [UInt8]

    init(_ part: [UInt8]) {
        parts = [part]
        last = part
    }

    mutating func append(_ part: [UInt8]) {
        parts.append(part)
        last = part
    }

    /// In quotes, as a message names it.
    var description: String { "\"\(text)\"" }

    /// The first parts, as a message names them.
    func prefix(_ count: Int) -> String { "\"\(Self.text(parts.prefix(count)))\"" }

    /// The parts with dots between them.
    var text: String { Self.text(parts[...]) }

    private static let longest = 60

    /// Shortened, and without control characters: it goes to terminals and logs.
    private static func text(_ parts: ArraySlice<[UInt8]>) -> String {
        let bytes = parts.prefix(longest).map { $0.prefix(4 * longest) }.joined(separator: [0x2E])
        let scalars = String(decoding: Array(bytes), as: UTF8.self).unicodeScalars
        var text = ""
        for scalar in scalars.prefix(longest) {
            let isControl = scalar.properties.generalCategory == .control
            text += isControl ? "\u{FFFD}" : String(scalar)
        }
        return scalars.count > longest ? text + "…" : text
    }
}
