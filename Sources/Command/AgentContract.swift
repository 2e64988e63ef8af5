import Config
import HTTP
import Primitives
import Reactor
import Routing

/// What an agent needs of a gateway, claim by claim.
struct AgentContract: Sendable {
    /// Whether a claim holds.
    enum Finding: Equatable {
        case holds
        case fails(String)
        /// It cannot be judged, and why.
        case unseen(String)
    }

    /// One claim.
    struct Row: Sendable {
        /// Its name among the agent's.
        let name: String
        let claim: String
        let judge: @Sendable (AgentVisit) throws(SystemError) -> Finding
    }

    /// The agents that are known.
    static let names = ["claude-code", "codex", "gemini-cli"]

    /// How long the agents wait for a byte, or for an event.
    static let silence = Interval.seconds(300)

    let rows: [Row]
    /// The model that is asked for where the caller names none.
    let model: String
    /// What the agent shows where the caller names no key: nothing that a vendor would take, in the
    /// shape of the keys of its own.
    let key: Secret

    /// The contract of an agent; nil where it is not known.
    init?(of agent: String) {
        switch agent {
        case "claude-code": self = .claudeCode
        case "codex": self = .codex
        case "gemini-cli": self = .geminiCLI
        default: return nil
        }
    }

    init(model: String, key: String, rows: [Row]) {
        self.model = model
        self.key = Secret(key)
        self.rows = rows
    }
}

// Claims that more than one agent makes.
extension AgentContract {
    static let notSeen = Finding.unseen("what the vendor gets is not seen from here")
    static let notScripted = Finding.unseen("only a scripted vendor does what this takes")

    /// A finding about the request that a call led to at the vendor.
    static func atVendor(
        _ visit: AgentVisit, _ call: Enquiry, status: Int? = 200,
        _ judge: (AgentVisit.Seen) -> Finding
    ) throws(SystemError) -> Finding {
        guard let before = try visit.seen() else { return notSeen }
        let answer = try visit.send(call)
        if let status, answer.status != status { return .fails(answer.summary) }
        guard let after = try visit.seen(), after.count > before.count, let last = after.last else {
            return .fails("the vendor was not asked: \(answer.summary)")
        }
        return judge(last)
    }

    /// That fields go out as they came, each once.
    static func fields(
        _ names: [String], of call: Enquiry, _ visit: AgentVisit
    ) throws(SystemError) -> Finding {
        try atVendor(visit, call) { seen in
            for name in names where seen[name] != [call[name] ?? ""] {
                return .fails("\(name): sent \"\(call[name] ?? "")\", the vendor got \(seen[name])")
            }
            return .holds
        }
    }

    /// That the body goes out byte for byte, in the content coding that it came in.
    static func body(of call: Enquiry, _ visit: AgentVisit) throws(SystemError) -> Finding {
        let replaces =
            visit.configuration.models.contains { $0.name == visit.model }
            || visit.configuration.chains.contains { chain in
                chain.targets.contains { $0.model != nil }
            }
        return try atVendor(visit, call, status: nil) { seen in
            if seen.hasBody(call.body), seen["content-encoding"] == call.encodings { return .holds }
            let what = "sent \(call.body.count) bytes, the vendor got \(seen.bodyBytes) others"
            return replaces
                ? .unseen("\(what): a target, or a name of your own, asks for another model")
                : .fails(what)
        }
    }

    /// That the credential goes out as the configuration says: the client's own, or in its stead
    /// the gateway's.
    static func credential(of call: Enquiry, _ visit: AgentVisit) throws(SystemError) -> Finding {
        let names = ["authorization", "x-api-key", "x-goog-api-key"]
        return try atVendor(visit, call) { seen in
            let sent = names.map { call[$0] }
            let got = names.map { seen[$0] }
            if zip(sent, got).allSatisfy({ $0.map { [$0] } ?? [] == $1 }) { return .holds }
            let leaks = seen.fields.contains { $0.value.contains(visit.key.reveal()) }
            let own = got.joined().contains { $0.contains(Configuration.rehearsalSecret) }
            if leaks { return .fails("the caller's key is there, but not as it was sent") }
            let takesOwn = visit.configuration.vendors.contains { $0.credential != .client }
            guard takesOwn else { return .fails("the vendor got no credential") }
            return own || visit.configuration.vendors.contains { $0.credential == .none }
                ? .holds : .fails("the vendor got neither the caller's credential nor another")
        }
    }

