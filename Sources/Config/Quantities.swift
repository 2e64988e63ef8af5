public import Primitives

/// Durations and sizes as the configuration spells them.
enum Quantities {
    /// Nanoseconds of `"250ms"`, `"5s"`, `"2m"`, `"1h"`, `"30d"` or `"0"`; nil for anything else.
    static func duration(_ text: String) -> Interval? {
        if text == "0" { return .zero }
        let units: [(String, Int64)] = [
            ("ms", 1_000_000), ("us", 1_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
            ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
        ]
        return amount(text, units).map(Interval.init(nanoseconds:))
    }

    /// Bytes of `"16KiB"`, `"64MiB"`, `"2GiB"`, `"100B"` or `"0"`; nil for anything else.
    static func size(_ text: String) -> Int? {
        if text == "0" { return 0 }
        let units: [(String, Int64)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1),
        ]
        return amount(text, units).map(Int.init)
    }

    /// A size in the largest unit that says it exactly.
    static func describe(bytes: Int) -> String {
        for (size, unit) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        where bytes >= size && bytes % size == 0 {
            return "\(bytes / size)\(unit)"
        }
        return bytes == 0 ? "0" : "\(bytes)B"
    }

    private static func amount(_ text: String, _ units: [(String, Int64)]) -> Int64? {
        for (unit, size) in units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count)
            guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
                let number = Int64(digits)
            else { continue }
            let (product, overflow) = number.multipliedReportingOverflow(by: size)
            return overflow ? nil : product
        }
        return nil
    }
}

extension Configuration {
    /// A duration as the configuration spells it; nil for anything else.
    public static func duration(_ text: String) -> Interval? {
        Quantities.duration(text)
    }
}
