import Config
import Dialects
import ExchangeCore
import HTTP
import JSON
import Primitives
import Routing
import Translation

extension TranslatedRequest {
    /// The request for a vendor of the client's own dialect, where something stands in its way:
    /// quirks of the model, or what the answers of other vendors left in the conversation.
    ///
    /// Nil where the vendor gets the client's own bytes.
    static func own(
        _ call: TranslatableCall, _ index: Int, _ route: RoutingTable.Route,
        _ vendor: SharedVendor, _ exchange: RequestExchange
    ) throws(Failure) -> TranslatedRequest? {
        let appliesQuirks = vendor.appliesQuirks && call.question == .answer
        let mayHoldEnvelopes = mayHoldEnvelopes(exchange, call.form, route, vendor)
        guard appliesQuirks || mayHoldEnvelopes else { return nil }
        let body: RawJSON
        do throws(Failure) {
            body = try readBody(exchange)
        } catch {
            // The vendor says itself what is wrong with it.
            if appliesQuirks { throw error }
            return nil
        }
        let model = route.plan.targets[index].model
        let asked = model ?? call.path?.model ?? body.model ?? ""
        let quirks = exchange.snapshot.routing.quirks(of: asked, at: vendor, call.form)
        let removal =
            mayHoldEnvelopes
            ? EnvelopeRemoval(
                body, call.form, model: model, signsCalls: quirks.geminiGeneration >= 3) : nil
        let clean = removal.map { RawJSON(written: $0.body) } ?? body
        if appliesQuirks,
            let translation = changed(clean, call, quirks, model)
        {
            let lost = translation.losses + (removal?.losses ?? [])
            try check(lost, call, route, vendor)
            do throws(JSONScanner.Malformed) {
                return try TranslatedRequest(
                    translation, call, to: call.form, losses: lost, target: index, model: asked,
                    for: exchange)
            } catch {
                throw .untranslatable(vendor.name, "\(error)")
            }
        }
        return removal.map { TranslatedRequest($0, call, target: index, for: exchange) }
    }

    /// The request of a chain that translates nothing, where another chain's answers left envelopes
    /// in the conversation.
    ///
    /// Nil where the vendor gets the client's own bytes.
    static func withoutEnvelopes(
        _ index: Int, _ route: RoutingTable.Route, _ exchange: RequestExchange
    ) -> TranslatedRequest? {
        let routing = exchange.snapshot.routing
        guard routing.leavesEnvelopes, exchange.tunnel == nil, !exchange.intake.isStreaming else {
            return nil
        }
        let target = route.plan.targets[index]
        let vendor = routing.vendors[target.vendor]
        let call = exchange.request.withHead {
            TranslatableCall($0, prefixLength: route.prefixLength)
        }
        // A vendor that has a path of another dialect's, too, speaks that dialect on it.
        guard let call, call.form(of: vendor) == call.form,
            mayHoldEnvelopes(exchange, call.form, route, vendor)
        else { return nil }
        let body: RawJSON
        do throws(Failure) {
            let text = try readText(exchange)
            guard EnvelopeRemoval.mayBeNeeded(text.span, call.form) else { return nil }
            body = try parse(text)
        } catch {
            // The vendor says itself what is wrong with it.
            return nil
        }
        let asked = target.model ?? call.path?.model ?? body.model ?? ""
        let quirks = routing.quirks(of: asked, at: vendor, call.form)
        let removal = EnvelopeRemoval(
            body, call.form, model: target.model, signsCalls: quirks.geminiGeneration >= 3)
        return removal.map { TranslatedRequest($0, call, target: index, for: exchange) }
    }

    /// The request as quirks change it; nil where they change nothing.
    private static func changed(
        _ body: RawJSON, _ call: TranslatableCall, _ quirks: Quirks, _ model: String?
    ) -> RequestTranslation? {
        let form = call.form
        do throws(Translation.Refusal) {
            let translation = try RequestTranslation(
                body, from: form, to: form, quirks: quirks, model: model, path: call.path)
            let plain = try RequestTranslation(
                body, from: form, to: form, model: model, path: call.path)
            return plain.body == translation.body ? nil : translation
        } catch {
            // Its own dialect's vendor says itself what it does not take.
            return nil
        }
    }

    private static func mayHoldEnvelopes(
        _ exchange: RequestExchange, _ form: Form, _ route: RoutingTable.Route,
        _ vendor: SharedVendor
    ) -> Bool {
        // A chat call's signature is Gemini's own. Only where a vendor of that dialect may have
        // answered is it another vendor's, and Google's servers of OpenAI's dialect want it.
        if form == .chat {
            let vendors = exchange.snapshot.routing.vendors
            let mayBeGemini = route.plan.targets.contains {
                $0.isForeign && vendors[$0.vendor].dialect == .gemini
            }
            guard mayBeGemini, !vendor.host.hasSuffix("googleapis.com") else { return false }
        }
        let request = exchange.request
        return request.withHead { head in
            exchange.intake.withBody(of: request) { body in
                head.isEncoded || EnvelopeRemoval.mayBeNeeded(body.bytes, form)
            }
        }
    }
}
