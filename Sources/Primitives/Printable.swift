/// Texts from clients and vendors, made safe for a terminal.
public enum Printable {
    /// A text without characters that a terminal obeys or that turn the direction of writing: each
    /// is written as `\u001B` is.
    ///
    /// `keepsLines`: ends of lines and tabs stay.
    public static func text(_ text: String, keepsLines: Bool = false) -> String {
        // Most texts have none, and pages of lines are long.
        guard text.utf8.contains(where: { mayBegin($0) && !(keepsLines && isLayout($0)) }),
            text.unicodeScalars.contains(where: { isObeyed($0) && !(keepsLines && isLayout($0)) })
        else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isObeyed(scalar), !(keepsLines && isLayout(scalar)) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Whether such a character may begin with a byte: most texts have none.
    private static func mayBegin(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == 0x7F || byte == 0xC2 || byte == 0xD8 || byte == 0xE2
    }

    private static func isLayout(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
    }

    private static func isLayout(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\n" || scalar == "\t"
    }

    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // C0, DEL and C1.
        case 0..<0x20, 0x7F..<0xA0: true
        // Ends of lines, and marks that turn the direction of writing.
        case 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
