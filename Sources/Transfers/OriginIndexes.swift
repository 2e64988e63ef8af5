/// The indexes of origins in the pools of the lanes, the same for the same origin as long as the
/// process lives: libcurl keeps connections by scheme, host, port and proxy alone.
public struct OriginIndexes: Sendable {
    private struct Way: Hashable {
        let origin: Endpoint.Origin
        let proxy: Proxy?
    }

    private var indexes: [Way: Int] = [:]

    /// No origin has an index yet.
    public init() {}

    /// The index of an origin, by way of a proxy or not; the next free one if it is new.
    public mutating func index(of origin: Endpoint.Origin, via proxy: Proxy? = nil) -> Int {
        let way = Way(origin: origin, proxy: proxy)
        if let index = indexes[way] { return index }
        let index = indexes.count
        indexes[way] = index
        return index
    }
}
