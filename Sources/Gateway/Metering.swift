import Access
import Config
import Dialects
import ExchangeCore
import HTTP
import Journal
import Primitives
import Reactor
import Routing
import Translation

/// Admit and settle: what a caller's limits hold for a request, and what it is charged in the end.
enum Metering {
    /// Whether a request is admitted.
    enum Decision {
        /// It is, and its reservation is held.
        case admitted
        /// It waits for a limit.
        case waiting
        case refused(Failure)
        /// The budget does not cover it, and it goes to this chain, or is refused.
        case diverted(chain: String, Failure)
    }

    /// Admits a request with a route.
    ///
    /// `isDiverted`: the route is the one that a budget has for what it does not cover.
    static func admit(
        _ exchange: RequestExchange, _ route: RoutingTable.Route, isDiverted: Bool = false
    ) -> Decision {
        guard let access = exchange.snapshot.access, var caller = exchange.caller,
            let identifier = exchange.identifier
        else { return .admitted }
        let key = caller.key
        guard key.mayUse(chain: route.plan.chain) else {
            return .refused(
                .forbidden(
                    "chain_not_allowed",
                    "the key \(key.name) may not use chain \(route.plan.chain)"))
        }
        // To read the path costs more than all else here, so that it is asked last.
        if let refusal = ModelCheck.refusalOfPath(of: exchange, route, key) {
            return .refused(refusal)
        }
        let isBilled = key.isMetered && isWork(exchange)
        // What was spent is not known yet: it could be all there is.
        if isBilled, key.hasBudget, !access.ledger.isWhole { return .refused(.ledgerIncomplete) }
        var demand = Demand()
        demand.isDiverted = isDiverted
        do {
            try ModelCheck.checkBody(of: exchange, route, key, isBilled: isBilled)
            if key.needsModel { caller.model = try ModelCheck.model(of: exchange, route, key) }
            if isBilled {
                let bound = try bound(exchange, route, caller, access)
                caller.inputBound = bound.input
                caller.costBound = bound.nanodollars
                caller.writesOutput = bound.writesOutput
                caller.outlivesClient = bound.outlivesClient
                demand.isWork = true
                demand.tokens = bound.expectedTokens
                demand.nanodollars =
                    access.table.holdMax.map { min($0, bound.nanodollars) } ?? bound.nanodollars
            }
        } catch {
            return .refused(error.failure)
        }
        // The identifier has just read the clock.
        let now = Int(identifier.high >> 16)
        let queue = exchange.worker.limitQueue
        let decision = access.ledger.admit(
            demand, key.path, now: now, key: key.name,
            ended: key.mayWait ? queue.receiver(for: exchange) : nil)
        exchange.caller = caller
        switch decision {
        case .admitted(let reservation):
            exchange.caller?.admitted(reservation)
            return .admitted
        case .waiting(let ticket, let wait):
            queue.append(exchange, ticket, atMost: wait, access.ledger)
            return .waiting
        case .refused(let refusal):
            let failure = Failure.limited(refusal, now: now)
            return refusal.chain.map { .diverted(chain: $0, failure) } ?? .refused(failure)
        }
    }

    /// Whether a model works for a request, so that it may cost something.
    static func isWork(_ exchange: RequestExchange) -> Bool {
        exchange.request.withHead { head in
            RequestWork.isBilled(method: head.methodAsked, target: head.pathAndQuery.text)
        }
    }

