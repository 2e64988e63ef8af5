import Config
import Cryptography
import Dialects
import Glibc
import HTTP
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
    /// For all pages of one vendor.
    private static let time = Interval.seconds(30)
    /// For each page.
    private static let bounds = Enquirer.Bounds(time: .seconds(10), bytes: 8 << 20)

    private struct State {
        var vendors: [Vendor] = []
        var catalog: ModelCatalog?
        var lists: [String: [ListedModel]] = [:]
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
            let trust = needsTrust ? try TrustStore(file: vendor.caFile) : nil
            let models = try ModelPages.models(vendor.dialect, until: Instant.now() + Self.time) {
                try Enquirer.send(
                    Self.enquiry(vendor, page: $0),
                    to: Endpoint.Origin(
                        scheme: vendor.scheme, host: vendor.host, port: vendor.port),
                    trust: trust, proxy: SnapshotMaker.proxy(vendor), Self.bounds)
            }
            state.withLock { state in
                guard state.vendors.contains(where: { $0.name == vendor.name }) else { return }
                state.lists[vendor.name] = models
                state.catalog?.adopt(state.lists)
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Asks for a page of a vendor's list: a parameter of the query; empty for the first.
    private static func enquiry(_ vendor: Vendor, page: String) -> Enquiry {
        let path =
            switch vendor.dialect {
            case .openai: "/models"
            case .anthropic: "/v1/models?limit=1000"
            case .gemini: "/v1beta/models?pageSize=1000"
            }
        var target = vendor.basePath + path
        for more in [page, vendor.baseQuery] where !more.isEmpty {
            target += (target.contains("?") ? "&" : "?") + more
        }
        var fields = vendor.headers.map { (name: $0.name, value: $0.value.reveal()) }
        if vendor.dialect == .anthropic { fields.append(("anthropic-version", "2023-06-01")) }
        if case .own(let secret) = vendor.credential {
            fields.append(API(vendor.dialect).credentialField(secret, vendor: vendor.dialect))
        }
        return Enquiry(.get, target, fields)
    }
}
