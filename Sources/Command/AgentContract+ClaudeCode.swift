import HTTP
import JSON
import Primitives
import Reactor

// Anthropic's contract for gateways, as far as Claude Code depends on it.
extension AgentContract {
    static let claudeCode = AgentContract(
        model: "claude-sonnet-4-5", key: "sk-ant-of-the-agent",
        rows: [
            Row(name: "A1", claim: "a message is answered; path and query go out as they came") {
                (visit) throws(SystemError) in
                let call = message(visit)
                guard visit.vendor != nil else {
                    let answer = try visit.send(call)
                    return answer.isWhole(200) ? .holds : .fails(answer.summary)
                }
                return try atVendor(visit, call) { seen in
                    seen.target.hasSuffix("/v1/messages?beta=true")
                        ? .holds : .fails("the vendor got \(seen.target)")
                }
            },
            Row(name: "A2", claim: "tokens are counted without a message") {
                (visit) throws(SystemError) in
                let answer = try visit.send(message(visit, path: "/v1/messages/count_tokens"))
                let isCount = answer.json?["input_tokens"]?.integer != nil
                return answer.isWhole(200) && isCount ? .holds : .fails(answer.summary)
            },
            Row(name: "A3", claim: "the connection's warmer is answered at once, by no vendor") {
                (visit) throws(SystemError) in try warmer(visit)
            },
            Row(name: "B1", claim: "anthropic-version and -beta go out as they came, once") {
                (visit) throws(SystemError) in
                try fields(
                    ["anthropic-version", "anthropic-beta"], of: message(visit), visit)
            },
            Row(name: "B5", claim: "the credential goes out as configured, from both its fields") {
                (visit) throws(SystemError) in try credential(of: message(visit), visit)
            },
            Row(name: "B6", claim: "session, agent and unknown fields go out") {
                (visit) throws(SystemError) in
                try fields(
                    [
                        "x-claude-code-session-id", "x-claude-code-agent-id",
                        "x-claude-code-foo", "anthropic-foo", "traceparent",
                    ], of: message(visit), visit)
            },
            Row(name: "C1", claim: "the body goes out byte for byte, unknown members included") {
                (visit) throws(SystemError) in try body(of: message(visit), visit)
            },
            Row(name: "D1", claim: "each event of a stream comes when the vendor sends it") {
                (visit) throws(SystemError) in
                try pace(visit, message(visit, script: "chunks=6 delay=100"))
            },
            Row(name: "D3", claim: "no clock cuts a stream that is silent for 300 s") {
                (visit) throws(SystemError) in clocks(visit)
            },
            Row(name: "D6", claim: "a stream ends with message_stop") {
                (visit) throws(SystemError) in
                try end("event: message_stop", visit, message(visit))
            },
            Row(name: "E1", claim: "a vendor's refusal comes back as it was") {
                (visit) throws(SystemError) in
                try refusal(400, message(visit, script: "status=400"), visit)
            },
            Row(name: "E4", claim: "a vendor's 429 comes back with its Retry-After") {
                (visit) throws(SystemError) in
                try refusal(429, message(visit, script: "status=429 retry_after=7"), visit)
            },
            Row(name: "E5", claim: "a refusal of the gateway's own has Anthropic's shape") {
                (visit) throws(SystemError) in
                try ownRefusal("/v1/messages", visit) {
                    $0.json?["type"]?.text == "error" && $0.json?["error"]?["type"] != nil
                }
            },
            Row(name: "F1", claim: "models are listed within 3 s, for either credential alone") {
                (visit) throws(SystemError) in try discovery(visit)
            },
        ])

    private static func credentials(
        _ visit: AgentVisit
    ) -> [(name: String, value: String)] {
        [
            ("authorization", "Bearer \(visit.key.reveal())"),
            ("x-api-key", visit.key.reveal()),
        ]
    }

    /// A message as Claude Code sends it.
    private static func message(
        _ visit: AgentVisit, path: String = "/v1/messages?beta=true", script: String = ""
    ) -> Enquiry {
        let counts = path.hasSuffix("count_tokens")
        var json =
            "{\"model\":\"\(visit.model)\",\"system\":[{\"type\":\"text\",\"text\":"
            + "\"x-anthropic-billing-header: cc_version=2.1.0;\"},{\"type\":\"text\","
            + "\"text\":\"You are terse.\"}],\"messages\":[{\"role\":\"user\",\"content\":"
            + "\"Say hi.\(visit.script(script))\"}]"
        if !counts { json += ",\"max_tokens\":16,\"stream\":true" }
        // A real vendor refuses members that it does not know.
        if visit.vendor != nil { json += ", \"zz\" : {}" }
        json += "}"
        return Enquiry(
            path,
            credentials(visit) + [
                ("anthropic-version", "2023-06-01"),
                (
                    "anthropic-beta",
                    visit.vendor == nil
                        ? "fine-grained-tool-streaming-2025-05-14"
                        : "claude-code-20250219,  interleaved-thinking-2025-05-14,x-unknown-2099"
                ),
                ("anthropic-foo", "1"), ("user-agent", "claude-cli/2.1.0 (external, cli)"),
                ("x-app", "cli"), ("accept", "application/json"),
                ("x-claude-code-session-id", "4f6c2f0e-9b7d-4a53-8a0f-2f1f5a7a9c11"),
                ("x-claude-code-agent-id", "agent-1"), ("x-claude-code-foo", "2"),
                ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            ], json: json)
    }

    private static func warmer(_ visit: AgentVisit) throws(SystemError) -> Finding {
        let before = try visit.seen()?.count
        for path in ["/api/hello", "/"] {
            let answer = try visit.send(Enquiry(.head, path))
            guard answer.status > 0, answer.took < .seconds(1) else {
                return .fails("HEAD \(path): \(answer.summary)")
            }
        }
        guard let before, let after = try visit.seen()?.count else { return .holds }
        return before == after ? .holds : .fails("a vendor was asked")
    }

    private static func discovery(_ visit: AgentVisit) throws(SystemError) -> Finding {
        for credential in credentials(visit) {
            let answer = try visit.send(Enquiry(.get, "/v1/models?limit=1000", [credential]))
            guard answer.isWhole(200), answer.took < .seconds(3) else {
                return .fails("with \(credential.name): \(answer.summary)")
            }
            guard answer.json?["data"]?.elements?.allSatisfy({ $0["id"]?.text != nil }) ?? false
            else { return .fails("with \(credential.name), no data[].id: \(answer.summary)") }
        }
        return .holds
    }
}
