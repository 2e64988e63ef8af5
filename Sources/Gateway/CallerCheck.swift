import Access
import Dialects
import ExchangeCore
import HTTP
import Primitives

/// The caller of an exchange: its key, and what is held for it.
struct ExchangeCaller {
    let key: AccessKey
    /// What carried the key: it goes to no vendor; nil for a certificate, which goes nowhere.
    let carrier: PresentedKey.Carrier?
    /// What is held; nil before the request is admitted, and once it is settled.
    var reservation: Reservation?
    /// What was held for one answer, when the request was admitted.
    private(set) var held = Demand()
    /// Tokens of the prompt at most.
    var inputBound = 0
    /// Billionths of a dollar at most, which may be more than what is held.
    var costBound = 0
    /// The model that the client asked for; empty where it named none.
    var model = ""
    /// Whether the answer has tokens of its own.
    var writesOutput = false
    /// Whether the vendor goes on when the client leaves.
    var outlivesClient = false
    /// What attempts are charged that failed, and whose vendors may have worked.
    var inVain = Charge.free
    /// What the exchange is charged if it ends so.
    var charge: (outcome: Outcome, charge: Charge)?

    /// The request is admitted.
    mutating func admitted(_ reservation: Reservation) {
        self.reservation = reservation
        held = reservation.demand
    }
}

/// Admit: who calls, asked at the head, before a byte of the body is kept.
enum CallerCheck {
    /// Why a request may not come in; nil where it may, and then the exchange knows its caller.
    static func refusal(for exchange: RequestExchange) -> Failure? {
        guard let access = exchange.snapshot.access else {
            return search(exchange, nil, nil).isInPath ? .keyInTarget : nil
        }
        return refusal(for: exchange, by: access)
    }

    /// Finds what goes nowhere of a request, and is not written down.
    private static func search(
        _ exchange: RequestExchange, _ carrier: PresentedKey.Carrier?, _ access: AccessPlan?
    ) -> CredentialSearch.Result {
        let request = exchange.request
        let now = Int(Identifier.wallClockMilliseconds())
        var search = CredentialSearch(exchange.client, carrier, access, now: now)
        let result = request.withHead { search.run($0) }
        if !result.fields.isEmpty || result.isInPath || result.isInQuery {
            request.hide(fields: result.fields, target: result.isInPath || result.isInQuery)
        }
        return result
    }

    /// Why a request that has waited may not go on; nil where the key that it came in with is still
    /// one, as the latest reading of the configuration and the store have it.
    static func refusalAfterWait(of exchange: RequestExchange) -> Failure? {
        guard let access = exchange.worker.snapshot.access else { return nil }
        let caller = exchange.caller
        let refusal = refusal(for: exchange, by: access)
        // Its limits are those that it was admitted by.
        exchange.caller = caller
        return refusal
    }

    /// Whether the key, the certificate or the issuer that let an exchange in is none any more, by
    /// the latest reading of the configuration and the store.
    ///
    /// That a credential has expired meanwhile is no matter: it counts when a request begins.
    static func isRevoked(_ exchange: RequestExchange) -> Bool {
        guard let caller = exchange.caller, let access = exchange.worker.snapshot.access else {
            return false
        }
        let client = exchange.client
        let now = Int(Identifier.wallClockMilliseconds())
        let finding: AccessTable.Finding?
        if caller.carrier == nil {
            finding = certified(client, access.table, now: now)
        } else {
            finding = exchange.request.withHead { head in
                PresentedKey.find(in: head) { presented -> AccessTable.Finding? in
                    let isToken =
                        access.table.issuer != nil && TokenIssuer.mayIssue(presented.token)
                    return isToken
                        ? nil : access.table.find(client.known(presented.token).digest, now: now)
                } ?? nil
            }
        }
        if case .unknown? = finding { return !access.table.required.isUnread }
        return false
    }

    private static func refusal(
        for exchange: RequestExchange, by access: AccessPlan
    ) -> Failure? {
        // A browser sends no credential with the question whether it may send one.
        if exchange.origin == .allowed, exchange.request.head.isPreflight { return nil }
        let refusal = callerRefusal(for: exchange, by: access)
        // What is refused is written down, too.
        let found = search(exchange, exchange.caller?.carrier, access)
        if let refusal { return refusal }
        if found.isInPath || found.isInQuery { return .keyInTarget }
        guard found.isSecond, exchange.caller != nil else { return nil }
        return .refusedKey("several_api_keys", "the request shows two keys of this gateway's")
    }

    private static func callerRefusal(
        for exchange: RequestExchange, by access: AccessPlan
    ) -> Failure? {
        let request = exchange.request
        let now = Int(Identifier.wallClockMilliseconds())
        let finding = request.withHead { head in
            PresentedKey.find(in: head) { presented in
                check(presented, access, exchange.client, now: now)
            }
        }
        if case .success(let caller)? = finding {
            if let refusal = elsewhere(exchange.client, caller.carrier, access, now: now) {
                return refusal
            }
            exchange.caller = caller
            return nil
        }
        if case .failure(let refusal)? = finding, refusal.isOwn { return refusal.failure }
        // No key of the gateway's is shown: what the request shows is its vendor's, and the
        // certificate says who calls.
        switch certified(exchange.client, access.table, now: now) {
        case .valid(let key):
            exchange.caller = ExchangeCaller(key: key, carrier: nil)
            return nil
        case .expired(let key):
            return .refusedKey("expired_api_key", "the certificate's key \(key.name) has expired")
        case .unknown: break
        }
        let required = access.table.required
        // A certificate lets a client in where no key was ever asked for. What it shows besides is
        // its vendor's, but for what begins like a key of the gateway's.
        let isCertified =
            required.isCertificate && !required.isKey && exchange.client.socket.isClientVerified
        switch finding {
        case .failure(let refusal)? where !isCertified: return refusal.failure
        case nil where required.isAny && !isCertified:
            return .refusedKey(
                "missing_api_key", "this gateway asks for a key of its own, and there is none")
        case .success, .failure, nil: return nil
        }
    }

