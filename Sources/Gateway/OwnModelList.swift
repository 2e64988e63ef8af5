import Access
import Config
import Cryptography
import Dialects
import ExchangeCore
import HTTP
import Primitives
import Reactor
import Routing

/// The answer to the question which models there are, where the gateway gives it itself.
enum OwnModelList {
    /// Answers the question, at once or once vendors have been asked; false where the request asks
    /// for something else, or a vendor answers.
    static func answer(_ exchange: RequestExchange) -> Bool {
        let catalog = exchange.snapshot.routing.models
        guard catalog.isOwn, exchange.worker.responder == nil else { return false }
        guard let (asked, question) = question(exchange) else { return refuse(exchange) }
        guard catalog.isAwaited() else {
            give(question, asked, to: exchange)
            return true
        }
        EarlyRefusal.begin(exchange)
        ModelListWait.begin(exchange)
        return true
    }

    /// Answers the question from what is known by now.
    static func answerAfterWait(_ exchange: RequestExchange) {
        guard let (asked, question) = question(exchange) else {
            return exchange.refuse(.unknownModel(""), closing: false)
        }
        give(question, asked, to: exchange)
    }

    /// The question that a request is, answered by what its caller may ask for; nil where it is
    /// none.
    private static func question(
        _ exchange: RequestExchange
    ) -> (ModelsPath, ModelCatalog.Question)? {
        let catalog = exchange.snapshot.routing.models
        let key = exchange.caller?.key
        return exchange.request.withHead { head in
            let question = catalog.question(head) { entry in
                key.map { $0.mayUse(chain: entry.chain) && $0.mayUse(model: entry.name) } ?? true
            }
            guard let asked = catalog.path(of: head), let question else { return nil }
            return (asked, question)
        }
    }

    private static func give(
        _ question: ModelCatalog.Question, _ asked: ModelsPath, to exchange: RequestExchange
    ) {
        let request = exchange.request
        let shape: ModelList = request.withHead { Self.shape(of: $0, asked) }
        var body = ByteBuffer()
        switch question {
        case .list(let entries):
            // To know no model of Codex's is to leave it to its own list.
            var models = shape == .codex ? [] : entries.map(Self.model)
            var hasMore = false
            if shape == .anthropic {
                hasMore = request.withHead { head in Self.cut(&models, head.query) }
            }
            shape.write(models, hasMore: hasMore, to: &body)
        case .one(_, let entry?):
            shape.write(model(entry), to: &body)
        case .one(let name, nil):
            return exchange.refuse(.unknownModel(ModelName.bounded(name)), closing: false)
        }
        EarlyRefusal.begin(exchange)
        let tag = shape == .codex ? entityTag(body.bytes) : ""
        let isKnown = !tag.isEmpty && request.withHead { Self.knows($0, tag) }
        exchange.answerHere(
            LocalResponse(
                status: isKnown ? 304 : 200, contentType: "application/json",
                body: isKnown ? "" : body.bytes.text, entityTag: tag))
    }

    private static func model(_ entry: ModelCatalog.Entry) -> ModelList.Model {
        ModelList.Model(name: entry.name, title: entry.title, owner: entry.vendor)
    }

    /// Whether a client has the answer of a tag already.
    private static func knows(_ head: borrowing RequestHead, _ tag: String) -> Bool {
        for field in head.fields where head.name(of: field).matchesIgnoringCase("if-none-match") {
            let tags = head.value(of: field).text.split(separator: ",").map { tag in
                let plain = tag.drop { $0 == " " || $0 == "\t" }
                return plain.hasPrefix("W/") ? plain.dropFirst(2) : plain
            }
            if tags.contains(where: { $0 == "*" || $0 == tag }) { return true }
        }
        return false
    }

    /// Cuts a list to the page that a query of Anthropic's clients asks for; returns whether there
    /// is more in the direction of reading.
    private static func cut(
        _ models: inout [ModelList.Model], _ query: Span<UInt8>
    ) -> Bool {
        func value(_ name: String) -> String? {
            for pair in query.text.split(separator: "&") where pair.hasPrefix(name + "=") {
                let escaped = Array(pair.dropFirst(name.utf8.count + 1).utf8)
                return String(decoding: escaped.span.percentDecoded(), as: UTF8.self)
            }
            return nil
        }
        let limit = value("limit").flatMap { Int($0) }.map { min(max($0, 1), 1000) } ?? 1000
        if let after = value("after_id"), let index = models.firstIndex(where: { $0.name == after })
        {
            models.removeFirst(index + 1)
        } else if let before = value("before_id"),
            let index = models.firstIndex(where: { $0.name == before })
        {
            models.removeLast(models.count - index)
            guard models.count > limit else { return false }
            models.removeFirst(models.count - limit)
            return true
        }
        guard models.count > limit else { return false }
        models.removeLast(models.count - limit)
        return true
    }

    /// Refuses what a vendor could take for the question, where its answer would name more models
    /// than the caller's key may ask for; false where the request may go on.
    static func refuse(_ exchange: RequestExchange) -> Bool {
        guard exchange.snapshot.routing.models.isOwn, exchange.worker.responder == nil,
            let key = exchange.caller?.key, key.restrictsModels || key.restrictsChains
        else { return false }
        let mayList = exchange.request.withHead { head in
            let isReading = head.method == .get || head.method == .head
            return ModelsPath.mayList(head.path, isReading: isReading)
        }
        guard mayList else { return false }
        exchange.refuse(
            .forbidden(
                "model_list_refused",
                "the key \(key.name) may not see all models, and the path may stand for a "
                    + "vendor's list; ask at /v1/models"),
            closing: exchange.client.phase == .body)
        return true
    }

    /// The shape that the client reads: by its path, by what only one vendor's SDK sends, and where
    /// nothing says more, that which the most read.
    private static func shape(of head: borrowing RequestHead, _ asked: ModelsPath) -> ModelList {
        if asked.isGoogles { return .gemini }
        if head.query.firstRange(of: "client_version=") != nil { return .codex }
        if head.has(.anthropicVersion) || head.has(.anthropicOther) || head.has(.xAPIKey) {
            return .anthropic
        }
        return head.has(.xGoogAPIKey) ? .gemini : .openai
    }

    private static func entityTag(_ bytes: Span<UInt8>) -> String {
        var digest = Digest()
        digest.add(bytes)
        return "\"\(digest.finish().prefix(16))\""
    }
}
