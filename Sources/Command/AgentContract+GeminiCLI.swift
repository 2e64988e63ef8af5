import JSON
import Primitives
import Reactor

// What Gemini CLI depends on, which sends its calls through Google's SDK.
extension AgentContract {
    static let geminiCLI = AgentContract(
        model: "gemini-2.5-flash", key: "AIza-of-the-agent",
        rows: [
            Row(name: "P1", claim: "a stream is answered; path and query go out as they came") {
                (visit) throws(SystemError) in
                let call = generate(visit)
                guard visit.vendor != nil else {
                    let answer = try visit.send(call)
                    return answer.isWhole(200) ? .holds : .fails(answer.summary)
                }
                return try atVendor(visit, call) { seen in
                    seen.target.hasSuffix(call.path)
                        ? .holds : .fails("the vendor got \(seen.target)")
                }
            },
            Row(name: "P2", claim: "a call without a stream, and the count of tokens, are answered")
            {
                (visit) throws(SystemError) in
                for verb in ["generateContent", "countTokens"] {
                    let answer = try visit.send(generate(visit, verb: verb))
                    guard answer.isWhole(200) else { return .fails("\(verb): \(answer.summary)") }
                }
                return .holds
            },
            Row(name: "P3", claim: "installation, client and unknown fields go out") {
                (visit) throws(SystemError) in
                try fields(
                    [
                        "x-gemini-api-privileged-user-id", "x-goog-api-client", "user-agent",
                        "x-goog-foo",
                    ], of: generate(visit), visit)
            },
            Row(name: "P4", claim: "the credential goes out as configured") {
                (visit) throws(SystemError) in try credential(of: generate(visit), visit)
            },
            Row(name: "P5", claim: "so does one that is shown as a bearer's") {
                (visit) throws(SystemError) in
                var call = generate(visit)
                call.fields = call.fields.map { field in
                    field.name == "x-goog-api-key"
                        ? ("authorization", "Bearer \(field.value)") : field
                }
                return try credential(of: call, visit)
            },
            Row(name: "P6", claim: "the body goes out byte for byte") {
                (visit) throws(SystemError) in try body(of: generate(visit), visit)
            },
            Row(name: "S1", claim: "each event of a stream comes when the vendor sends it") {
                (visit) throws(SystemError) in
                try pace(visit, generate(visit, script: "chunks=6 delay=100"))
            },
            Row(name: "S2", claim: "a stream ends with a finish reason, and has no comments") {
                (visit) throws(SystemError) in
                let answer = try visit.send(generate(visit))
                guard answer.isWhole(200) else { return .fails(answer.summary) }
                // Its SDK bears nothing but data.
                for line in answer.text.split(whereSeparator: \.isNewline)
                where !line.hasPrefix("data:") { return .fails("a line \"\(line)\"") }
                return answer.text.contains("finishReason") ? .holds : .fails("no finishReason")
            },
            Row(name: "S3", claim: "no clock cuts a stream that is silent for 300 s") {
                (visit) throws(SystemError) in clocks(visit)
            },
            Row(name: "E1", claim: "a vendor's refusal comes back as it was") {
                (visit) throws(SystemError) in
                try refusal(400, generate(visit, script: "status=400"), visit)
            },
            Row(name: "E2", claim: "a refusal of the gateway's own has Google's shape") {
                (visit) throws(SystemError) in
                try ownRefusal("/v1beta/models/\(visit.model):generateContent", visit) {
                    $0.json?["error"]?["status"]?.text != nil
                }
            },
        ])

    private static func generate(
        _ visit: AgentVisit, verb: String = "streamGenerateContent", script: String = ""
    ) -> Enquiry {
        let query = verb == "streamGenerateContent" ? "?alt=sse" : ""
        return Enquiry(
            "/v1beta/models/\(visit.model):\(verb)\(query)",
            [
                ("x-goog-api-key", visit.key.reveal()),
                ("user-agent", "GeminiCLI/0.10.0/\(visit.model) (linux; x64)"),
                ("x-goog-api-client", "google-genai-sdk/1.16.0 gl-node/v20.11.0"),
                ("x-gemini-api-privileged-user-id", "0b7a5d0a-installation"), ("x-goog-foo", "1"),
            ],
            json: "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
                + "\"Say hi.\(visit.script(script))\"}]}]}")
    }
}
