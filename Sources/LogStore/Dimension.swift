/// What statistics are grouped by.
public enum Dimension: String, CaseIterable, Sendable {
    /// The vendor that answered, or was called last.
    case vendor
    /// The model asked for.
    case model
    /// The chain.
    case chain
    /// The digest of the caller's key.
    case key
    /// The group of the caller's key.
    case group
    /// The session, as the client names it.
    case session
    /// The class of error.
    case errorClass = "class"

    /// Its column in tables of sums.
    var column: String { self == .group ? "key_group" : rawValue }

    /// A call's group.
    func name(of record: borrowing Record) -> String {
        switch self {
        case .vendor: record.vendor
        case .model: record.model
        case .chain: record.chain
        case .key: record.key
        case .group: record.group
        case .session: record.session
        case .errorClass: record.errorClass
        }
    }

    /// The group of one of a call's attempts: its own vendor, model and failure.
    func name(of attempt: borrowing Record.Attempt, in record: borrowing Record) -> String {
        switch self {
        case .vendor: attempt.vendor
        case .model: attempt.model.isEmpty ? record.model : attempt.model
        case .errorClass: attempt.errorClass
        case .chain, .key, .group, .session: name(of: record)
        }
    }
}
