import Primitives

/// Numbers as people read them.
enum Figure {
    /// `1.2 ms`, `350 ms`, `4.5 s`, `2 m 5 s` of microseconds.
    static func time(_ microseconds: Int?) -> String {
        guard let microseconds else { return "–" }
        switch microseconds {
        case ..<10_000: return "\(tenths(microseconds, 1000)) ms"
        case ..<1_000_000: return "\((microseconds + 500) / 1000) ms"
        case ..<60_000_000: return "\(tenths(microseconds, 1_000_000)) s"
        default:
            let seconds = microseconds / 1_000_000
            return "\(seconds / 60) m \(seconds % 60) s"
        }
    }

    /// `1.2k`, `35M`.
    static func count(_ number: Int?) -> String {
        guard let number else { return "–" }
        switch number {
        case ..<10_000: return "\(number)"
        case ..<10_000_000: return "\(tenths(number, 1000))k"
        default: return "\(tenths(number, 1_000_000))M"
        }
    }

    /// `134 B`, `12.5 KiB`.
    static func bytes(_ number: Int) -> String {
        switch number {
        case ..<1024: return "\(number) B"
        case ..<(1 << 20): return "\(tenths(number, 1 << 10)) KiB"
        default: return "\(tenths(number, 1 << 20)) MiB"
        }
    }

    /// `$0.0123`.
    static func money(nanodollars: Int?) -> String {
        guard let nanodollars else { return "–" }
        let micro = (nanodollars + 500) / 1000
        let digits = "\(micro % 1_000_000)"
        return "$\(micro / 1_000_000)."
            + String(repeating: "0", count: 6 - digits.count) + digits
    }

    /// `$0.001234`, `$12.3457`, `$1234.57`: as narrow as the sum allows.
    static func shortMoney(nanodollars: Int?) -> String {
        guard let nanodollars else { return "–" }
        let digits = nanodollars < 10_000_000 ? 6 : nanodollars < 100_000_000_000 ? 4 : 2
        var unit = 1
        for _ in digits..<9 { unit *= 10 }
        let whole = nanodollars / unit + (nanodollars % unit * 2 >= unit ? 1 : 0)
        let scale = 1_000_000_000 / unit
        let rest = "\(whole % scale)"
        return "$\(whole / scale)."
            + String(repeating: "0", count: digits - rest.count) + rest
    }

    /// `93 %` of a share; `–` without a whole.
    static func share(_ part: Int, of whole: Int) -> String {
        whole > 0 ? "\(Int((Double(part) / Double(whole) * 100).rounded())) %" : "–"
    }

    /// `11-24 15:00:01` of microseconds since 1970.
    static func moment(_ microseconds: Int) -> String {
        String(Timestamp.text(microseconds: microseconds).dropFirst(5).dropLast(5))
            .replacingScalars("T", with: " ")
    }

    private static func tenths(_ number: Int, _ unit: Int) -> String {
        let tenths = (number * 10 + unit / 2) / unit
        return "\(tenths / 10).\(tenths % 10)"
    }
}
