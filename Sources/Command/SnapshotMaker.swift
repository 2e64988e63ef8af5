import Access
import Config
import Cryptography
import Gateway
import Primitives
import Reactor
import Routing
import Transfers

/// Makes a configuration's vendors and chains into a routing snapshot: loads authorities, has
/// names looked up, and gives origins their indexes.
///
/// One for the life of a process: its names and indexes outlive a routing snapshot.
final class SnapshotMaker {
    private let addresses: AddressBook
    private var indexes = OriginIndexes()
    /// By the bundle's path: what was loaded, and what the bundle held then.
    ///
    /// An unchanged bundle stays the same store: connections that it verified stay in use, and
    /// its memory exists once.
    private var stores: [String: (fingerprint: String?, store: TrustStore)] = [:]

    /// What was loaded last, by the bundle's path.
    var trust: [String: TrustStore] { stores.mapValues(\.store) }

    init() throws(SystemError) {
        addresses = try AddressBook(hosts: [])
    }

    /// A routing snapshot of a configuration.
    ///
    /// Throws, and changes nothing, where a vendor cannot be called.
    ///
    /// `isAgain`: clients are being served, so that nothing here may block.
    func make(
        _ configuration: Configuration, access: AccessPlan?, isAgain: Bool = false
    ) throws(Composition.StartError) -> SnapshotPlan {
        for vendor in configuration.vendors where !Endpoint.canBeAsked(Self.origin(vendor)) {
            throw Composition.StartError(
                description: "vendor \(vendor.name): libcurl cannot parse \(vendor.baseURL)"
            )
        }
        let trust = try loadTrust(configuration, isAgain: isAgain)
        do {
            try addresses.adopt(Set(configuration.vendors.compactMap(Self.nameToResolve)))
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
        stores = trust
        let routing = RoutingTable(configuration)
        return SnapshotPlan(
            routing: routing, health: Health(targetCount: routing.targetCount),
            endpoints: configuration.vendors.map { endpoint($0, trust[$0.caFile]?.store) },
            access: access
        )
    }

    /// Looks no name up any more.
    func end() {
        addresses.stop()
    }

    /// An endpoint belongs to the thread that makes it; this closure may go to that thread.
    private func endpoint(_ vendor: Vendor, _ trust: TrustStore?) -> @Sendable () -> Endpoint? {
        let origin = Self.origin(vendor)
        let proxy = Self.proxy(vendor)
        let index = indexes.index(of: origin, via: proxy)
        let entry = Self.nameToResolve(vendor).flatMap { addresses.entry(for: $0) }
        let name = vendor.name
        let isTrusting = Self.isTrusting(vendor)
        return {
            Endpoint(
                name: name, origin: origin, index: index,
                trust: isTrusting ? trust : nil, addresses: entry, proxy: proxy
            )
        }
    }

    private func loadTrust(
        _ configuration: Configuration, isAgain: Bool
    ) throws(Composition.StartError) -> [String: (fingerprint: String?, store: TrustStore)] {
        var loaded: [String: (fingerprint: String?, store: TrustStore)] = [:]
        for vendor in configuration.vendors
        where Self.isTrusting(vendor) && loaded[vendor.caFile] == nil {
            // Before it is loaded: a change in between is seen the next time.
            let fingerprint = TrustStore.fingerprint(of: vendor.caFile)
            guard fingerprint != nil || !isAgain else {
                throw Composition.StartError(
                    description: "vendor \(vendor.name): cannot load certificates from "
                        + "\(vendor.caFile): not there, not readable or no regular file")
            }
            if let known = stores[vendor.caFile], fingerprint != nil,
                known.fingerprint == fingerprint
            {
                loaded[vendor.caFile] = known
                continue
            }
            do {
                loaded[vendor.caFile] = (fingerprint, try TrustStore(file: vendor.caFile))
            } catch {
                throw Composition.StartError(description: "vendor \(vendor.name): \(error)")
            }
        }
        return loaded
    }

    /// The name of the host that is connected to for a vendor: the proxy's where there is one, and
    /// the vendor's is the proxy's to look up; nil where it is an address.
    private static func nameToResolve(_ vendor: Vendor) -> String? {
        if let proxy = proxy(vendor) { return proxy.needsResolution ? proxy.host : nil }
        let origin = origin(vendor)
        return origin.needsResolution ? origin.host : nil
    }

    /// Whether a certificate is verified on the way to a vendor: its own, or its proxy's.
    private static func isTrusting(_ vendor: Vendor) -> Bool {
        vendor.scheme == "https" || vendor.proxy?.scheme == "https"
    }

    static func proxy(_ vendor: Vendor) -> Proxy? {
        vendor.proxy.map {
            Proxy(
                scheme: $0.scheme, host: $0.host, port: $0.port, user: $0.user,
                password: $0.password)
        }
    }

    private static func origin(_ vendor: Vendor) -> Endpoint.Origin {
        Endpoint.Origin(scheme: vendor.scheme, host: vendor.host, port: vendor.port)
    }
}
