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
// Vendors are asked when a client asks, and before that only where the file orders a list: most
// gateways are never asked, and a vendor counts what it gets. The clients that ask first wait for
// the vendors, a short time at most; later ones get what the vendors said last, while those whose
// list is old are asked again. A vendor that cannot be asked, or no longer answers, keeps the list
// it had. Only vendors that the gateway has a credential for are asked, or that need none: there is
// no caller whose credential could be shown. The threads that ask end with the round, so that a
// gateway at rest has none.

/// What vendors list themselves, asked for in the background once a client asks.
final class VendorModels: Sendable {
    private static let period = Interval.seconds(600)
    private static let periodAfterFailure = Interval.seconds(60)
    /// For all pages of one vendor.
    private static let time = Interval.seconds(30)
    /// For each page.
    private static let bounds = Enquirer.Bounds(time: .seconds(10), bytes: 8 << 20)
    /// Vendors that are asked at a time.
    private static let threadsMax = 8

    /// A vendor, as far as it is to be asked.
    private struct Subject {
        let vendor: Vendor
        /// When it may be asked again; nil before it was asked.
        var next: Instant?
        var isBeingAsked = false
        /// Why it gave no list the last time.
        var fault: String?

        func isDue(_ now: Instant) -> Bool {
            !isBeingAsked && (next.map { $0 <= now } ?? true)
        }
    }

    private struct State {
        var subjects: [Subject] = []
        var trust: [String: TrustStore] = [:]
        var catalog: ModelCatalog?
        var lists: [String: [ListedModel]] = [:]
        var threadCount = 0

        /// Hands what is known to the list.
        func publish() {
            catalog?.adopt(lists, isComplete: subjects.allSatisfy { $0.next != nil })
        }
    }

    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Lists for another reading of the configuration: what is known at once, the rest once it was
    /// asked for.
    ///
    /// `trust`: the authorities by the path of their bundle, as the vendors' calls have them.
    func adopt(
        _ configuration: Configuration, _ routing: RoutingTable, trust: [String: TrustStore]
    ) {
        let catalog = routing.models
        let asked = catalog.isOwn ? catalog.vendorsToAsk : []
        state.withLock { state in
            state.subjects = configuration.vendors.filter { asked.contains($0.name) }.map {
                vendor in
                // Another address, or another credential, may have another list.
                state.subjects.first { $0.vendor == vendor } ?? Subject(vendor: vendor)
            }
            state.trust = trust
            state.catalog = catalog
            state.lists = state.lists.filter { name, _ in
                state.subjects.contains { $0.vendor.name == name && $0.next != nil }
            }
            state.publish()
            guard !state.subjects.isEmpty else { return }
            catalog.onQuestion { [weak self] in self?.askWhereDue() }
        }
        // Who orders a list has it ahead of the first question.
        if configuration.server.models == .own { askWhereDue() }
    }

    /// Has those vendors asked whose lists are not known or old.
    private func askWhereDue() {
        let now = Instant.now()
        let wanted = state.withLock { state in
            let due = state.subjects.count { $0.isDue(now) }
            let count = max(min(due, Self.threadsMax) - state.threadCount, 0)
            state.threadCount += count
            return count
        }
        for _ in 0..<wanted {
            let thread = try? Reactor.Thread(
                name: "weir-models", standing: .background(niceness: 10)
            ) { [self] in askAll() }
            // Without a thread they are asked at a later question.
            guard let thread else {
                state.withLock { $0.threadCount -= 1 }
                continue
            }
            thread.detach()
        }
    }

    /// Asks one vendor after the other until none is due.
    private func askAll() {
        while true {
            let now = Instant.now()
            let subject: (vendor: Vendor, trust: TrustStore?)? = state.withLock { state in
                guard let index = state.subjects.firstIndex(where: { $0.isDue(now) }) else {
                    state.threadCount -= 1
                    return nil
                }
                state.subjects[index].isBeingAsked = true
                let vendor = state.subjects[index].vendor
                return (vendor, state.trust[vendor.caFile])
            }
            guard let subject else { return }
            answered(subject.vendor, Result { try Self.ask(subject.vendor, subject.trust) })
        }
    }

    private static func ask(_ vendor: Vendor, _ trust: TrustStore?) throws -> [ListedModel] {
        let needsTrust = vendor.scheme == "https" || vendor.proxy?.scheme == "https"
        return try ModelPages.models(vendor.dialect, until: Instant.now() + Self.time) {
            try Enquirer.send(
                Self.enquiry(vendor, page: $0),
                to: Endpoint.Origin(scheme: vendor.scheme, host: vendor.host, port: vendor.port),
                trust: needsTrust ? trust : nil, proxy: SnapshotMaker.proxy(vendor), Self.bounds)
        }
    }

    private func answered(_ vendor: Vendor, _ answer: Result<[ListedModel], any Error>) {
        let now = Instant.now()
        let fault: String? = state.withLock { state in
            // It may have been removed or changed meanwhile.
            guard let index = state.subjects.firstIndex(where: { $0.vendor == vendor }) else {
                return nil
            }
            let earlier = state.subjects[index].fault
            switch answer {
            case .success(let models):
                state.lists[vendor.name] = models
                state.subjects[index].fault = nil
                state.subjects[index].next = now + Self.period
            case .failure(let error):
                state.subjects[index].fault = "\(error)"
                state.subjects[index].next = now + Self.periodAfterFailure
            }
            state.subjects[index].isBeingAsked = false
            state.publish()
            let fault = state.subjects[index].fault
            return fault == earlier ? nil : fault
        }
        guard let fault else { return }
        logger.warning(
            "a vendor's models cannot be listed",
            metadata: ["vendor": "\(vendor.name)", "reason": "\(fault)"])
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
