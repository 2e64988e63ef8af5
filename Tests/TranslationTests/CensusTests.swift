import JSON
import Testing

@testable import Translation

@Suite("Census of requests")
struct CensusTests {
    @Test("each member is said, declared or refused as the table has it", arguments: Census.rows)
    func rows(_ row: Census.Row) throws {
        let body = try Census.body(row.source, row.members)
        let translation: RequestTranslation
        do throws(Refusal) {
            translation = try RequestTranslation(body, from: row.source, to: row.target)
        } catch {
            #expect(row.verdict == "R" && error.field == row.path, "\(error)")
            return
        }
        #expect(row.verdict != "R", "not refused")
        let plain = try RequestTranslation(
            try RawJSON(parsing: Array("{\(Census.bases[row.source] ?? "")}".utf8)),
            from: row.source, to: row.target)
        let output = try RawJSON(parsing: translation.body)
        let fresh = Set(translation.losses).subtracting(plain.losses)
        switch row.verdict.first {
        case "-", "h":
            #expect(
                fresh == [
                    Loss(kind: .dropped, path: row.path, isHarmless: row.verdict == "h")
                ])
            #expect(translation.body == plain.body)
        case "d":
            #expect(fresh.isEmpty)
            #expect(translation.body == plain.body)
        case "=", "~":
            let isChanged = row.verdict.first == "~"
            #expect(
                fresh
                    == (isChanged
                        ? [Loss(kind: .changed, path: row.path, isHarmless: false)] : []))
            try said(row, body, output)
        default: Issue.record("no verdict: \(row.verdict)")
        }
    }

    /// The value stands where the table has it, spelled as it was.
    private func said(_ row: Census.Row, _ body: RawJSON, _ output: RawJSON) throws {
        let parts = row.verdict.dropFirst().split(separator: ":", maxSplits: 1)
        guard let first = parts.first else { return }
        let found = try #require(output.value(at: String(first)), "nothing at \(first)")
        let wanted: RawJSON
        if parts.count > 1 {
            wanted = try RawJSON(parsing: Array(parts[1].utf8))
        } else {
            wanted = try #require(
                body.value(at: row.path)
                    ?? body.value(at: "generation_config.max_output_tokens"))
        }
        if wanted.isObject || wanted.kind == .array {
            #expect(Self.sorted(found.tree) == Self.sorted(wanted.tree))
        } else {
            #expect(found.spelling == wanted.spelling)
        }
    }

    static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                members.map { JSONValue.Member($0.name, sorted($0.value)) }
                    .sorted { $0.name < $1.name })
        case .array(let elements): .array(elements.map(sorted))
        default: value
        }
    }

    /// The members that the readers take apart.
    private static let structures: [Form: Set<String>] = [
        .chat: [
            "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "functions",
            "function_call", "response_format", "reasoning_effort", "stream", "stream_options",
            "web_search_options",
        ],
        .responses: [
            "model", "instructions", "input", "tools", "tool_choice", "parallel_tool_calls",
            "reasoning", "text", "stream", "stream_options", "include",
        ],
        .messages: [
            "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config",
            "metadata", "stream",
        ],
        .gemini: [
            "model", "contents", "systemInstruction", "tools", "toolConfig", "generationConfig",
        ],
    ]

    /// All members that the dialects' own types have, read from their packages.
    private static let known: [Form: String] = [
        .chat: """
        audio frequency_penalty function_call functions logit_bias logprobs
        max_completion_tokens max_tokens messages metadata modalities model moderation n
        parallel_tool_calls prediction presence_penalty prompt_cache_key
        prompt_cache_options prompt_cache_retention reasoning_effort response_format
        safety_identifier seed service_tier stop store stream stream_options temperature
        tool_choice tools top_logprobs top_p user verbosity web_search_options
        """,
        .responses: """
        access_programs background background_options context_management conversation image
        include input instructions max_output_tokens max_tool_calls metadata model moderation
        parallel_tool_calls previous_response_id prompt prompt_cache_key
        prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier
        store stream stream_options temperature text tool_choice tools top_logprobs top_p
        truncation user
        """,
        .messages: """
        betas billing_policy cache_control compaction container context_management
        diagnostics fallback_credit_token fallbacks inference_geo max_tokens mcp_servers
        messages metadata model output_config service_tier speed stop_sequences stream system
        temperature thinking thread tool_choice tools top_k top_p user_profile_id
        workspace_id
        """,
        .gemini: """
        cachedContent contents continuationToken generationConfig labels modelArmorConfig
        safetySettings serviceTier store systemInstruction toolConfig tools
        """,
    ]

    @Test("no member of a dialect is in no table", arguments: Form.allCases)
    func complete(_ form: Form) throws {
        let names = try #require(Self.known[form]).split(whereSeparator: { " \n".contains($0) })
        let tables = Set(form.fields.map(\.name)).union(Self.structures[form] ?? [])
        for name in names { #expect(tables.contains(String(name)), "\(name)") }
        // Each row of a table stands in the census, too.
        let tested = Set(Census.rows.filter { $0.source == form }.map(\.path))
        for row in form.fields {
            let isInBase = Census.bases[form]?.contains("\"\(row.name)\"") == true
            #expect(tested.contains(row.name) || isInBase, "\(row.name) is in no line")
        }
    }
}
