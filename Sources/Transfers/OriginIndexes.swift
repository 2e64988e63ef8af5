/// The indexes of origins in the pools of the lanes, the same for the same origin as long as the
/// process lives: libcurl keeps connections by scheme, host and port alone.
public struct OriginIndexes: Sendable {
    private var indexes: [Endpoint.Origin: Int] = [:]

    /// No origin has an index yet.
    public init() {}

    /// The index of an origin, the next free one if it is new.
    public mutating func index(of origin: Endpoint.Origin) -> Int {
        if let index = indexes[origin] { return index }
        let index = indexes.count
        indexes[origin] = index
        return index
    }
}
