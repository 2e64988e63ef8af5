import Glibc

/// Wall-clock times as RFC 3339 writes them, in UTC.
public enum Timestamp {
    /// `2026-11-24T15:00:59.167Z` of microseconds since 1970.
    public static func text(microseconds: Int) -> String {
        var seconds = microseconds / 1_000_000
        let rest = microseconds - seconds * 1_000_000
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        let year = unsafe parts.tm_year + 1900
        let date = unsafe "\(year)-\(pad(parts.tm_mon + 1))-\(pad(parts.tm_mday))"
        let clock = unsafe "\(pad(parts.tm_hour)):\(pad(parts.tm_min)):\(pad(parts.tm_sec))"
        return "\(date)T\(clock).\(pad(Int32(rest / 1000), 3))Z"
    }

    /// Microseconds since 1970 of `2026-11-24`, `2026-11-24T15:00` or a longer form of it, in UTC;
    /// nil for anything else.
    public static func microseconds(_ text: String) -> Int? {
        var text = Substring(text)
        if text.hasSuffix("Z") { text = text.dropLast() }
        let halves = text.split(maxSplits: 1, omittingEmptySubsequences: false) {
            $0 == "T" || $0 == " "
        }
        let date = halves[0].split(separator: "-").map { Int32($0) }
        guard date.count == 3, let year = date[0], let month = date[1], let day = date[2],
            1970...9999 ~= year, 1...12 ~= month, 1...31 ~= day
        else { return nil }
        var parts = unsafe tm()
        unsafe parts.tm_year = year - 1900
        unsafe parts.tm_mon = month - 1
        unsafe parts.tm_mday = day
        var fraction = 0.0
        if halves.count == 2 {
            let clock = halves[1].split(separator: ":")
            guard 2...3 ~= clock.count, let hour = Int32(clock[0]), let minute = Int32(clock[1]),
                0...23 ~= hour, 0...59 ~= minute,
                let seconds = clock.count == 3 ? Double(clock[2]) : 0, 0..<61 ~= seconds
            else { return nil }
            unsafe parts.tm_hour = hour
            unsafe parts.tm_min = minute
            fraction = seconds
        }
        let instant = unsafe timegm(&parts)
        // A day that its month does not have has become one of the next.
        guard unsafe parts.tm_mday == day else { return nil }
        return instant * 1_000_000 + Int(fraction * 1_000_000)
    }

    private static func pad(_ value: Int32, _ width: Int = 2) -> String {
        let text = "\(value)"
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
