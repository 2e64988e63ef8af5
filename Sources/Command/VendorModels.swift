import Config
import Cryptography
import Dialects
import Glibc
import HTTP
import JSON
import Logging
import Primitives
import Reactor
import Routing
import Synchronization
import Transfers

// DESIGN
//
// A list of models that is asked for when a client asks would make it wait for every vendor, and
// fail with the slowest. So one thread asks the vendors now and then, and what they said last is
// merged into the gateway's own list. A vendor that cannot be asked, or no longer answers, keeps
// the list it had. Only vendors that the gateway has a credential for are asked, or that need none:
// there is no caller whose credential could be shown.

/// What vendors list themselves, asked for in the background.
final class VendorModels: Sendable {
    private static let period = Interval.seconds(600)
    private static let periodAfterFailure = Interval.seconds(60)
    /// Of one vendor.
    private static let namesMax = 2000
    private static let bounds = Enquirer.Bounds(time: .seconds(10), bytes: 8 << 20)

    private struct State {
        var vendors: [Vendor] = []
        var catalog: ModelCatalog?
        var lists: [String: [String]] = [:]
        var isChanged = false
    }

    private let state = Mutex(State())
    private let waker: Waker
    private let logger: Logger

    /// Starts to ask.
    init(logger: Logger) throws(SystemError) {
        self.logger = logger
        waker = try Waker()
        let thread = try Reactor.Thread(
            name: "weir-models", standing: .background(niceness: 10)
        ) { [self] in run() }
        thread.detach()
    }

    /// Lists for another reading of the configuration: what is known at once, the rest when it was
    /// asked for.
    func adopt(_ configuration: Configuration, _ routing: RoutingTable) {
        state.withLock { state in
            state.vendors = configuration.vendors
            state.catalog = routing.models
            let names = Set(configuration.vendors.map(\.name))
            state.lists = state.lists.filter { names.contains($0.key) }
            state.isChanged = true
            routing.models.adopt(state.lists)
        }
        waker.wake()
    }

    private func run() {
        var isFailing = false
        var known: [String: String] = [:]
        while true {
            let wait = isFailing ? Self.periodAfterFailure : Self.period
            waker.sleep(atMost: wait) { state.withLock { $0.isChanged } }
            let vendors = state.withLock { state in
                state.isChanged = false
                return state.vendors
            }
            isFailing = false
            for vendor in vendors where vendor.credential != .client {
                let fault = ask(vendor)
                if fault != nil { isFailing = true }
                guard known[vendor.name] != fault else { continue }
                known[vendor.name] = fault
                guard let fault else { continue }
                logger.warning(
                    "a vendor's models cannot be listed",
                    metadata: ["vendor": "\(vendor.name)", "reason": "\(fault)"])
            }
        }
    }

    /// Asks a vendor; returns why it gave no list.
    private func ask(_ vendor: Vendor) -> String? {
        do {
            let needsTrust = vendor.scheme == "https" || vendor.proxy?.scheme == "https"
            let reply = try Enquirer.send(
                Self.enquiry(vendor),
                to: Endpoint.Origin(scheme: vendor.scheme, host: vendor.host, port: vendor.port),
                trust: needsTrust ? try TrustStore(file: vendor.caFile) : nil,
                proxy: SnapshotMaker.proxy(vendor), Self.bounds)
            guard reply.isWhole(200) else {
                return reply.status == 0 ? reply.fault : "status \(reply.status)"
            }
            guard let names = Self.names(in: reply) else { return "its answer is no list" }
            state.withLock { state in
                guard state.vendors.contains(where: { $0.name == vendor.name }) else { return }
                state.lists[vendor.name] = names
                state.catalog?.adopt(state.lists)
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private static func enquiry(_ vendor: Vendor) -> Enquiry {
        let path =
            switch vendor.dialect {
            case .openai: "/models"
            case .anthropic: "/v1/models?limit=1000"
            case .gemini: "/v1beta/models?pageSize=1000"
            }
        var target = vendor.basePath + path
        if !vendor.baseQuery.isEmpty {
            target += (target.contains("?") ? "&" : "?") + vendor.baseQuery
        }
        var fields = vendor.headers.map { (name: $0.name, value: $0.value.reveal()) }
        if vendor.dialect == .anthropic { fields.append(("anthropic-version", "2023-06-01")) }
        if case .own(let secret) = vendor.credential {
            fields.append(API(vendor.dialect).credentialField(secret, vendor: vendor.dialect))
        }
        return Enquiry(.get, target, fields)
    }

    /// The names in a list of any of the three shapes; nil where there is none.
    static func names(in reply: Reply) -> [String]? {
        guard let json = reply.json, let list = (json["data"] ?? json["models"])?.elements else {
            return nil
        }
        let names = list.compactMap { ($0["id"] ?? $0["name"])?.text }.map { name in
            name.hasPrefix("models/") ? String(name.dropFirst(7)) : name
        }
        return names.prefix(namesMax).filter { name in
            !name.isEmpty && name.utf8.count <= ModelName.bytesMax
                && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        }
    }
}