    /// That each event of a stream comes when the vendor sends it.
    static func pace(_ visit: AgentVisit, _ call: Enquiry) throws(SystemError) -> Finding {
        let answer = try visit.send(call)
        guard answer.isWhole(200) else { return .fails(answer.summary) }
        guard let first = answer.pieces.first, let last = answer.pieces.last else {
            return .fails("an empty stream")
        }
        let time = Interval(nanoseconds: last.nanoseconds - first.nanoseconds)
        // Six events, each a tenth of a second after the other.
        let least = visit.vendor == nil ? Interval.zero : .milliseconds(300)
        if answer.pieces.count > 2, time >= least { return .holds }
        return .fails("\(answer.pieces.count) pieces within \(time)")
    }

    /// That a stream ends in a marker.
    static func end(
        _ marker: String, _ visit: AgentVisit, _ call: Enquiry
    ) throws(SystemError) -> Finding {
        let answer = try visit.send(call)
        guard answer.isWhole(200) else { return .fails(answer.summary) }
        return answer.text.contains(marker) ? .holds : .fails("no \(marker) in it")
    }

    /// That a vendor's refusal comes back as it was.
    static func refusal(
        _ status: Int, _ call: Enquiry, _ visit: AgentVisit
    ) throws(SystemError) -> Finding {
        guard visit.vendor != nil else { return notScripted }
        let answer = try visit.send(call)
        guard answer.isWhole(status), answer.text.contains("the script asked for this") else {
            return .fails(answer.summary)
        }
        if status == 429, answer["retry-after"] != "7" {
            return .fails("retry-after: sent 7, got \(answer["retry-after"] ?? "none")")
        }
        return .holds
    }

    /// That no clock of the configuration cuts a stream which is silent for as long as the agent
    /// bears it.
    static func clocks(_ visit: AgentVisit) -> Finding {
        let table = RoutingTable(visit.configuration)
        var found: [String] = []
        func check(_ name: String, _ clock: Interval, _ owner: String) {
            guard clock > .zero, clock < silence else { return }
            let text = "\(name) of \(owner) is \(clock)"
            if !found.contains(text) { found.append(text) }
        }
        for vendor in visit.configuration.vendors {
            check("idle", vendor.idle ?? .zero, "vendor \(vendor.name)")
            check("first_content", vendor.firstContent ?? .zero, "vendor \(vendor.name)")
        }
        for chain in visit.configuration.chains where !table.plans(of: chain.name).isEmpty {
            check("idle", chain.clocks.idle, "chain \(chain.name)")
            check("content_idle", chain.clocks.contentIdle, "chain \(chain.name)")
            check("total", chain.clocks.total, "chain \(chain.name)")
        }
        return found.isEmpty ? .holds : .fails(found.joined(separator: ", "))
    }

    /// That a refusal of the gateway's own is in the words of the agent's dialect, shown by a
    /// WebSocket's handshake on a path that has none.
    static func ownRefusal(
        _ path: String, _ visit: AgentVisit, _ fits: (Reply) -> Bool
    ) throws(SystemError) -> Finding {
        let answer = try visit.send(Enquiry(.get, path, handshake, isHandshake: true))
        return answer.status == 426 && fits(answer) ? .holds : .fails(answer.summary)
    }

    /// The fields of a WebSocket's handshake.
    static let handshake: [(name: String, value: String)] = [
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
}

extension Enquiry {
    /// The content codings, field by field.
    fileprivate var encodings: [String] {
        fields.filter { $0.name == "content-encoding" }.map(\.value)
    }
}
