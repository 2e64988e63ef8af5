/// A date, a time, or both, as TOML has them.
enum TOMLDateTime: Sendable, Hashable {
    /// With minutes east of UTC.
    case offset(Day, Time, minutes: Int)
    case local(Day, Time)
    case date(Day)
    case time(Time)

    /// A day of the calendar; nil for a day that no month has.
    struct Day: Sendable, Hashable {
        let year: Int
        let month: Int
        let day: Int

        init?(year: Int, month: Int, day: Int) {
            guard 1...12 ~= month, 1...Self.length(ofMonth: month, in: year) ~= day else {
                return nil
            }
            (self.year, self.month, self.day) = (year, month, day)
        }

        private static func length(ofMonth month: Int, in year: Int) -> Int {
            switch month {
            case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
            case 4, 6, 9, 11: 30
            default: 31
            }
        }
    }

    /// A time of the day; nil for one that no day has.
    struct Time: Sendable, Hashable {
        let hour: Int
        let minute: Int
        let second: Int
        let nanosecond: Int

        /// The second 60 is a leap second: RFC 3339 allows it, and only a table could say which
        /// days have one.
        init?(hour: Int, minute: Int, second: Int, nanosecond: Int) {
            guard 0...23 ~= hour, 0...59 ~= minute, 0...60 ~= second else { return nil }
            (self.hour, self.minute) = (hour, minute)
            (self.second, self.nanosecond) = (second, nanosecond)
        }
    }
}
