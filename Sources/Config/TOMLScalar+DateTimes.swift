extension TOMLScalar {
    /// Whether these bytes are, or go on from, four digits and a hyphen.
    static func beginsDate(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count > 4 && bytes[bytes.startIndex + 4] == UInt8(ascii: "-")
            && bytes.prefix(4).allSatisfy { 0x30...0x39 ~= $0 }
    }

    /// Whether these bytes go on from two digits and a colon.
    static func beginsTime(_ bytes: [UInt8]) -> Bool {
        bytes.count > 2 && bytes[2] == UInt8(ascii: ":")
            && bytes.prefix(2).allSatisfy { 0x30...0x39 ~= $0 }
    }

    /// A date, a time or both.
    static func dateTime(_ bytes: [UInt8]) throws(Refusal) -> TOMLDateTime {
        var index = 0
        if beginsTime(bytes) {
            let time = try time(bytes, &index)
            guard index == bytes.count else { throw Refusal(reason: timeForm) }
            return .time(time)
        }
        let day = try day(bytes, &index)
        if index == bytes.count { return .date(day) }
        guard " Tt".utf8.contains(bytes[index]) else { throw Refusal(reason: dateForm) }
        index += 1
        let time = try time(bytes, &index)
        if index == bytes.count { return .local(day, time) }
        return .offset(day, time, minutes: try offset(bytes, &index))
    }

    private static let dateForm = "no date is written like this; for example 2024-02-29"
    private static let timeForm =
        "no time is written like this; for example 07:32:00 or 07:32:00.5"

    private static func day(
        _ bytes: [UInt8], _ index: inout Int
    ) throws(Refusal) -> TOMLDateTime.Day {
        guard let year = field(bytes, &index, count: 4), skip(bytes, &index, "-"),
            let month = field(bytes, &index, count: 2), skip(bytes, &index, "-"),
            let day = field(bytes, &index, count: 2)
        else { throw Refusal(reason: dateForm) }
        guard let day = TOMLDateTime.Day(year: year, month: month, day: day) else {
            throw Refusal(reason: "no calendar has this date")
        }
        return day
    }

    private static func time(
        _ bytes: [UInt8], _ index: inout Int
    ) throws(Refusal) -> TOMLDateTime.Time {
        guard let hour = field(bytes, &index, count: 2), skip(bytes, &index, ":"),
            let minute = field(bytes, &index, count: 2), skip(bytes, &index, ":"),
            let second = field(bytes, &index, count: 2)
        else { throw Refusal(reason: timeForm) }
        var nanosecond = 0
        if skip(bytes, &index, ".") {
            // Digits beyond nanoseconds are cut off, as the specification wants it.
            var unit = 100_000_000
            let start = index
            while index < bytes.count, let digit = digit(bytes[index], radix: 10) {
                nanosecond += digit * unit
                unit /= 10
                index += 1
            }
            guard index > start else { throw Refusal(reason: timeForm) }
        }
        guard
            let time = TOMLDateTime.Time(
                hour: hour, minute: minute, second: second, nanosecond: nanosecond)
        else { throw Refusal(reason: "no day has this time") }
        return time
    }

    /// Minutes east of UTC, which end the bytes.
    private static func offset(_ bytes: [UInt8], _ index: inout Int) throws(Refusal) -> Int {
        let form = "no offset is written like this; for example Z or +01:00"
        if skip(bytes, &index, "Z") || skip(bytes, &index, "z") {
            guard index == bytes.count else { throw Refusal(reason: form) }
            return 0
        }
        let isWest = skip(bytes, &index, "-")
        guard isWest || skip(bytes, &index, "+"), let hours = field(bytes, &index, count: 2),
            skip(bytes, &index, ":"), let minutes = field(bytes, &index, count: 2),
            index == bytes.count
        else { throw Refusal(reason: form) }
        guard hours < 24, minutes < 60 else {
            throw Refusal(reason: "no offset is this large; allowed: -23:59 to +23:59")
        }
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }

    /// A number of exactly so many digits.
    private static func field(_ bytes: [UInt8], _ index: inout Int, count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[index..<index + count] {
            guard let digit = digit(byte, radix: 10) else { return nil }
            value = value * 10 + digit
        }
        index += count
        return value
    }

    private static func skip(
        _ bytes: [UInt8], _ index: inout Int, _ character: Unicode.Scalar
    ) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }
}
