/// Values that stand without quotes or brackets: true and false, numbers, dates and times.
enum TOMLScalar {
    /// Why bytes are no such value.
    struct Refusal: Error {
        let reason: String
    }

    /// How long one may be: nothing that 64 bits hold needs as much.
    private static let longest = 1000

    /// Whether such a value may hold a byte.
    static func holds(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// The value of some bytes, all of which ``holds(_:)`` or a space between date and time.
    static func read(_ bytes: [UInt8]) throws(Refusal) -> TOMLValue.Content {
        if bytes == Array("true".utf8) { return .boolean(true) }
        if bytes == Array("false".utf8) { return .boolean(false) }
        guard bytes.count <= longest else {
            throw Refusal(reason: "a number or a word of more than \(longest) bytes")
        }
        if beginsDate(bytes[...]) || beginsTime(bytes) { return .dateTime(try dateTime(bytes)) }
        let isSigned = bytes.first == UInt8(ascii: "+") || bytes.first == UInt8(ascii: "-")
        let magnitude = bytes.dropFirst(isSigned ? 1 : 0)
        if magnitude.elementsEqual("inf".utf8) {
            return .float(bytes.first == UInt8(ascii: "-") ? -.infinity : .infinity)
        }
        if magnitude.elementsEqual("nan".utf8) { return .float(.nan) }
        if let first = bytes.first, isSigned || digit(first, radix: 10) != nil {
            return try number(bytes)
        }
        let lowercase = bytes.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }
        for word in ["true", "false", "inf", "nan"] where lowercase.elementsEqual(word.utf8) {
            throw Refusal(reason: "\(word) is written in small letters")
        }
        throw Refusal(reason: "no value begins like this; text stands in quotes")
    }

    /// What a digit is worth; nil for a byte that is none in this base.
    static func digit(_ byte: UInt8, radix: Int) -> Int? {
        let value: Int
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): value = Int(byte - UInt8(ascii: "A")) + 10
        default: return nil
        }
        return value < radix ? value : nil
    }
}
