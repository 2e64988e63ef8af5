/// The detached exchanges of one worker.
struct DetachedExchanges: ~Copyable {
    private(set) var all: ContiguousArray<RequestExchange> = []
    /// Those that have reached a bound: the end of the turn ends them.
    private var stopping: ContiguousArray<RequestExchange> = []

    var isEmpty: Bool { all.isEmpty }
    var first: RequestExchange? { all.first }

    mutating func append(_ exchange: RequestExchange) {
        all.append(exchange)
    }

    mutating func remove(_ exchange: RequestExchange) {
        all.removeAll { $0 === exchange }
    }

    mutating func needsStop(_ exchange: RequestExchange) {
        stopping.append(exchange)
    }

    mutating func nextToStop() -> RequestExchange? { stopping.popLast() }
}
