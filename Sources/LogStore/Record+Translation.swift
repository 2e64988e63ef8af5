public import Dialects

extension Record.Attempt {
    /// The form in which its vendor was asked, and answers; nil where it was not translated.
    private var vendorForm: Substring? {
        guard !translation.isEmpty else { return nil }
        let pair = translation.prefix { $0 != ";" }
        return pair.firstIndex(of: ">").map { pair[pair.index(after: $0)...] }
    }

    /// The dialect in which its vendor answers; nil for the request's own.
    public var translatedDialect: Dialect? {
        switch vendorForm {
        case "chat", "responses": .openai
        case "messages": .anthropic
        case "gemini": .gemini
        default: nil
        }
    }

    /// A path of the vendor's API, for what depends on it; nil where it was not translated.
    var translatedTarget: String? {
        switch vendorForm {
        case "chat": "/v1/chat/completions"
        case "responses": "/v1/responses"
        case "messages": "/v1/messages"
        case "gemini": "/v1beta/models/-:streamGenerateContent"
        default: nil
        }
    }
}

extension Record {
    // Without an attempt's copy: nearly none is translated.
    private var translatedIndex: Int? {
        let index = answered - 1
        guard attempts.indices.contains(index), !attempts[index].translation.isEmpty
        else { return nil }
        return index
    }

    /// The dialect of the answer as the vendor sent it.
    var answerDialect: Dialect {
        translatedIndex.flatMap { attempts[$0].translatedDialect } ?? dialect
    }

    /// The path and query of the vendor's API that answered.
    var answerTarget: String {
        translatedIndex.flatMap { attempts[$0].translatedTarget } ?? target
    }
}
