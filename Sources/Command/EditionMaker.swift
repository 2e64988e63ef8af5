import Config
import Cryptography
import Gateway
import Primitives
import Reactor
import Routing
import Transfers

/// Makes of a configuration's vendors and chains what workers serve by: loads authorities, has
/// names looked up, and gives origins their places.
///
/// One for the life of a process: what it knows of names and places outlives an edition.
final class EditionMaker {
    private let addresses: AddressBook
    private var places = OriginPlaces()

    init() throws(SystemError) {
        addresses = try AddressBook(hosts: [])
    }

    /// An edition of a configuration; throws, and changes nothing, where a vendor cannot be asked.
    func make(_ configuration: Configuration) throws(Composition.StartError) -> EditionPlan {
        for vendor in configuration.vendors where !Endpoint.canBeAsked(Self.origin(vendor)) {
            throw Composition.StartError(
                description: "vendor \(vendor.name): libcurl cannot parse \(vendor.baseURL)"
            )
        }
        let trust = try Self.loadTrust(configuration)
        let names = configuration.vendors.map(Self.origin).filter(\.needsResolution).map(\.host)
        do {
            try addresses.follow(Set(names))
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
        let routing = RoutingTable(configuration)
        return EditionPlan(
            routing: routing, health: Health(targetCount: routing.targetCount),
            endpoints: configuration.vendors.map { endpoint($0, trust[$0.caFile]) }
        )
    }

    /// Looks no name up any more.
    func end() {
        addresses.stop()
    }

    /// An endpoint belongs to the thread that makes it; what it is made of may travel.
    private func endpoint(_ vendor: Vendor, _ trust: TrustStore?) -> @Sendable () -> Endpoint? {
        let origin = Self.origin(vendor)
        let place = places.place(of: origin)
        let entry = addresses.entry(for: origin.host)
        let name = vendor.name
        return {
            Endpoint(
                name: name, origin: origin, index: place,
                trust: origin.scheme == "https" ? trust : nil, addresses: entry
            )
        }
    }

    private static func loadTrust(
        _ configuration: Configuration
    ) throws(Composition.StartError) -> [String: TrustStore] {
        var stores: [String: TrustStore] = [:]
        for vendor in configuration.vendors
        where vendor.scheme == "https" && stores[vendor.caFile] == nil {
            do {
                stores[vendor.caFile] = try TrustStore(file: vendor.caFile)
            } catch {
                throw Composition.StartError(description: "vendor \(vendor.name): \(error)")
            }
        }
        return stores
    }

    private static func origin(_ vendor: Vendor) -> Endpoint.Origin {
        Endpoint.Origin(scheme: vendor.scheme, host: vendor.host, port: vendor.port)
    }
}
