/// The places of origins in the pools of the lanes, the same for the same origin as long as the
/// process lives: libcurl keeps connections by scheme, host and port, whoever opened them.
public struct OriginPlaces: Sendable {
    private var places: [Endpoint.Origin: Int] = [:]

    /// No origin has a place yet.
    public init() {}

    /// The place of an origin, the next free one if it is new.
    public mutating func place(of origin: Endpoint.Origin) -> Int {
        if let place = places[origin] { return place }
        let place = places.count
        places[origin] = place
        return place
    }
}
