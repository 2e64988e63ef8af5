import Config
import Dialects
import ExchangeCore
import HTTP
import JSON
import Primitives
import Routing
import Transfers
import Translation

/// A request as a target of another dialect gets it, and what is needed to read the answer.
final class TranslatedRequest {
    /// The target's index in the plan.
    let target: Int
    /// The form of the client, and that of the vendor.
    let client: Form
    let vendor: Form
    let question: TranslatableCall.Question
    /// The path behind the vendor's base, and the fields that its dialect requires.
    let path: String
    let fields: [(name: String, value: String)]
    let context: AnswerContext
    /// Whether the answer is another dialect's: false where quirks alone changed the request.
    var changesForm: Bool { client != vendor }
    /// What the body for the vendor does not say.
    let losses: [Loss]
    /// The body; nil once the vendor has it.
    private(set) var body: KeptBody?

    init(
        _ translation: RequestTranslation, _ call: TranslatableCall, to vendor: Form,
        losses: [Loss], target: Int, model: String, for exchange: RequestExchange
    ) throws(JSONScanner.Malformed) {
        self.target = target
        client = call.form
        self.vendor = vendor
        question = call.question
        fields = translation.outbound.headers
        let text = try Self.body(translation, call.question, vendor, model)
        path =
            call.question == .count
            ? CountTranslation.path(in: vendor, model: model) : translation.outbound.path
        var context = translation.context
        // Names that are made here differ from those of every other answer.
        context.seed = exchange.logName
        context.created = Int(Identifier.wallClockMilliseconds() / 1000)
        self.context = context
        self.losses =
            call.question == .count ? CountTranslation.losses(losses, in: vendor) : losses
        var bytes = ByteBuffer(capacity: text.count)
        bytes.append(text.span)
        body = KeptBody(bytes, countedBy: exchange.worker.bodies)
    }

    /// A request of the client's own form, without what other vendors' answers left in it.
    init(
        _ removal: EnvelopeRemoval, _ call: TranslatableCall, target: Int,
        for exchange: RequestExchange
    ) {
        self.target = target
        (client, vendor, question) = (call.form, call.form, call.question)
        (path, fields) = ("", [])
        context = AnswerContext(from: call.form, to: call.form)
        losses = removal.losses
        var bytes = ByteBuffer(capacity: removal.body.count)
        bytes.append(removal.body.span)
        body = KeptBody(bytes, countedBy: exchange.worker.bodies)
    }

    private static func body(
        _ translation: RequestTranslation, _ question: TranslatableCall.Question,
        _ vendor: Form, _ model: String
    ) throws(JSONScanner.Malformed) -> [UInt8] {
        guard question == .count else { return translation.body }
        return try CountTranslation.body(translation.body, in: vendor, model: model)
    }

    /// Lets go of the body, which the vendor has.
    func releaseBody() {
        body = nil
    }

    /// Translates the request of an exchange for a target of its plan.
    ///
    /// Returns why the target cannot be asked; nil where it can, and the exchange has what it gets
    /// if that is another body than the client's.
    static func prepare(
        _ index: Int, of route: RoutingTable.Route, for exchange: RequestExchange
    ) -> Failure? {
        exchange.translated = nil
        guard route.plan.translates else {
            exchange.translated = withoutEnvelopes(index, route, exchange)
            return nil
        }
        guard let need = Need(index, route, exchange) else { return nil }
        guard let call = need.call else { return need.obstacle(exchange) }
        do throws(Failure) {
            exchange.translated = try translate(call, index, route, need.vendor, exchange)
            return nil
        } catch {
            return error
        }
    }

