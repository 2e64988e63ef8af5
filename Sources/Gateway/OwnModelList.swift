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
        let asked: ModelCatalog.Question? = request.withHead { head in
            catalog.question(head) { entry in
                key.map { $0.mayUse(chain: entry.chain) && $0.mayUse(model: entry.name) } ?? true
            }
        }
        guard let question = asked else { return false }
        let shape: ModelList = request.withHead { Self.shape(of: $0) }
        var body = ByteBuffer()
        switch question {
        case .list(let entries):
            // To know no model of Codex's is to leave it to its own list.
            shape.write(shape == .codex ? [] : entries.map { ($0.name, $0.vendor) }, to: &body)
        case .one(_, let entry?):
            shape.write((entry.name, entry.vendor), to: &body)
        case .one(let name, nil):
            exchange.refuse(.unknownModel(ModelName.bounded(name)), closing: false)
            return true
        }
        EarlyRefusal.begin(exchange)
        let tag = shape == .codex ? entityTag(body.bytes) : ""
        exchange.answerHere(
            LocalResponse(
                status: 200, contentType: "application/json", body: body.bytes.text,
                entityTag: tag))
        return true
    }

    /// The shape that the client reads: by its path, by what only one vendor's SDK sends, and where
    /// nothing says more, that which the most read.
    private static func shape(of head: borrowing RequestHead) -> ModelList {
        if head.path.firstRange(of: "/v1beta/") != nil { return .gemini }
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
