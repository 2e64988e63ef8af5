/// How many columns of a terminal a text takes.
enum DisplayWidth {
    /// The columns of a text.
    static func of(_ text: String) -> Int {
        // Most texts are ASCII, and need no table.
        if isPlain(text) { return text.utf8.count }
        return text.reduce(0) { $0 + of($1) }
    }

    /// Whether each byte of a text is a character that takes one column.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { 0x20..<0x7F ~= $0 }
    }

    /// A text that takes so many columns at most; one that is cut ends with `…`.
    static func cut(_ text: String, to width: Int) -> String {
        guard of(text) > width else { return text }
        if width > 0, isPlain(text) {
            return String(decoding: text.utf8.prefix(width - 1), as: UTF8.self) + "…"
        }
        var kept = ""
        var used = 0
        for character in text {
            used += of(character)
            guard used < width else { break }
            kept.append(character)
        }
        return width > 0 ? kept + "…" : ""
    }

    /// A text in pieces of so many columns at most, cut at spaces where there are any.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            var word = String(word)
            if !line.isEmpty, of(line) + 1 + of(word) > width {
                lines.append(line)
                line = ""
            }
            while of(word) > width {
                var piece = ""
                while let next = word.first, piece.isEmpty || of(piece) + of(next) <= width {
                    piece.append(next)
                    word.removeFirst()
                }
                lines.append(piece)
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + (line.isEmpty && !lines.isEmpty ? [] : [line])
    }

    private static func of(_ character: Character) -> Int {
        if character.isASCII { return 1 }
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        // An emoji is wide, or made so by the selector behind it.
        let isWide =
            isWide(first.value) || first.properties.isEmojiPresentation
            || character.unicodeScalars.contains { $0.value == 0xFE0F }
        return isWide ? 2 : 1
    }

    /// Whether Unicode's East Asian Width is wide or full.
    private static func isWide(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
