/// A value of a TOML document, and where it begins.
struct TOMLValue: Sendable, Equatable {
    /// What a value may be.
    enum Content: Sendable, Equatable {
        case string(String)
        case integer(Int)
        case float(Double)
        case boolean(Bool)
        case dateTime(TOMLDateTime)
        case array([TOMLValue])
        case table(TOMLTable)
    }

    let location: SourceLocation
    let content: Content
}

extension TOMLValue.Content {
    /// What kind of value this is, as a sentence says it.
    var kind: String {
        switch self {
        case .string: "text"
        case .integer: "a whole number"
        case .float: "a number"
        case .boolean: "true or false"
        case .dateTime(.date): "a date"
        case .dateTime(.time): "a time"
        case .dateTime: "a date with a time"
        case .array: "a list"
        case .table: "a table"
        }
    }
}
