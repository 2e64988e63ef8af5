import Primitives

/// The ways in which servers read one path.
///
/// Some undo escapes before they part it, and some after; some take a backslash for a slash,
/// resolve dot segments, or leave out what stands behind a semicolon.
enum PathSpelling {
    /// How often a server, and those before it, undo escapes at most.
    private static let roundsMax = 3

    /// The path of a target as the most lenient server reads it; nil where it is written so.
    static func loosest(_ target: String) -> String? {
        let path = target.prefix { $0 != "?" && $0 != "#" }
        return isOdd(path.utf8) ? resolved(String(path)) : nil
    }

    /// A path as the most lenient server reads it.
    static func resolved(_ path: String) -> String {
        var plain = Array(path.utf8)
        for _ in 0..<roundsMax {
            let next = plain.span.percentDecoded()
            if next.count == plain.count { break }
            plain = next
        }
        var segments: [ArraySlice<UInt8>] = []
        for segment in plain.split(whereSeparator: { isSeparator($0) }) {
            let name = segment.prefix { $0 != UInt8(ascii: ";") }
            if name.elementsEqual("..".utf8) {
                _ = segments.popLast()
            } else if !name.isEmpty, !name.elementsEqual(".".utf8) {
                segments.append(name)
            }
        }
        let bytes = segments.flatMap { [UInt8(ascii: "/")] + $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The segments of a target's path, parted as it is written, then without their escapes.
    static func segments(of target: String) -> [String] {
        target.prefix { $0 != "?" && $0 != "#" }.split(separator: "/").map { segment in
            guard segment.utf8.contains(UInt8(ascii: "%")) else { return String(segment) }
            return String(
                decoding: Array(segment.utf8).span.percentDecoded(), as: UTF8.self)
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\")
    }

    /// Whether two servers may read a path differently.
    private static func isOdd(_ path: Substring.UTF8View) -> Bool {
        var previous: UInt8 = 0
        for byte in path {
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: ";"): return true
            case UInt8(ascii: "."), UInt8(ascii: "/"):
                if previous == UInt8(ascii: "/") { return true }
                previous = byte
            default: previous = byte
            }
        }
        return false
    }
}
