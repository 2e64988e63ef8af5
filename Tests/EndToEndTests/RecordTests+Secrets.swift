import Glibc
import JSON
import Primitives
import Support
import Testing

// What is never written down.
extension RecordTests {
    @Test("no credential of a client's or ours is written anywhere")
    func canaries() throws {
        let vendor = try MockProcess()
        let folder = try TemporaryFolder()
        let gateway = try GatewayProcess(
            """
            [vendors.openai]
            base_url = "http://127.0.0.1:\(vendor.port)/v1"
            [vendors.anthropic]
            base_url = "http://127.0.0.1:\(vendor.port)"
            credential = "env:WEIR_TEST_KEY"
            headers = { "X-Extra" = "canary-extra" }
            """,
            environment: ["WEIR_TEST_KEY": "canary-own"], folder: folder)
        for fields in [
            "Authorization: Bearer canary-1\r\n", "X-Api-Key: canary-2\r\n",
            "Proxy-Authorization: Basic canary-3\r\n", "Cookie: a=canary-4\r\n",
            "X-Goog-Api-Key: canary-5\r\n", "X-My-Token: canary-6\r\n",
            "Helicone-Auth: canary-9\r\n", "X-Other: Bearer canary-10\r\n",
            "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.canary-11\r\n",
            "X-Goog-Iap-Jwt-Assertion: canary-12\r\n",
        ] {
            for path in [
                "/v1/chat/completions?key=canary-7&a=1;auth=canary-13",
                "/v1/messages?api_key=canary-8",
            ] {
                _ = try Self.call(gateway, Self.request(path, Self.chat, fields))
            }
        }
        try Self.awaitStored(gateway, 20)
        let grep = try ChildProcess("/bin/grep", ["-r", "-l", "-a", "canary", gateway.recordPath])
        #expect(try grep.wait() == 1, "\(grep.text)")
        // Nor can another user read what is written.
        let find = try ChildProcess(
            "/usr/bin/find", [gateway.recordPath, "-perm", "/077"])
        #expect(try find.wait() == 0 && find.text.isEmpty, "\(find.text)")
        #expect(!gateway.process.text.contains("canary"))
        #expect(try !gateway.page("/metrics").text.contains("canary"))
        // Calls of one key can be found by it all the same.
        let keys = try Self.records(gateway.recordPath).compactMap { $0["key"]?.text }
        #expect(Set(keys).count > 2)
    }

    @Test("what the operator wants left out of bodies never reaches the disk")
    func redaction() throws {
        let vendor = try MockProcess()
        let gateway = try GatewayProcess(
            vendor: vendor.port,
            log: """
                redact_paths = ["messages.*.content", "choices.*.*.content"]
                redact_patterns = ["secret-[0-9]+"]
                capture_limit = "256KiB"
                """)
        for stream in [true, false] {
            let body =
                #"{"model":"gpt-4o","user":"secret-123","stream":\#(stream),"#
                + #""messages":[{"role":"user","content":"canary in a prompt"}]}"#
            let (id, response) = try Self.call(
                gateway, Self.request("/v1/chat/completions", body, "X-Mock-Chunks: 9\r\n"))
            #expect(response.isWhole && response.text.contains("The"))
            try gateway.await("the record") {
                try Self.logs(gateway, ["show", id, "--json"]).status == 0
            }
            let record = try JSONValue(
                parsing: try Self.logs(gateway, ["show", id, "--json"]).text)
            let request = record["request_body"]?.text ?? ""
            #expect(request.contains(#""content":"<redacted>""#), "\(request)")
            #expect(request.contains(#""user":"<redacted>""#))
            let answer = record["response_body"]?.text ?? ""
            #expect(answer.contains(#""content":"<redacted>""#) && answer.contains("gpt-4o"))
            #expect(!answer.contains("The"))
            #expect(record["finish_reason"]?.text == "stop")
        }
        // Content that cannot be read is not kept: an encoded body, a mark before it, a cut key.
        for (body, fields) in [
            ("{\"messages\":[{\"content\":\"canary\"}]}", "Content-Encoding: x-thing\r\n"),
            ("\u{FEFF}{\"messages\":[{\"content\":\"canary\"}]}", ""),
            (
                "{\"pad\":\"" + String(repeating: "x", count: (256 << 10) - 14)
                    + "secret-1234567\"}",
                ""
            ),
        ] {
            let (id, _) = try Self.call(
                gateway, Self.request("/v1/chat/completions", body, fields))
            try gateway.await("the record") {
                try Self.logs(gateway, ["show", id, "--json"]).status == 0
            }
        }
        let grep = try ChildProcess(
            "/bin/grep", ["-r", "-l", "-a", "-E", "canary|secret-1", gateway.recordPath])
        #expect(try grep.wait() == 1, "\(grep.text)")
    }
}
