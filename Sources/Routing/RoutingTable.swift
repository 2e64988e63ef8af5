public import Config
public import Dialects
public import HTTP
import JSON
import Primitives

/// Which target serves a request: the configuration's vendors and chains, made ready to be asked.
public struct RoutingTable: Sendable {
    /// Where a request goes.
    public struct Route: Sendable {
        /// The chain's name; empty where none matched and the dialect decided.
        public let chain: String
        /// The dialect in which the client speaks.
        public let dialect: Dialect
        /// The vendor's place in ``RoutingTable/vendors``.
        public let vendor: Int
        /// Bytes of the path that the chain's prefix takes.
        public let prefixLength: Int
        /// The clocks of the attempt.
        public let clocks: Chain.Clocks
    }

    /// Why a request goes nowhere.
    public enum Refusal: Error, Equatable, Sendable {
        /// No vendor speaks the request's dialect.
        case noVendor(Dialect)
        /// The chain's vendor speaks another dialect, and nothing translates.
        case otherDialect(chain: String, vendor: String, Dialect)
    }

    /// All vendors, in the order of the file.
    public let vendors: [Vendor]
    private let chains: [PreparedChain]
    private let vendorByDialect: [Dialect: Int]

    private struct PreparedChain: Sendable {
        let chain: Chain
        let prefix: [UInt8]
        let paths: [Glob]
        let models: [Glob]
        let vendor: Int
        var needsModel: Bool { !models.contains { $0.matchesAll } }
    }

    /// A table for a configuration.
    public init(_ configuration: Configuration) {
        vendors = configuration.vendors
        chains = configuration.chains.compactMap { chain in
            guard let target = chain.targets.first,
                let vendor = configuration.vendors.firstIndex(where: { $0.name == target.vendor })
            else { return nil }
            return PreparedChain(
                chain: chain, prefix: Array(chain.prefix.utf8), paths: chain.paths.map(Glob.init),
                models: chain.models.map(Glob.init), vendor: vendor
            )
        }
        var first: [Dialect: Int] = [:]
        for (index, vendor) in configuration.vendors.enumerated() where first[vendor.dialect] == nil {
            first[vendor.dialect] = index
        }
        vendorByDialect = first
    }

    /// The route of a request. `body` is what is known of it: whole, or empty where it streams.
    public func route(
        _ head: borrowing RequestHead, body: Span<UInt8>
    ) throws(Refusal) -> Route {
        let whole = head.path
        for entry in chains {
            guard let path = Self.strip(entry.prefix, from: whole) else { continue }
            guard entry.paths.contains(where: { $0.matches(path) }) else { continue }
            if entry.needsModel {
                let model = Self.model(path: path, body: body)
                guard let model, entry.models.contains(where: { $0.matches(model.bytes) }) else {
                    continue
                }
            }
            let dialect = Dialect(of: head, path: path)
            let vendor = vendors[entry.vendor]
            guard vendor.dialect == dialect else {
                throw Refusal.otherDialect(
                    chain: entry.chain.name, vendor: vendor.name, dialect
                )
            }
            return Route(
                chain: entry.chain.name, dialect: dialect, vendor: entry.vendor,
                prefixLength: entry.prefix.count, clocks: entry.chain.clocks
            )
        }
        let dialect = Dialect(of: head, path: whole)
        guard let vendor = vendorByDialect[dialect] else { throw Refusal.noVendor(dialect) }
        return Route(
            chain: "", dialect: dialect, vendor: vendor, prefixLength: 0, clocks: Chain.Clocks()
        )
    }

    @_lifetime(copy path)
    private static func strip(_ prefix: [UInt8], from path: Span<UInt8>) -> Span<UInt8>? {
        guard !prefix.isEmpty else { return path }
        guard path.count > prefix.count, path[prefix.count] == UInt8(ascii: "/") else { return nil }
        for index in prefix.indices where path[index] != prefix[index] { return nil }
        return path.extracting(prefix.count..<path.count)
    }

    /// The model of a request: of Gemini's in the path, of the others in the body.
    private static func model(
        path: Span<UInt8>, body: Span<UInt8>
    ) -> ByteBuffer? {
        var model = ByteBuffer()
        if let start = path.lastModelSegment {
            let end = path.firstIndex(of: UInt8(ascii: ":"), from: start) ?? path.count
            model.append(path.extracting(start..<end))
            return model
        }
        // A body that is no JSON, an upload perhaps, has no model.
        guard let place = try? JSONScanner.member("model", of: body), place.count >= 2,
            body[place.lowerBound] == UInt8(ascii: "\"")
        else { return nil }
        let inner = body.extracting(place.lowerBound + 1..<place.upperBound - 1)
        model.append(text: JSONText.unescape(inner))
        return model
    }
}

extension Span where Element == UInt8 {
    /// Where the model begins in `…/models/NAME:verb`; nil for other paths.
    fileprivate var lastModelSegment: Int? {
        let mark: StaticString = "/models/"
        let length = mark.utf8CodeUnitCount
        guard count > length else { return nil }
        for start in 0..<(count - length)
        where extracting(start..<start + length).matches(mark) {
            return firstIndex(of: UInt8(ascii: ":"), from: start + length) == nil
                ? nil : start + length
        }
        return nil
    }
}
