import LogStore
import Primitives

/// What the page asks of the record, or of the gateway's state, away from the control loop.
enum PageQuestion: Equatable, Sendable {
    /// The gateway now, and the last hour by minutes.
    case now
    /// The same again and again.
    case live
    case calls(RecordFilter, limit: Int)
    /// Records as they are stored.
    case tail(RecordFilter)
    case call(String)
    /// A body of a call, as it is read or byte for byte.
    case body(String, isRequest: Bool, isRaw: Bool)
    case sums(RecordFilter, [Dimension])
    /// Sums of each day.
    case days(RecordFilter)
    /// Sums since a moment: of each day, and by each of what money is asked by.
    case spend(Int)
    case sessions(RecordFilter, limit: Int)
    /// A session with its calls.
    case session(String)

    /// Records of a page at most.
    private static let limitMax = 500
    /// How far back sums of days, and sessions, go where nothing is said.
    private static let usualReach = 7 * 86_400 * 1_000_000

    /// The question that a path asks; nil where it is none.
    init?(
        path: String, _ parameters: PageParameters, now: Int, readsContent: Bool
    ) throws(PageParameters.Fault) {
        let parts = path.split(separator: "/").map(String.init)
        func filter() throws(PageParameters.Fault) -> RecordFilter {
            try parameters.filter(now: now, readsContent: readsContent)
        }
        func listed() throws(PageParameters.Fault) -> RecordFilter {
            var filter = try filter()
            filter.failedAt = parameters["failed_at"]
            return filter
        }
        func recent() throws(PageParameters.Fault) -> RecordFilter {
            var filter = try filter()
            filter.since = filter.since ?? now - Self.usualReach
            return filter
        }
        switch (parts.first, parts.count) {
        case ("now", 1): self = .now
        case ("live", 1): self = .live
        case ("calls", 1):
            self = .calls(
                try listed(),
                limit: try parameters.number("limit", in: 1...Self.limitMax, else: 100))
        case ("tail", 1): self = .tail(try listed())
        case ("calls", 2): self = .call(try Self.name(parts[1]))
        case ("calls", 3) where parts[2] == "request" || parts[2] == "response":
            self = .body(
                try Self.name(parts[1]), isRequest: parts[2] == "request",
                isRaw: parameters["raw"] == "1")
        case ("stats", 1): self = .sums(try recent(), try parameters.dimensions())
        case ("days", 1): self = .days(try recent())
        case ("spend", 1): self = .spend(try recent().since ?? 0)
        case ("sessions", 1):
            self = .sessions(
                try recent(), limit: try parameters.number("limit", in: 1...200, else: 50))
        case ("session", 1):
            guard let name = parameters["name"] else {
                throw PageParameters.Fault(description: "name: is needed")
            }
            self = .session(name)
        default: return nil
        }
    }

    /// The name of a call, or its beginning.
    private static func name(_ text: String) throws(PageParameters.Fault) -> String {
        guard text.utf8.count >= 4,
            text.utf8.allSatisfy({ 0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 })
        else { throw PageParameters.Fault(description: "a call's name has letters and digits") }
        return text
    }

    /// Whether it shows what clients and vendors wrote.
    var isContent: Bool {
        if case .body = self { true } else { false }
    }
}
