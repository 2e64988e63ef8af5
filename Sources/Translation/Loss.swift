/// Something of a body that its translation does not say, or says in another way.
public struct Loss: Hashable, Sendable, CustomStringConvertible {
    /// What happened to it.
    public enum Kind: String, Sendable {
        /// It is not said at all.
        case dropped = "-"
        /// It is said with a shifted meaning.
        case changed = "~"
        /// The target needs it, and the source did not say it.
        case invented = "+"
    }

    /// What happened.
    public let kind: Kind
    /// Where it stands in the source, or for an invention in the target.
    public let path: String
    /// Whether the answer is the same without it: what only costs money or time.
    public let isHarmless: Bool

    /// Something at a path that is not said.
    init(dropped path: String) {
        self.init(kind: .dropped, path: path, isHarmless: false)
    }

    init(kind: Kind, path: String, isHarmless: Bool) {
        (self.kind, self.path, self.isHarmless) = (kind, path, isHarmless)
    }

    /// As it stands in a header: a sign and a path.
    public var description: String { kind.rawValue + path }
}

/// What a translation could not say, each thing once.
struct LossList: Sendable {
    private(set) var entries: [Loss] = []
    private var known: Set<Loss> = []

    mutating func drop(_ path: String, isHarmless: Bool = false) {
        insert(Loss(kind: .dropped, path: path, isHarmless: isHarmless))
    }

    mutating func change(_ path: String) {
        insert(Loss(kind: .changed, path: path, isHarmless: false))
    }

    mutating func invent(_ path: String) {
        insert(Loss(kind: .invented, path: path, isHarmless: false))
    }

    mutating func insert(_ loss: Loss) {
        if known.insert(loss).inserted { entries.append(loss) }
    }
}

/// Why a body cannot be said in another form.
public struct Refusal: Error, Equatable, Sendable {
    /// The status that the client gets.
    public let status: Int
    /// Where the reason stands in the client's body.
    public let field: String
    /// The reason, for people.
    public let reason: String

    init(_ field: String, _ reason: String, status: Int = 400) {
        self.status = status
        self.field = field
        self.reason = reason
    }
}
