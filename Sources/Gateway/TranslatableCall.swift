import Config
import Dialects
import HTTP
import Primitives
import Routing
import Translation

/// A request that other dialects have a form for, as far as its head says so.
struct TranslatableCall {
    /// What it asks for.
    enum Question {
        /// A model's answer.
        case answer
        /// How many tokens such a request has.
        case count
    }

    /// The form of its body.
    let form: Form
    let question: Question
    /// What Gemini's path says and the others' bodies do.
    private(set) var path: (model: String, isStreamed: Bool)?

    /// The call of a request, whose chain takes a prefix of its path; nil where it asks for
    /// something that one dialect has alone.
    init?(_ head: borrowing RequestHead, prefixLength: Int) {
        guard head.method == .post else { return nil }
        let whole = head.path
        let path = whole.extracting(prefixLength..<whole.count)
        for (known, form, question) in Self.paths where path.matches(known) {
            self.form = form
            self.question = question
            return
        }
        guard let verb = GeminiVerb(path, head.query) else { return nil }
        form = .gemini
        question = verb.question
        self.path = (verb.model, verb.isStreamed)
    }

    private static let paths: [(StaticString, Form, Question)] = [
        ("/v1/chat/completions", .chat, .answer),
        ("/v1beta/openai/chat/completions", .chat, .answer),
        ("/v1/responses", .responses, .answer),
        ("/v1/responses/input_tokens", .responses, .count),
        ("/v1/messages", .messages, .answer),
        ("/v1/messages/count_tokens", .messages, .count),
    ]

    /// The form in which a vendor is asked; nil where its dialect has no such question.
    func form(of vendor: SharedVendor) -> Form? {
        let form = vendor.form(for: form)
        guard question == .count, !CountTranslation.exists(in: form) else { return form }
        return vendor.apis.contains(.responses) ? .responses : nil
    }
}

/// What a path of Gemini's asks of a model.
private struct GeminiVerb {
    let model: String
    let question: TranslatableCall.Question
    let isStreamed: Bool

    init?(_ path: Span<UInt8>, _ query: Span<UInt8>) {
        guard path.hasPrefix("/v1"), let range = path.modelRange else { return nil }
        let verb = path.extracting(range.upperBound..<path.count).percentDecoded()
        let name = path.extracting(range).percentDecoded()
        model = String(decoding: name, as: UTF8.self)
        if verb.span.matches(":generateContent") {
            (question, isStreamed) = (.answer, false)
        } else if verb.span.matches(":countTokens") {
            (question, isStreamed) = (.count, false)
        } else if verb.span.matches(":streamGenerateContent"),
            query.firstRange(of: "alt=sse") != nil
        {
            (question, isStreamed) = (.answer, true)
        } else {
            // Without alt=sse the stream is one JSON array, which no other dialect has.
            return nil
        }
    }
}

extension Form {
    /// The dialect that it is of.
    var dialect: Dialect {
        switch self {
        case .chat, .responses: .openai
        case .messages: .anthropic
        case .gemini: .gemini
        }
    }

    /// The path of a vendor's API that takes it.
    var path: String { OutboundForm(self, model: "-", isStreamed: true).path }
}
