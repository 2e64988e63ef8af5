@testable import Config

/// The walk that finds where keys stand, in texts that are no TOML too.
///
/// The TOML library itself is left out: it is known to end the process at some texts.
enum PlacesFuzz {
    static func run(_ input: FuzzInput) {
        let places = KeyPlaces(String(decoding: input.bytes, as: UTF8.self))
        _ = places.nearestPlace("chains[0].targets[1].vendor")
        _ = places.badHeader
    }
}