    /// Nil where the vendor gets the client's own bytes.
    private static func translate(
        _ call: TranslatableCall, _ index: Int, _ route: RoutingTable.Route,
        _ vendor: SharedVendor, _ exchange: RequestExchange
    ) throws(Failure) -> TranslatedRequest? {
        guard let form = call.form(of: vendor) else {
            // An agent takes a vendor that has no such path for what it is.
            throw .refused(
                404, "not_found",
                "vendor \(vendor.name) has no API that counts tokens for other dialects' clients")
        }
        if form == call.form { return try own(call, index, route, vendor, exchange) }
        let whole = try readBody(exchange)
        let body = call.question == .count ? CountTranslation.request(whole) : whole
        let model = route.plan.targets[index].model
        let asked = model ?? call.path?.model ?? body.model ?? ""
        guard !asked.isEmpty else { throw .untranslatable(vendor.name, "it names no model") }
        let quirks = exchange.snapshot.routing.quirks(of: asked, at: vendor, form)
        let translation: RequestTranslation
        do throws(Translation.Refusal) {
            translation = try RequestTranslation(
                body, from: call.form, to: form, quirks: quirks, model: model, path: call.path)
        } catch {
            let field = error.field.isEmpty ? "" : "\(error.field): "
            throw .untranslatable(vendor.name, field + error.reason)
        }
        try check(translation.losses, call, route, vendor)
        do throws(JSONScanner.Malformed) {
            return try TranslatedRequest(
                translation, call, to: form, losses: translation.losses, target: index,
                model: asked, for: exchange)
        } catch {
            throw .untranslatable(vendor.name, "\(error)")
        }
    }

    /// Refuses losses where the chain does.
    static func check(
        _ losses: [Loss], _ call: TranslatableCall, _ route: RoutingTable.Route,
        _ vendor: SharedVendor
    ) throws(Failure) {
        guard route.plan.refusesLosses, call.question == .answer else { return }
        let lost = losses.filter { !$0.isHarmless }
        guard !lost.isEmpty else { return }
        let list = lost.map(\.description).joined(separator: ", ")
        throw .untranslatable(vendor.name, "it would lose \(list.prefix(1024))")
    }

    /// The body without a content coding, as one value.
    static func readBody(_ exchange: RequestExchange) throws(Failure) -> RawJSON {
        try parse(readText(exchange))
    }

    /// The body without a content coding.
    static func readText(_ exchange: RequestExchange) throws(Failure) -> [UInt8] {
        let request = exchange.request
        var text: [UInt8] = []
        let fault: BodyFault? = request.withHead { head in
            exchange.intake.withBody(of: request) { body in
                guard head.isEncoded else {
                    text = Array(body.bytes)
                    return nil
                }
                var plain = ByteBuffer()
                let fault = RequestContent.decode(head, body.bytes, isWhole: true, to: &plain)
                text = Array(plain.bytes)
                return fault
            }
        }
        if let fault {
            throw .refused(
                fault.status, "body_unreadable", "the body cannot be read: \(fault.reason)")
        }
        return text
    }

    static func parse(_ text: [UInt8]) throws(Failure) -> RawJSON {
        do throws(JSONScanner.Malformed) {
            return try RawJSON(parsing: text)
        } catch {
            throw .refused(400, "body_unreadable", "the body is no JSON: \(error)")
        }
    }
}

extension TranslatedRequest {
    /// That a target's vendor needs another body than the client's.
    struct Need {
        let vendor: SharedVendor
        /// The call; nil where other dialects have none like it.
        let call: TranslatableCall?

        /// Whether the vendor speaks another dialect.
        let isForeign: Bool

        /// Nil where the vendor takes the request as it is.
        init?(_ index: Int, _ route: RoutingTable.Route, _ exchange: RequestExchange) {
            let target = route.plan.targets[index]
            vendor = exchange.snapshot.routing.vendors[target.vendor]
            isForeign = target.isForeign
            call = exchange.request.withHead {
                TranslatableCall($0, prefixLength: route.prefixLength)
            }
            if isForeign { return }
            guard let call else { return nil }
            if call.form(of: vendor) != call.form { return }
            guard !exchange.intake.isStreaming, exchange.tunnel == nil else { return nil }
        }

        /// Why the request cannot be translated, as far as that is known without its body.
        func obstacle(_ exchange: RequestExchange) -> Failure? {
            let speaks = "vendor \(vendor.name) speaks \(vendor.dialect.rawValue), and "
            if exchange.tunnel != nil {
                return .refused(
                    404, "no_target", speaks + "WebSockets are not translated")
            }
            if call == nil {
                return .refused(
                    404, "no_target",
                    speaks + "a request for this path, or of this kind, is not translated")
            }
            guard exchange.intake.isStreaming else { return nil }
            return .refused(
                413, "request_too_large",
                speaks + "the body is too large to be kept, and so to be translated; see "
                    + "replay_limit in [server]")
        }
    }
}

extension Failure {
    /// A request that cannot be said in a vendor's dialect.
    static func untranslatable(_ vendor: String, _ reason: String) -> Failure {
        .refused(
            400, "untranslatable",
            "the request cannot be translated for vendor \(vendor): \(reason)")
    }
}
