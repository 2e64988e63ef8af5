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
    /// The session, as the client names it.
    case session
    /// The class of error.
    case errorClass = "class"

    /// A call's group.
    func name(of record: borrowing Record) -> String {
        switch self {
        case .vendor: record.vendor
        case .model: record.model
        case .chain: record.chain
        case .key: record.key
        case .session: record.session
        case .errorClass: record.errorClass
        }
    }

    /// The group of one of a call's attempts: its own vendor, model and failure.
    func name(of attempt: borrowing Record.Attempt, in record: borrowing Record) -> String {
        switch self {
        case .vendor: attempt.vendor
        case .model: attempt.model.isEmpty ? record.model : attempt.model
        case .errorClass: attempt.failure
        case .chain, .key, .session: name(of: record)
        }
    }
}
