/// The forms in which programs encode a secret: a vendor that repeats it, a client that sends it.
///
/// These are the forms of ordinary programs. A writer that hides a secret on purpose has others.
enum SecretForms {
    /// Fewer letters of Base64 stand in too many other texts.
    private static let base64BytesMin = 10

    /// A secret as it is, and as JSON, JSON in JSON, URLs and Base64 have it.
    static func all(of plain: [UInt8]) -> Set<[UInt8]> {
        let once = escapedForJSON(plain, "\"\\")
        var forms: Set<[UInt8]> = [
            plain, once,
            // A tool's arguments are JSON in a string of JSON.
            escapedForJSON(once, "\"\\"),
            escapedForJSON(plain, "\"\\/"),
        ]
        for digits in ["0123456789abcdef", "0123456789ABCDEF"].map({ Array($0.utf8) }) {
            forms.insert(escapedForURL(plain, digits))
            // Encoders that write for web pages, with numbers instead of signs.
            forms.insert(escapedForJSON(once, "<>&", digits))
            forms.insert(escapedForJSON(plain, "\"<>&'+`", digits))
        }
        // In Base64 the bytes before it, such as a user's name, shift its letters.
        for shift in 0..<3 {
            let letters = base64(plain, after: shift)
            guard letters.count >= base64BytesMin else { continue }
            forms.insert(letters)
            forms.insert(
                letters.map { byte in
                    switch byte {
                    case UInt8(ascii: "+"): UInt8(ascii: "-")
                    case UInt8(ascii: "/"): UInt8(ascii: "_")
                    default: byte
                    }
                })
        }
        return forms
    }

    /// Puts a backslash before some signs.
    private static func escapedForJSON(
        _ bytes: [UInt8], _ signs: StaticString
    ) -> [UInt8] {
        bytes.flatMap { byte -> [UInt8] in
            signs.holds(byte) ? [UInt8(ascii: "\\"), byte] : [byte]
        }
    }

    /// Writes some signs as `\u00XX`.
    private static func escapedForJSON(
        _ bytes: [UInt8], _ signs: StaticString, _ digits: [UInt8]
    ) -> [UInt8] {
        bytes.flatMap { byte -> [UInt8] in
            signs.holds(byte)
                ? Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]] : [byte]
        }
    }

    private static func escapedForURL(_ bytes: [UInt8], _ digits: [UInt8]) -> [UInt8] {
        bytes.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                [byte]
            default: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    /// The letters of Base64 that bytes alone decide when `shift` others stand before them.
    private static func base64(_ bytes: [UInt8], after shift: Int) -> [UInt8] {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        func bit(_ index: Int) -> Int {
            let bit = index - 8 * shift
            return Int(bytes[bit / 8] >> UInt8(7 - bit % 8) & 1)
        }
        // The first letter whose six bits all lie in the bytes, and the one behind the last.
        let first = (8 * shift + 5) / 6
        let end = 8 * (shift + bytes.count) / 6
        return (first..<max(first, end)).map { letter in
            alphabet[(0..<6).reduce(0) { $0 << 1 | bit(6 * letter + $1) }]
        }
    }
}

extension StaticString {
    fileprivate func holds(_ byte: UInt8) -> Bool {
        description.utf8.contains(byte)
    }
}
