import Primitives

/// A date in a header field, in the one form that is still sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
public enum HTTPDate {
    /// Seconds since 1970; nil for anything else.
    public static func seconds(_ text: Span<UInt8>) -> Int? {
        guard text.count == 29, text.extracting(25..<29).matches(" GMT"),
            let day = text.extracting(5..<7).decimal, let year = text.extracting(12..<16).decimal,
            let hour = text.extracting(17..<19).decimal,
            let minute = text.extracting(20..<22).decimal,
            let second = text.extracting(23..<25).decimal,
            let month = month(text.extracting(8..<11)), year >= 1970, day >= 1, day <= 31,
            hour < 24, minute < 60, second <= 60
        else { return nil }
        // Days before the year, its February at its end (Howard Hinnant's civil calendar).
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func month(_ text: Span<UInt8>) -> Int? {
        let names: [StaticString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        return names.firstIndex { text.matches($0) }.map { $0 + 1 }
    }
}
