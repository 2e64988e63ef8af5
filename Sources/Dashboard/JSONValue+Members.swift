import JSON
import Primitives

// Values of answers, written as briefly as they are read.
extension JSONValue {
    static func members(_ pairs: KeyValuePairs<String, JSONValue>) -> JSONValue {
        .object(list(pairs))
    }

    static func list(_ pairs: KeyValuePairs<String, JSONValue>) -> [Member] {
        pairs.map { Member($0.key, $0.value) }
    }

    static func int(_ number: Int?) -> JSONValue { number.map { .number("\($0)") } ?? .null }

    static func texts(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }

    /// A moment, of microseconds since 1970.
    static func moment(_ microseconds: Int?) -> JSONValue {
        microseconds.map { .string(Timestamp.text(microseconds: $0)) } ?? .null
    }

    /// Dollars of billionths, with every digit.
    static func dollars(_ nanodollars: Int?) -> JSONValue {
        guard let nanodollars else { return .null }
        let (whole, rest) = nanodollars.quotientAndRemainder(dividingBy: 1_000_000_000)
        let digits = "\(rest)"
        return .number("\(whole)." + String(repeating: "0", count: 9 - digits.count) + digits)
    }
}