    /// Why a request may not come in that shows a key of the gateway's, the same or another one,
    /// where it would go to a vendor; nil where it shows none there.
    private static func elsewhere(
        _ client: ClientConnection, _ carrier: PresentedKey.Carrier?, _ access: AccessPlan,
        now: Int
    ) -> Failure? {
        // The path is looked through with the rest of the head.
        let isInPath = client.parser.withHead { PresentedKey.isInOtherParameter(of: $0, carrier) }
        guard !isInPath else { return .keyInTarget }
        guard let carrier else { return nil }
        let showsAnother = client.parser.withHead { head in
            PresentedKey.hasOther(in: head, than: carrier) { token in
                let digest = client.known(token).digest
                // One that has expired, or is good only later, is the gateway's, too.
                if let issuer = access.table.issuer, TokenIssuer.mayIssue(token) {
                    return issuer.isMeant(token)
                }
                if case .unknown = access.table.find(digest, now: now) { return false }
                return true
            }
        }
        return showsAnother
            ? .refusedKey("several_api_keys", "the request shows two keys of this gateway's") : nil
    }

    private static func certified(
        _ client: ClientConnection, _ table: AccessTable, now: Int
    ) -> AccessTable.Finding {
        guard table.namesSubjects else { return .unknown }
        return table.find(subject: client.subject(), now: now)
    }

    private struct Refusal: Error {
        let failure: Failure
        /// Whether the credential begins like a key of the gateway's.
        let isOwn: Bool
    }

    private static func check(
        _ presented: borrowing PresentedKey, _ access: AccessPlan, _ client: ClientConnection,
        now: Int
    ) -> Result<ExchangeCaller, Refusal> {
        let known = client.known(presented.token)
        func refuse(_ code: String, _ explanation: String) -> Result<ExchangeCaller, Refusal> {
            let isOwn =
                presented.isAmbiguous || presented.carrier == .own
                || known.shape != .foreign
            return .failure(Refusal(failure: .refusedKey(code, explanation), isOwn: isOwn))
        }
        guard !presented.isAmbiguous else {
            return refuse(
                "several_api_keys",
                known.shape == .foreign
                    ? "\(presented.carrier.name) comes first and holds no key of this gateway's, "
                        + "and another field does; x-weir-key is the field for it, beside a "
                        + "credential of the vendor's"
                    : "the request shows two keys of this gateway's")
        }
        guard known.shape != .malformed else {
            return refuse(
                "invalid_api_key", "the key is malformed: a letter of it is wrong or missing")
        }
        let digest = known.digest
        if let issuer = access.table.issuer, TokenIssuer.mayIssue(presented.token) {
            switch issuer.find(presented.token, digest, now: now) {
            case .valid(let key):
                return .success(ExchangeCaller(key: key, carrier: presented.carrier))
            case .refused(let reason):
                return refuse(
                    "invalid_token", "\(presented.carrier.name) holds a token, and \(reason)")
            case .unavailable:
                return .failure(Refusal(failure: .issuerUnavailable, isOwn: true))
            }
        }
        switch access.table.find(digest, now: now) {
        case .valid(let key):
            return .success(ExchangeCaller(key: key, carrier: presented.carrier))
        case .expired(let key):
            return refuse("expired_api_key", "the key \(key.name) has expired")
        case .unknown where access.table.required.isUnread:
            return .failure(Refusal(failure: .keysUnread, isOwn: true))
        case .unknown:
            return refuse(
                "invalid_api_key",
                "\(presented.carrier.name) holds no key that this gateway knows")
        }
    }
}

extension PresentedKey.Carrier {
    /// What a client calls it.
    fileprivate var name: String {
        switch self {
        case .own: "x-weir-key"
        case .field(.authorization): "Authorization"
        case .field(.xAPIKey): "x-api-key"
        case .field(.apiKey): "api-key"
        case .field: "x-goog-api-key"
        case .query: "the parameter key"
        case .subprotocol: "Sec-WebSocket-Protocol"
        }
    }
}

extension Failure {
    /// A key of the gateway's in a request's target, which a vendor would get.
    fileprivate static var keyInTarget: Failure {
        .refused(
            400, "api_key_in_path",
            "the target holds a key of this gateway's, which goes to no vendor; the key belongs "
                + "into x-weir-key or Authorization")
    }

    /// A token, before the keys of its issuer are known.
    fileprivate static var issuerUnavailable: Failure {
        .unavailable(
            "issuer_unavailable", "the keys of the tokens' issuer could not be fetched yet")
    }

    /// A credential that does not let a client in.
    fileprivate static func refusedKey(_ code: String, _ explanation: String) -> Failure {
        .refused(401, code, explanation)
    }
}
