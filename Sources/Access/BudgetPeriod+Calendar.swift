public import Config

// Counted from days since 1970 in UTC: no zone, and no day of 23 hours.
extension BudgetPeriod {
    private static let day = 86_400_000
    private static let hour = 3_600_000

    /// The beginning of the period that an instant lies in, in milliseconds since 1970.
    public func start(of instant: Int) -> Int {
        let day = Self.floor(instant, Self.day)
        switch self {
        case .hour: return Self.floor(instant, Self.hour) * Self.hour
        case .day: return day * Self.day
        // The first day of 1970 was a Thursday.
        case .week: return (day - Self.remainder(day + 3, 7)) * Self.day
        case .month: return (day - Self.dayOfMonth(day)) * Self.day
        }
    }

    /// The end of the period that an instant lies in, which is the beginning of the next.
    public func end(of instant: Int) -> Int {
        let start = start(of: instant)
        switch self {
        case .hour: return start + Self.hour
        case .day: return start + Self.day
        case .week: return start + 7 * Self.day
        // 31 days later is in the next month, whatever month this is.
        case .month: return self.start(of: start + 31 * Self.day)
        }
    }

    private static func floor(_ number: Int, _ size: Int) -> Int {
        (number - remainder(number, size)) / size
    }

    private static func remainder(_ number: Int, _ size: Int) -> Int {
        let rest = number % size
        return rest < 0 ? rest + size : rest
    }

    /// Days of the month before a day since 1970.
    ///
    /// Years are counted from March, so that a leap day is the last of one: Howard Hinnant's
    /// civil_from_days.
    private static func dayOfMonth(_ day: Int) -> Int {
        let shifted = day + 719_468
        let ofEra = remainder(shifted, 146_097)
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        return ofYear - (153 * month + 2) / 5
    }
}
