@testable import Config

/// Documents and their trees as text: `{a: 1, b: ["x", 07:32:00]}`, keys in the document's order.
enum TOMLTree {
    static func read(_ document: String) throws -> String {
        text(try TOMLReader.read(Array(document.utf8)))
    }

    /// The faults of a document, each `line:column: message`.
    static func faults(of document: String) -> [String] { faults(of: Array(document.utf8)) }

    static func faults(of document: [UInt8]) -> [String] {
        do {
            _ = try TOMLReader.read(document)
            return []
        } catch {
            return error.faults.map { "\($0.location.line):\($0.location.column): \($0.message)" }
        }
    }

    static func text(_ table: TOMLTable) -> String {
        let entries = table.entries.map { entry in
            let isBare =
                !entry.key.isEmpty
                && entry.key.utf8.allSatisfy { byte in
                    byte == 0x5F || byte == 0x2D || 0x30...0x39 ~= byte || 0x41...0x5A ~= byte
                        || 0x61...0x7A ~= byte
                }
            return "\(isBare ? entry.key : quoted(entry.key)): \(text(entry.value))"
        }
        return "{\(entries.joined(separator: ", "))}"
    }

    private static func text(_ value: TOMLValue) -> String {
        switch value.content {
        case .string(let text): quoted(text)
        case .integer(let number): "\(number)"
        case .float(let number): "\(number)"
        case .boolean(let flag): "\(flag)"
        case .dateTime(let date): text(date)
        case .array(let elements): "[\(elements.map { text($0) }.joined(separator: ", "))]"
        case .table(let table): text(table)
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}", "\u{D7FF}", "\u{E000}", "\u{FEFF}", "\u{FFFF}",
                "\u{10FFFF}":
                quoted += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: quoted += String(scalar)
            }
        }
        return quoted + "\""
    }

    private static func text(_ value: TOMLDateTime) -> String {
        switch value {
        case .date(let day): return text(day)
        case .time(let time): return text(time)
        case .local(let day, let time): return "\(text(day))T\(text(time))"
        case .offset(let day, let time, let minutes):
            let sign = minutes < 0 ? "-" : "+"
            let hours = "\(digits(abs(minutes) / 60, 2)):\(digits(abs(minutes) % 60, 2))"
            return "\(text(day))T\(text(time))\(minutes == 0 ? "Z" : sign + hours)"
        }
    }

    private static func text(_ day: TOMLDateTime.Day) -> String {
        "\(digits(day.year, 4))-\(digits(day.month, 2))-\(digits(day.day, 2))"
    }

    private static func text(_ time: TOMLDateTime.Time) -> String {
        var text = "\(digits(time.hour, 2)):\(digits(time.minute, 2)):\(digits(time.second, 2))"
        guard time.nanosecond > 0 else { return text }
        text += ".\(digits(time.nanosecond, 9))"
        while text.hasSuffix("0") { text.removeLast() }
        return text
    }

    private static func digits(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
