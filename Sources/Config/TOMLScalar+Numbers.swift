extension TOMLScalar {
    /// A number, in any of four bases or with a fraction or an exponent.
    static func number(_ bytes: [UInt8]) throws(Refusal) -> TOMLValue.Content {
        var isNegative = false
        var index = 0
        if bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-") {
            isNegative = bytes[0] == UInt8(ascii: "-")
            index = 1
        }
        if index + 1 < bytes.count, bytes[index] == UInt8(ascii: "0"),
            let radix = radix(bytes[index + 1])
        {
            guard index == 0 else { throw Refusal(reason: "no sign may stand before 0x, 0o or 0b") }
            index = 2
            let digits = try digits(bytes, &index, radix: radix)
            guard index == bytes.count else { throw Refusal(reason: unreadable) }
            return .integer(try integer(digits, radix: radix, isNegative: false))
        }
        let whole = try digits(bytes, &index, radix: 10)
        guard whole.count == 1 || whole[0] != UInt8(ascii: "0") else {
            throw Refusal(reason: "no 0 may stand before the other digits of a number")
        }
        if index == bytes.count {
            return .integer(try integer(whole, radix: 10, isNegative: isNegative))
        }
        var text = (isNegative ? [UInt8(ascii: "-")] : []) + whole
        if bytes[index] == UInt8(ascii: ".") {
            index += 1
            text += [UInt8(ascii: ".")] + (try digits(bytes, &index, radix: 10))
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            text.append(UInt8(ascii: "e"))
            if index < bytes.count,
                bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-")
            {
                text.append(bytes[index])
                index += 1
            }
            text += try digits(bytes, &index, radix: 10)
        }
        guard index == bytes.count, let value = Double(String(decoding: text, as: UTF8.self)) else {
            throw Refusal(reason: unreadable)
        }
        guard value.isFinite else {
            throw Refusal(reason: "a number beyond those of 64 bits; the largest is 1.79e308")
        }
        return .float(value)
    }

    private static let unreadable =
        "no number, date or time is written like this; text stands in quotes"

    private static func radix(_ letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "x"): 16
        case UInt8(ascii: "o"): 8
        case UInt8(ascii: "b"): 2
        default: nil
        }
    }

    /// The digits from an index on, one at least, without the underscores between them.
    private static func digits(
        _ bytes: [UInt8], _ index: inout Int, radix: Int
    ) throws(Refusal) -> [UInt8] {
        var digits: [UInt8] = []
        var isAfterDigit = false
        while index < bytes.count {
            if digit(bytes[index], radix: radix) != nil {
                digits.append(bytes[index])
                isAfterDigit = true
            } else if bytes[index] == UInt8(ascii: "_") {
                guard isAfterDigit else { throw Refusal(reason: underscore) }
                isAfterDigit = false
            } else {
                break
            }
            index += 1
        }
        guard isAfterDigit else {
            throw Refusal(reason: digits.isEmpty ? unreadable : underscore)
        }
        return digits
    }

    private static let underscore = "an underscore in a number must stand between two digits"

    private static func integer(
        _ digits: [UInt8], radix: Int, isNegative: Bool
    ) throws(Refusal) -> Int {
        var value = 0
        for byte in digits {
            let digit = digit(byte, radix: radix) ?? 0
            let (product, overflows) = value.multipliedReportingOverflow(by: radix)
            // Below zero there is one more than above it.
            let (sum, overflowsToo) =
                isNegative
                ? product.subtractingReportingOverflow(digit)
                : product.addingReportingOverflow(digit)
            guard !overflows, !overflowsToo else {
                throw Refusal(
                    reason: "a whole number beyond 64 bits; allowed: \(Int.min) to \(Int.max)")
            }
            value = sum
        }
        return value
    }
}
