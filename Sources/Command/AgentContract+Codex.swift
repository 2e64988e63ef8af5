import HTTP
import JSON
import Primitives
import Reactor

// What Codex's own sources depend on.
extension AgentContract {
    static let codex = AgentContract(
        model: "gpt-5", key: "sk-of-the-agent",
        rows: [
            Row(name: "W1", claim: "a WebSocket's handshake is answered 101, or 426 at once") {
                (visit) throws(SystemError) in try socket(visit)
            },
            Row(name: "P1", claim: "a response is answered; its path goes out without a query") {
                (visit) throws(SystemError) in
                let call = response(visit)
                guard visit.vendor != nil else {
                    let answer = try visit.send(call)
                    return answer.isWhole(200) ? .holds : .fails(answer.summary)
                }
                return try atVendor(visit, call) { seen in
                    seen.target.hasSuffix("/responses")
                        ? .holds : .fails("the vendor got \(seen.target)")
                }
            },
            Row(name: "P2", claim: "session, thread, turn and unknown fields go out") {
                (visit) throws(SystemError) in
                try fields(
                    [
                        "session-id", "thread-id", "x-client-request-id", "x-codex-turn-metadata",
                        "x-codex-turn-state", "originator", "openai-beta", "x-codex-foo",
                    ], of: response(visit), visit)
            },
            Row(name: "P3", claim: "the credential goes out as configured") {
                (visit) throws(SystemError) in try credential(of: response(visit), visit)
            },
            Row(name: "P4", claim: "the body goes out byte for byte") {
                (visit) throws(SystemError) in try body(of: response(visit), visit)
            },
            Row(name: "P5", claim: "a body under zstd goes out byte for byte, in its coding") {
                (visit) throws(SystemError) in
                guard visit.vendor != nil else { return notScripted }
                return try body(of: compressed(visit), visit)
            },
            Row(name: "P6", claim: "the compacting of a session reaches the vendor") {
                (visit) throws(SystemError) in
                let call = response(visit, path: "/v1/responses/compact")
                return try atVendor(visit, call, status: nil) { seen in
                    seen.target.hasSuffix("/responses/compact")
                        ? .holds : .fails("the vendor got \(seen.target)")
                }
            },
            Row(name: "S1", claim: "each event of a stream comes when the vendor sends it") {
                (visit) throws(SystemError) in
                try pace(visit, response(visit, script: "chunks=6 delay=100"))
            },
            Row(name: "S2", claim: "a stream ends with response.completed") {
                (visit) throws(SystemError) in
                try end("response.completed", visit, response(visit))
            },
            Row(name: "S3", claim: "no clock cuts a stream that is silent for 300 s") {
                (visit) throws(SystemError) in clocks(visit)
            },
            Row(name: "E1", claim: "a vendor's refusal comes back as it was") {
                (visit) throws(SystemError) in
                try refusal(400, response(visit, script: "status=400"), visit)
            },
            Row(name: "E2", claim: "a vendor's 429 comes back with its Retry-After") {
                (visit) throws(SystemError) in
                try refusal(429, response(visit, script: "status=429 retry_after=7"), visit)
            },
            Row(name: "E3", claim: "a refusal of the gateway's own has OpenAI's shape") {
                (visit) throws(SystemError) in
                try ownRefusal("/v1/chat/completions", visit) {
                    $0.json?["error"]?["code"]?.text != nil
                }
            },
            Row(name: "M1", claim: "the question for models is no failure of the gateway's") {
                (visit) throws(SystemError) in
                let answer = try visit.send(
                    Enquiry(.get, "/v1/models?client_version=0.50.0", [bearer(visit)]))
                return answer.status == 200 || answer.status == 304
                    ? .holds : .fails(answer.summary)
            },
        ])

    private static func bearer(_ visit: AgentVisit) -> (name: String, value: String) {
        ("authorization", "Bearer \(visit.key.reveal())")
    }

    private static func fields(_ visit: AgentVisit) -> [(name: String, value: String)] {
        [
            bearer(visit), ("accept", "text/event-stream"), ("originator", "codex_cli_rs"),
            ("user-agent", "codex_cli_rs/0.50.0"), ("version", "0.50.0"),
            ("session-id", "019a0000-0000-7000-8000-000000000001"),
            ("thread-id", "019a0000-0000-7000-8000-000000000002"),
            ("x-client-request-id", "019a0000-0000-7000-8000-000000000002"),
            ("x-codex-turn-metadata", "{\"turn_id\":\"1\"}"), ("x-codex-turn-state", "opaque=="),
            ("openai-beta", "responses=experimental"), ("x-codex-foo", "1"),
        ]
    }

    private static func json(_ visit: AgentVisit, _ script: String) -> String {
        "{\"model\":\"\(visit.model)\",\"instructions\":\"Be terse.\",\"input\":[{\"type\":"
            + "\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"
            + "\"Say hi.\(visit.script(script))\"}]}],\"store\":false,\"stream\":true}"
    }

    private static func response(
        _ visit: AgentVisit, path: String = "/v1/responses", script: String = ""
    ) -> Enquiry {
        Enquiry(path, fields(visit), json: json(visit, script))
    }

    /// A response's body in one frame of zstd with one block that is not compressed.
    private static func compressed(_ visit: AgentVisit) -> Enquiry {
        let plain = Array("{\"model\":\"\(visit.model)\",\"input\":\"Say hi.\"}".utf8)
        let block = plain.count << 3 | 1
        // The magic number, a segment of one byte's length, and the head of a last block.
        let frame: [UInt8] =
            [0x28, 0xB5, 0x2F, 0xFD, 0x20, UInt8(truncatingIfNeeded: plain.count)]
            + [0, 8, 16].map { UInt8(truncatingIfNeeded: block >> $0) } + plain
        var call = response(visit)
        call.fields.append(("content-encoding", "zstd"))
        call.body = frame
        return call
    }

    private static func socket(_ visit: AgentVisit) throws(SystemError) -> Finding {
        let answer = try visit.send(
            Enquiry(
                .get, "/v1/responses",
                fields(visit) + handshake
                    + [("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")],
                isHandshake: true))
        guard answer.took < .seconds(15) else { return .fails("after \(answer.took)") }
        switch answer.status {
        case 101:
            // Its client takes no list.
            let word = answer["connection"] ?? ""
            return word.lowercased() == "upgrade" ? .holds : .fails("Connection: \(word)")
        case 426: return .holds
        default: return .fails("it tries five times more after \(answer.summary)")
        }
    }
}
