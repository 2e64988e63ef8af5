import Primitives

/// The object around the items of a Responses answer.
struct ResponsesEnvelope {
    let context: AnswerContext
    var model = ""

    /// Writes the object; the closure writes the items.
    func write(
        _ status: StaticString, finish: Finish? = nil, failure: AnswerFailure? = nil,
        counts: TokenCounts? = nil, to json: inout JSONWriter,
        items: (inout JSONWriter) -> Void
    ) {
        json.beginObject()
        json.member("id", "resp_\(context.seed)")
        json.member("object", literal: "response")
        json.member("created_at", context.created)
        json.member("status", literal: status)
        json.member("model", model)
        json.key("error")
        if let failure {
            json.beginObject()
            json.member("code", failure.openAICode(.responses) ?? "server_error")
            json.member("message", failure.message)
            json.endObject()
        } else {
            json.null()
        }
        json.key("incomplete_details")
        if let reason = finish?.incompleteReason {
            json.beginObject()
            json.member("reason", literal: reason)
            json.endObject()
        } else {
            json.null()
        }
        json.key("output")
        json.beginArray()
        items(&json)
        json.endArray()
        if let counts, !counts.isEmpty {
            json.key("usage")
            counts.writeResponses(to: &json)
        }
        echo(to: &json)
        json.endObject()
    }

    /// What the request said, of which the dialect's clients require three members.
    private func echo(to json: inout JSONWriter) {
        for extra in context.echo {
            json.key(named: extra.name)
            json.raw(extra.value)
        }
        let said = Set(context.echo.map(\.name))
        if !said.contains("parallel_tool_calls") { json.member("parallel_tool_calls", true) }
        if !said.contains("tool_choice") { json.member("tool_choice", literal: "auto") }
        if !said.contains("tools") {
            json.key("tools")
            json.beginArray()
            json.endArray()
        }
        json.member("store", false)
    }
}

extension Finish {
    /// Why a Responses answer is not complete; nil where it is.
    var incompleteReason: StaticString? {
        switch self {
        case .end, .refused, .stopWord, .toolCalls: nil
        case .length, .contextFull, .paused, .compaction: "max_output_tokens"
        case .filtered: "content_filter"
        }
    }
}