    /// Whether a request has a vendor work where its use is not seen.
    static func isOutOfSight(
        _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> Bool {
        let (isOutOfSight, isConversation) = exchange.request.withHead { head in
            let (method, target) = (head.methodAsked, head.pathAndQuery.text)
            return (
                RequestWork.isOutOfSight(
                    method: method, target: target,
                    hasBody: head.isChunked || head.contentLength ?? 0 > 0),
                RequestWork.keepsConversation(method: method, target: target)
            )
        }
        // OpenAI's conversations keep items, and with Mistral's a model answers them.
        return isOutOfSight || isConversation && requestBound(exchange, route).hasInputs
    }

    private static func bound(
        _ exchange: RequestExchange, _ route: RoutingTable.Route, _ caller: ExchangeCaller,
        _ access: AccessPlan
    ) throws(ModelCheck.Refusal) -> CallBound {
        let targets = route.plan.targets
        let routing = exchange.snapshot.routing
        let models = targets.indices.filter { !exchange.tried.contains($0) }.map { index in
            let target = targets[index]
            let vendor = routing.vendors[target.vendor]
            var model = PricedModel(
                name: target.model ?? caller.model, vendor: vendor.name,
                dialect: target.isForeign ? vendor.dialect : route.dialect)
            // What is written anew has a limit where a vendor wants one, and none below its least:
            // a translation, also between two forms of one dialect, or a request with its quirks.
            let isRewritten = target.isForeign || vendor.rewritesRequests
            switch vendor.dialect {
            case .anthropic where isRewritten:
                model.writtenOutput =
                    routing.quirks(of: model.name, at: vendor, .messages).outputMax
            case .openai where isRewritten:
                model.writtenOutputMin =
                    routing.quirks(of: model.name, at: vendor, .responses).outputMin
            default: break
            }
            return model
        }
        do {
            return try CallBound(
                requestBound(exchange, route), at: models, access.prices,
                outputDefault: access.table.outputDefault, isPriced: caller.key.hasBudget,
                allowsUnpriced: caller.key.allowsUnpriced)
        } catch {
            throw ModelCheck.Refusal(failure: .unbounded(error, key: caller.key.name))
        }
    }

    static func requestBound(
        _ exchange: RequestExchange, _ route: RoutingTable.Route
    ) -> RequestBound {
        let request = exchange.request
        let target = request.withHead { $0.pathAndQuery.text }
        let isConversation = RequestWork.isConversation(target: target)
        guard !exchange.intake.isStreaming else {
            return RequestBound(
                unreadBytes: request.head.contentLength
                    ?? exchange.worker.intakeBounds.bytesMax, isConversation: isConversation)
        }
        let bound = request.withHead { head in
            let limits = AnswerLimits(route.dialect, target: target)
            let type = head.value(of: .contentType)
            return exchange.intake.withBody(of: request) { body in
                guard head.isEncoded else {
                    return RequestBound(body.bytes, limits, contentType: type)
                }
                var plain = ByteBuffer()
                let fault = RequestContent.decode(head, body.bytes, isWhole: true, to: &plain)
                return fault == nil
                    ? RequestBound(plain.bytes, limits, contentType: type)
                    : RequestBound(unreadBytes: body.count, isConversation: isConversation)
            }
        }
        guard RequestWork.readsStored(target: target) else { return bound }
        return bound.readingStored().outliving()
    }

    // MARK: The end

    /// An attempt failed before anything of it went out: its vendor may have worked all the same,
    /// and the exchange pays for that, too.
    ///
    /// Returns whether the budgets have room for it, so that another attempt may follow.
    static func attemptFailed(_ attempt: Attempt, _ failureClass: FailureClass) -> Bool {
        let exchange = attempt.exchange
        guard let access = exchange.snapshot.access, let caller = exchange.caller,
            let reservation = caller.reservation, caller.held.isWork, !attempt.isCharged
        else { return true }
        attempt.isCharged = true
        var end = callEnd(exchange, attempt, .upstreamError, access)
        // An error in the stead of an answer is a refusal, whatever the status before it said.
        if failureClass == .streamError, end.usage == nil { end.isVendorsRefusal = true }
        let charge = charge(for: end, of: pricedModel(of: attempt), caller, access)
        guard charge.basis != .free else { return true }
        let (more, hasRoom) = access.ledger.hold(
            charge, besides: reservation, now: Int(Identifier.wallClockMilliseconds()))
        exchange.caller?.reservation = more
        exchange.caller?.inVain = caller.inVain.adding(charge)
        return hasRoom
    }

    /// What an exchange is charged if it ends so; nil where nothing is held for it.
    static func charge(_ exchange: RequestExchange, _ outcome: Outcome) -> Charge? {
        guard let access = exchange.snapshot.access, let caller = exchange.caller,
            caller.reservation != nil
        else { return nil }
        if let known = caller.charge, known.outcome == outcome { return known.charge }
        let attempt = exchange.answeringAttempt ?? exchange.attempt
        var charge = Charge.free
        if caller.held.isWork, let attempt, !attempt.isCharged {
            let end = callEnd(exchange, attempt, outcome, access)
            charge = Self.charge(for: end, of: pricedModel(of: attempt), caller, access)
        }
        charge = charge.adding(caller.inVain)
        charge.isAsked = exchange.state.attempts > 0
        exchange.caller?.charge = (outcome, charge)
        return charge
    }

    private static func charge(
        for end: CallEnd, of model: PricedModel, _ caller: ExchangeCaller, _ access: AccessPlan
    ) -> Charge {
        let held = caller.held
        return Charge.of(
            end, held: held, most: held.nanodollars > 0 ? caller.costBound : nil,
            input: caller.inputBound
        ) { input, output in
            guard held.nanodollars > 0 else { return 0 }
            return access.prices?.bound(
                input: input, output: output, writesCache: true, of: model)
        }
    }

    private static func pricedModel(of attempt: Attempt) -> PricedModel {
        let target = attempt.route.plan.targets[attempt.route.target]
        return PricedModel(
            name: target.model ?? attempt.exchange.caller?.model ?? "",
            vendor: attempt.vendor.name, dialect: attempt.answerDialect)
    }

    private static func callEnd(
        _ exchange: RequestExchange, _ attempt: Attempt?, _ outcome: Outcome,
        _ access: AccessPlan
    ) -> CallEnd {
        var end = CallEnd()
        guard let attempt else { return end }
        end.wasSent = attempt.wasSent || attempt.headIsComplete
        end.goesOn = exchange.caller?.outlivesClient ?? false
        end.isVendorsRefusal = attempt.headIsComplete && attempt.status >= 300
        end.answerBytes = attempt.pipeline.observedBytes
        end.isWhole = outcome == .complete && attempt.headIsComplete
        guard !end.isVendorsRefusal,
            let facts = attempt.pipeline.endObservation(
                now: exchange.worker.loop.now)
        else { return end }
        let dialect = attempt.answerDialect
        let target =
            attempt.translated?.vendor.path ?? exchange.request.withHead { $0.pathAndQuery.text }
        let lacksTerminal =
            attempt.recorder.isEventStream && facts.isUnderstood && !facts.sawTerminal
            && dialect.marksStreamEnds(target: target.utf8.span)
        end.isWhole = end.isWhole && !lacksTerminal
        let model = pricedModel(of: attempt)
        func price(_ usage: Usage, _ usageText: String) -> Int? {
            access.prices?.nanodollars(
                for: PricedCall(
                    models: [ModelName.bounded(facts.model), model.name],
                    vendor: attempt.vendor.name, dialect: dialect, usage: usage,
                    tier: facts.serviceTier, usageText: usageText))
        }
        let writesOutput = exchange.caller?.writesOutput ?? true
        if let usage = facts.account(in: dialect, target: target, isWhole: end.isWhole),
            !usage.isEmpty, facts.usageFields.isWhole(usage, writesOutput: writesOutput)
        {
            end.usage = usage
            end.nanodollars = facts.usageFields.statedNanodollars ?? price(usage, facts.usageText)
        } else if !end.isWhole, var usage = facts.accountSoFar(in: dialect, target: target) {
            (end.leastTokens, end.leastNanodollars) = (usage.chargedTokens, price(usage, "") ?? 0)
            usage.output = max(usage.output ?? 0, end.answerBytes)
            end.usageSoFar = usage
            // The usage as the vendor wrote it has the opening alone, without the bytes that came.
            end.nanodollars = price(usage, "")
        } else if facts.isErrorAlone(inStream: attempt.recorder.isEventStream) {
            end.isVendorsRefusal = true
        }
        return end
    }

    /// What the record says at the beginning: who calls, and what is held.
    static func held(_ exchange: RequestExchange) -> CallerAccount {
        guard let caller = exchange.caller else { return CallerAccount() }
        let demand = caller.reservation?.demand ?? Demand()
        return CallerAccount(
            name: caller.key.name, group: caller.key.group, tokens: demand.tokens,
            nanodollars: demand.nanodollars)
    }

    /// What the record says at the end: who called, and what is charged.
    static func charged(_ exchange: RequestExchange, _ outcome: Outcome) -> CallerAccount {
        guard let caller = exchange.caller else { return CallerAccount() }
        var charge = charge(exchange, outcome) ?? .free
        // A limit that the key gets later begins with what was used before.
        if charge.basis == .free, !caller.key.isMetered { charge.basis = .unlimited }
        return CallerAccount(
            name: caller.key.name, group: caller.key.group, tokens: charge.tokens,
            nanodollars: charge.nanodollars, basis: charge.basis.number)
    }

    /// Puts what the exchange is charged in the stead of what was held: once, at its end.
    static func settle(_ exchange: RequestExchange, _ outcome: Outcome) {
        guard let access = exchange.snapshot.access,
            let charge = charge(exchange, outcome),
            let reservation = exchange.caller?.reservation
        else { return }
        exchange.caller?.reservation = nil
        access.ledger.settle(
            reservation, charge, now: Int(Identifier.wallClockMilliseconds()))
    }
}
