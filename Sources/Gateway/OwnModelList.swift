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
    /// Answers the question; false where the request asks for something else, or a vendor answers.
    static func answer(_ exchange: RequestExchange) -> Bool {
        let worker = exchange.worker
        guard worker.settings.server.models == .own, worker.responder == nil else { return false }
        let request = exchange.request
        let catalog = exchange.snapshot.routing.models
        let key = exchange.caller?.key
        let (asked, question): (ModelsPath?, ModelCatalog.Question?) = request.withHead { head in
            let question = catalog.question(head) { entry in
                key.map { $0.mayUse(chain: entry.chain) && $0.mayUse(model: entry.name) } ?? true
            }
            return (catalog.path(of: head), question)
        }
        guard let asked, let question else { return refuse(exchange) }
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
            exchange.refuse(.unknownModel(ModelName.bounded(name)), closing: false)
            return true
        }
        EarlyRefusal.begin(exchange)
        let tag = shape == .codex ? entityTag(body.bytes) : ""
        let isKnown = !tag.isEmpty && request.withHead { Self.knows($0, tag) }
        exchange.answerHere(
            LocalResponse(
                status: isKnown ? 304 : 200, contentType: "application/json",
                body: isKnown ? "" : body.bytes.text, entityTag: tag))
        return true
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
        let worker = exchange.worker
        guard worker.settings.server.models == .own, worker.responder == nil,
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
